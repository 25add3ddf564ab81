"""The editors' page as it is served: every byte from here, nothing that a policy would have to allow."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.editor import page
from tests.serving import Served, serving

STATIC = Path(page.__file__).with_name("static")
FILES = sorted(path.name for path in STATIC.iterdir())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("home")) as served:
        yield served


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere(served: Served) -> None:
    answer = served.client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(rule.strip().partition(" ")[::2] for rule in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["form-action"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert {policy[f"{kind}-src"] for kind in ("script", "style", "connect", "img")} == {"'self'"}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r"<script(?![^>]* src=)|<style|\bstyle=|\son\w+=|javascript:", answer.text)


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_served_and_speaks_to_nobody_else(served: Served, name: str) -> None:
    answer = served.client.get(f"/page/{name}")
    assert answer.status_code == 200
    assert answer.content == (STATIC / name).read_bytes()
    assert "content-security-policy" in answer.headers
    addresses = set(re.findall(r"https?://[^\s\"'`]+", answer.text))
    assert addresses <= {"http://www.w3.org/2000/svg"}


def test_every_file_that_is_loaded_is_there() -> None:
    loaded = {name for path in STATIC.iterdir() for name in re.findall(r'"/page/([^"]+)"', path.read_text("utf-8"))}
    assert loaded <= set(FILES)
    assert loaded | {"index.html"} == set(FILES)


def test_no_script_makes_markup_of_text() -> None:
    for path in STATIC.glob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|\.style\b", path.read_text()
        )


def test_a_name_that_leads_elsewhere_is_not_found(served: Served) -> None:
    for name in ("..%2Fpage.py", "%2e%2e/page.py", "nothing.js", "page.py"):
        assert served.client.get(f"/page/{name}").status_code == 404
