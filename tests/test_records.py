import gzip
import io
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from service import lines
from service.inference.article import (
    Annotation,
    Article,
    Current,
    CurrentLabel,
    ModelReference,
    RequestWarning,
)
from service.records import (
    DamagedFileError,
    RecordError,
    decode_article,
    encode_annotation,
    open_lines,
    write_lines,
)

NAMES = ("plain.jsonl", "packed.jsonl.gz", "packed.jsonl.zst")


def body(**fields: object) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode()


def problem(line: bytes, *, strict: bool = False) -> RecordError:
    with pytest.raises(RecordError) as caught:
        decode_article(line, strict=strict)
    return caught.value


# lines


@pytest.mark.parametrize("name", NAMES)
def test_lines_come_back_as_written(tmp_path: Path, name: str) -> None:
    lines = [b'{"a":1}', "{«ё» \u2028}".encode(), b"x" * 600_000, b"last"]
    with write_lines(tmp_path / name) as write:
        for line in lines:
            write(line)
    assert list(open_lines(tmp_path / name)) == list(enumerate(lines, start=1))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_gzip_and_zstd_are_the_real_ones(tmp_path: Path) -> None:
    for name in NAMES[1:]:
        with write_lines(tmp_path / name) as write:
            write(b"line")
    assert gzip.decompress((tmp_path / NAMES[1]).read_bytes()) == b"line\n"
    assert zstandard.ZstdDecompressor().decompressobj().decompress((tmp_path / NAMES[2]).read_bytes()) == b"line\n"


def test_the_same_lines_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.gz", "b.gz"):
        with write_lines(tmp_path / name) as write:
            write(b"line")
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


def test_blank_lines_are_counted_but_not_given(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbf\n\none\r\n  \r\n\ntwo")
    assert list(open_lines(tmp_path / "a")) == [(3, b"one\r"), (6, b"two")]


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b'\xef\xbb\xbf{"a":1}\n')
    assert list(open_lines(tmp_path / "a")) == [(1, b'{"a":1}')]


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_several_compressed_files_in_one_are_read(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    path = tmp_path / f"a.{'gz' if compress is gzip.compress else 'zst'}"
    path.write_bytes(compress(b"one\ntw") + compress(b"") + compress(b"o\n") + b"\0" * 512)
    assert list(open_lines(path)) == [(1, b"one"), (2, b"two")]


@pytest.mark.parametrize("cut", [1, 9, -1])
@pytest.mark.parametrize(("compress", "end"), [(gzip.compress, "gz"), (zstandard.compress, "zst")])
def test_a_truncated_file_is_named_with_the_line(
    tmp_path: Path, compress: Callable[[bytes], bytes], end: str, cut: int
) -> None:
    path = tmp_path / f"news.jsonl.{end}"
    packed = compress(b"".join(b'{"title":"%d"}\n' % number for number in range(100_000)))
    path.write_bytes(packed[: len(packed) // 2] if cut == -1 else packed[:-cut])
    with pytest.raises(DamagedFileError, match=rf"news\.jsonl\.{end} is damaged after line \d+: it ends too early"):
        list(open_lines(path))


@pytest.mark.parametrize("name", NAMES[1:])
@pytest.mark.parametrize("content", [b"", b"plain text\n"])
def test_a_file_that_is_not_compressed_is_damaged(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DamagedFileError, match="damaged after line 0"):
        list(open_lines(tmp_path / name))


@pytest.mark.parametrize(("compress", "end"), [(gzip.compress, "gz"), (zstandard.compress, "zst")])
def test_a_small_file_does_not_fill_the_memory(tmp_path: Path, compress: Callable[[bytes], bytes], end: str) -> None:
    path = tmp_path / f"bomb.{end}"
    path.write_bytes(compress(b"\n" * (64 << 20)))
    largest = max(len(chunk) for chunk in lines._chunks(str(path)))
    assert largest <= lines.CHUNK
    path.write_bytes(compress(b"one\n" + b" " * (65 << 20)))
    with pytest.raises(DamagedFileError, match="after line 1: the next line is longer than 64 MB"):
        list(open_lines(path))


def test_a_closed_standard_stream_is_an_error_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OSError, match="standard input is closed"):
        list(open_lines("-"))
    with pytest.raises(OSError, match="standard output is closed"), write_lines("-"):
        pass


class Standard:
    def __init__(self, content: bytes = b"") -> None:
        self.buffer = io.BytesIO(content)

    def flush(self) -> None:
        pass


def test_a_dash_is_the_standard_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(b"one\ntwo\n"))))
    assert list(open_lines("-")) == [(1, b"one"), (2, b"two")]
    out = Standard()
    monkeypatch.setattr(sys, "stdout", out)
    with write_lines("-") as write:
        write(b"one")
    assert out.buffer.getvalue() == b"one\n"


@pytest.mark.parametrize("name", NAMES)
def test_a_failed_writer_leaves_the_old_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"old")
    with suppress(RuntimeError), write_lines(tmp_path / name) as write:
        write(b"new")
        raise RuntimeError
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {name: b"old"}


def test_a_pipe_is_written_to_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with write_lines(tmp_path / "pipe") as write:
        write(b"line")
    assert os.read(reader, 100) == b"line\n"
    os.close(reader)


# articles


def test_an_article_is_decoded() -> None:
    current = {"rubric": {"label": "Спорт", "by": "auto"}, "regions": [], "tags": [{"id": "t1"}]}
    line = body(id="1", title="Зенит", text="Текст", stage="draft", current=current)
    article, warnings = decode_article(line)
    assert article == Article(
        id="1",
        title="Зенит",
        text="Текст",
        stage="draft",
        current=Current(CurrentLabel(label="Спорт", by="auto"), (), (CurrentLabel(id="t1"),)),
    )
    assert warnings == ()


@given(st.builds(Article, id=st.none() | st.text(), title=st.text(), text=st.none() | st.text(), url=st.text()))
def test_any_article_comes_back(article: Article) -> None:
    assert decode_article(msgspec.json.encode(article)) == (article, ())


@pytest.mark.parametrize("title", ["", " ", "\x00", "a\x00b", "😀", "\u2028", "\ufeff", "\uffff", "مرحبا"])
def test_what_a_text_says_is_never_an_error(title: str) -> None:
    for line in (json.dumps({"title": title}).encode(), body(title=title)):
        assert decode_article(line)[0].title == title


def test_null_is_the_same_as_absent() -> None:
    nothing = dict.fromkeys(("id", "lead", "text", "body_html", "source", "url", "published_at", "stage", "current"))
    assert decode_article(body(title="т", **nothing)) == (Article(title="т"), ())
    current = {"rubric": None, "regions": None, "tags": [{"id": "a", "label": None, "by": None}]}
    article, _ = decode_article(body(title="т", current=current))
    assert article.current == Current(tags=(CurrentLabel(id="a"),))


def test_of_a_field_sent_twice_the_last_counts() -> None:
    assert decode_article(b'{"title":"1","title":"2"}')[0].title == "2"


def test_a_byte_order_mark_is_allowed() -> None:
    assert decode_article(b"\xef\xbb\xbf" + body(title="т"))[0].title == "т"


@pytest.mark.parametrize(
    ("line", "pointer", "detail"),
    [
        (b"", "", "the body is empty"),
        (b"{", "", "not JSON"),
        (b'{"title":"a"} {}', "", "not JSON"),
        (b'{"title":NaN}', "", "not JSON"),
        ('{"title":"ж"}'.encode("cp1251"), "", "not UTF-8: invalid .* at byte 10"),
        (b'{"title":"a","x":"\xff"}', "", "not UTF-8"),
        (b'{"title":"a","\xff":1}', "", "not UTF-8"),
        (b'{"title":"\xed\xa0\x80"}', "", "not UTF-8"),
        (rb'{"title":"\ud800"}', "", "without its other half"),
        (rb'{"title":"a","\ud800":1}', "", "without its other half"),
        (b"[]", "", "an article must be an object, not an array"),
        (b'"text"', "", "an article must be an object, not a string"),
        (b"null", "", "an article must be an object, not null"),
        (b'{"title":1}', "/title", "title must be a string, not a number"),
        (b'{"title":"a","stage":"old"}', "/stage", "stage must be draft or published"),
        (
            b'{"title":"a","current":{"tags":[{"id":"a"},{"id":1}]}}',
            "/current/tags/1/id",
            "id must be a string, not a number",
        ),
        (b'{"title":"a","current":{"rubric":"x"}}', "/current/rubric", "rubric must be an object, not a string"),
        (
            b'{"title":"a","current":{"regions":null,"tags":[3]}}',
            "/current/tags/0",
            "an item of tags must be an object, not a number",
        ),
        (b"{}", "", "title, text or body_html"),
        (b'{"title":null,"lead":"a"}', "", "title, text or body_html"),
        (b'{"title":"a","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "", "nested too deeply"),
        (b"[" * 100_000, "", "must be an object"),
        (b'{"title":"a","current":{"q":1e999}}', "/current/-", "out of range"),
        (b'{"title":"a","current":{"x":' * 1 + b"[" * 100_000 + b"]" * 100_000 + b"}}", "", "nested too deeply"),
        (b'{"title":' + b"[" * 100_000, "/title", "title must be a string, not an array"),
    ],
    ids=range(25),
)
def test_a_record_of_the_wrong_shape_says_where_and_what(line: bytes, pointer: str, detail: str) -> None:
    error = problem(line)
    assert error.pointer == pointer
    with pytest.raises(RecordError, match=detail):
        raise error


@given(st.binary())
def test_rubbish_is_a_record_error(rubbish: bytes) -> None:
    problem(rubbish)


@pytest.mark.slow
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda i: st.lists(i) | st.dictionaries(st.text(), i)
    )
)
def test_any_json_is_an_article_or_a_record_error(value: object) -> None:
    for line in (json.dumps(value).encode(), body(title="т", current=value), body(title="т", other=value)):
        with suppress(RecordError):
            decode_article(line)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("body", "text"),
        ("content", "text"),
        ("articleBody", "text"),
        ("textt", "text"),
        ("html", "body_html"),
        ("bodyHtml", "body_html"),
        ("headline", "title"),
        ("Title", "title"),
        ("summary", "lead"),
        ("announce", "lead"),
        ("date", "published_at"),
        ("publishedAt", "published_at"),
        ("pub-date", "published_at"),
        ("outlet", "source"),
        ("link", "url"),
        ("article_id", "id"),
        ("keywords", "current.tags"),
        ("category", "current.rubric"),
        ("section", "current.rubric"),
        ("rubrik", "current.rubric"),
        ("xyzzy", None),
        ("", None),
    ],
)
def test_an_unknown_field_is_answered_with_the_likely_one(name: str, meant: str | None) -> None:
    article, warnings = decode_article(body(title="т", **{name: "x"}))
    assert article == Article(title="т")
    assert warnings == (RequestWarning("unknown_field", f"/{name}", meant),)
    error = problem(body(title="т", **{name: "x"}), strict=True)
    assert error.pointer == f"/{name}"
    assert (f"did you mean {meant}?" in error.detail) == (meant is not None)


def test_of_several_unread_fields_each_has_its_place() -> None:
    line = body(headline="т", author="x", body="x")
    for error in (problem(line), problem(body(title="т", headline="т", author="x", body="x"), strict=True)):
        assert [pointer for pointer, _ in error.places] == ["/headline", "/author", "/body"]
        assert "did you mean title?" in error.places[0][1]
    assert str(problem(line)).endswith("(probably headline → title, body → text)")


def test_a_number_for_an_id_is_answered_with_what_to_send() -> None:
    assert problem(b'{"id": 42, "title": "a"}').places == (("/id", 'id must be a string: send "42"'),)
    assert problem(b'{"id": %s, "title": "a"}' % (b"9" * 60)).detail == "id must be a string, not a number"


def test_labels_beside_the_text_are_not_read() -> None:
    _, warnings = decode_article(body(title="т", rubric="Спорт", regions=[], tags=[], extra={}, entities=[]))
    assert [(warning.code, warning.pointer, warning.did_you_mean) for warning in warnings] == [
        ("label_not_read", "/rubric", "current.rubric"),
        ("label_not_read", "/regions", "current.regions"),
        ("label_not_read", "/tags", "current.tags"),
        ("label_not_read", "/extra", None),
        ("label_not_read", "/entities", None),
    ]


def test_unknown_fields_inside_current_are_named_too() -> None:
    current = {"tag": [], "rubric": {"name": "Спорт"}, "tags": [{"id": "a"}, {"id": "b", "author": "ред."}]}
    _, warnings = decode_article(body(title="т", current=current))
    assert [(warning.pointer, warning.did_you_mean) for warning in warnings] == [
        ("/current/tag", "tags"),
        ("/current/rubric/name", "label"),
        ("/current/tags/1/author", "by"),
    ]


def test_a_pointer_is_escaped() -> None:
    assert decode_article(body(title="т", **{"a/b~c": 1}))[1][0].pointer == "/a~1b~0c"


def test_warnings_do_not_grow_with_the_rubbish() -> None:
    many: dict[str, object] = {f"{'x' * 10_000}{number}": 1 for number in range(100)}
    _, warnings = decode_article(body(title="т", **many))
    assert len(warnings) == 20
    assert all(len(warning.pointer) < 70 for warning in warnings)


# annotations


def test_an_annotation_is_one_line_without_what_was_not_asked_for() -> None:
    annotation = Annotation(id="1", status="abstained", reasons=("empty",), model=ModelReference("v", "w"), rubric=None)
    line = encode_annotation(annotation)
    assert b"\n" not in line
    assert json.loads(line) == {
        "id": "1",
        "status": "abstained",
        "reasons": ["empty"],
        "model": {"version": "v", "vocabulary": "w"},
        "warnings": [],
        "rubric": None,
        "suppressed": [],
        "notices": [],
    }
