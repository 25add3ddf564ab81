"""`rubricator adopt`: what it says on the terminal, and the files it leaves; adopt.py does the work."""

import tempfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from training.spreadsheet import table, write

if TYPE_CHECKING:
    from service.settings import Settings
    from training.adopt import Base
    from training.findings import Findings


def adopt(
    archive: Annotated[
        Path, typer.Argument(help="JSON lines, CSV with a header, or WordPress's export; .gz and .zst too.")
    ],
    base: Annotated[str, typer.Option(help="The model to start from where the archive is small.")] = "baseline",
    source: Annotated[
        str | None, typer.Option(help="The outlet's name, as the CMS will send it; without it the archive tells.")
    ] = None,
    precision: Annotated[
        float, typer.Option(min=0.5, max=0.99, help="Of what goes out unseen, so many have to be right.")
    ] = 0.9,
    html: Annotated[Path | None, typer.Option(help="Write the chief editor's page here.")] = None,
    activate: Annotated[bool, typer.Option("--activate", help="Answer with the new model at once.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON instead of the version.")] = False,
) -> None:
    """Learn a newsroom's rubrics and tags from its archive, and say in one page how far to trust them."""
    from service.loading import erased_articles, open_registry
    from service.records import Rejects
    from service.settings import read_settings
    from training import adopt_page
    from training.adopt import adopt as learn
    from training.commands import RejectsFile, tell_notes, tell_rejects, told
    from training.morphology import remembered
    from training.progress import Progress

    with told():
        settings = read_settings()
        started_from = open_base(settings, base)
        kept = RejectsFile(settings.home / "rejects")
        rejects = Rejects(kept.write)
        try:
            erased = erased_articles(settings)
            with remembered(settings.cache):
                trained, found = learn(
                    archive, started_from, rejects, Progress(),
                    source=source, precision=precision, today=date.today(), erased=erased,
                )  # fmt: skip
        finally:
            rejects_file = kept.close()
            tell_rejects(rejects.reasons, rejects_file)
        tell_notes(trained.notes)
        with tempfile.TemporaryDirectory(dir=settings.home) as folder:
            version = trained.write(Path(folder) / "model", compress=False, signing_key=settings.signing_key)
            registry = open_registry(settings)
            registry.add(Path(folder) / "model", reason=f"adopted from {archive.name}", actor="rubricator adopt")
        if activate:
            registry.activate(version, reason="adopted with --activate", actor="rubricator adopt")
        page = html or settings.home / "adopted" / f"{version}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        listed = page.with_suffix(".csv")
        write(listed, doubtful_labels(found))
        page.write_text(adopt_page.render(found, version=version, listed=listed.name, activated=activate), "utf-8")
        typer.echo(f"the page for the chief editor: {page}\nlabels to go through: {listed}", err=True)
        answer = {
            "version": version,
            "path": str(registry.path(version)),
            "activated": activate,
            "page": str(page),
            "rejects": rejects.count,
            "rejects_file": str(rejects_file),
        }
        typer.echo(msgspec.json.encode(answer).decode() if as_json else version)


def open_base(settings: "Settings", name: str) -> "Base":
    """A version of the registry, or a model's folder; verified before it is used."""
    from service.inference import artifact
    from service.loading import open_registry
    from service.registry import UnknownVersionError
    from training.adopt import Base

    try:
        directory = open_registry(settings).path(name)
    except UnknownVersionError:
        if not Path(name).is_dir():
            raise
        directory = Path(name)
    model = artifact.read(directory, trusted_keys=settings.trusted_keys, cache=settings.cache)
    return Base(name if name == "baseline" else model.version, model.parts)


def doubtful_labels(found: "Findings") -> str:
    """A table to go through: likely slips, then contradictions."""
    rows: list[tuple[object, ...]] = []
    for one in found.suspects:
        doubt = (found.rubrics[one.likelier], f"{one.score_likelier:.2f}", found.rows[one.row].article.url)
        rows.append(("похоже на ошибку", *_cells(found, one.row), *doubt))
    for number, members in enumerate(found.contradictions.of_two_minds, 1):
        which = f"противоречие {number}"
        rows += [(which, *_cells(found, row), "", "", found.rows[row].article.url) for row in members]
    return table(("что", "id", "дата", "заголовок", "рубрика в архиве", "вероятнее", "уверенность", "ссылка"), rows)


def _cells(found: "Findings", row: int) -> tuple[object, ...]:
    example = found.rows[row]
    return example.article.id, example.date, example.article.title, example.article.rubric
