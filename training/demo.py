"""`make demo`: the main job on embedded defaults, in a temporary home that is removed afterwards.

A service answers with the bundled baseline; a model is trained on the sample corpus and activated while the service
runs; the same article is annotated again; the archive is retagged, and that is undone. Everything goes through the
command line and HTTP, as a newsroom would.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "datasets" / "sample"
NEWS = str(SAMPLE / "news.jsonl")
RUBRICATOR = str(Path(sys.executable).with_name("rubricator"))
PATIENCE = 15  # seconds for the service to start or to take a model over

console = Console(width=110)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="rubricator-") as home:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RUBRICATOR_")}
        environment["RUBRICATOR_HOME"] = home
        count = len(Path(NEWS).read_bytes().splitlines())
        began = time.monotonic()
        with service(environment) as url:
            console.print(f"[bold]The service answers at {url} after {time.monotonic() - began:.2f} s[/]\n")
            page = {"id": "page", "text": (SAMPLE / "scraped_page.txt").read_text("utf-8")}
            console.rule("A page as a scraper leaves it, annotated by the bundled baseline")
            show(page, post(url, "/annotate?explain=words", page))

            console.rule(f"Training on the sample corpus: {count} articles, by one command")
            command(environment, "train", "--data", NEWS, "--activate")
            version = taken_over(url)
            console.print(f"[bold]{version}[/] answers now; no request was lost meanwhile\n")
            console.rule("An article that it was not trained on, annotated by the newsroom's own model")
            article = json.loads((SAMPLE / "unseen.json").read_text("utf-8"))
            show(article, post(url, "/annotate?explain=words&limit=6", article))

            console.rule("What else a CMS sends")
            for name, text in {
                "English": "The quick brown fox jumps over the lazy dog and runs away.",
                "emoji": "🙂🙂🙂",
            }.items():
                answer = post(url, "/classify", {"id": name, "text": text})
                console.print(f"{name}: {answer['status']}, {', '.join(answer['reasons'])}")
        console.rule("The same from the command line")
        started = time.monotonic()
        command(environment, "annotate", NEWS, "--output", "annotated.jsonl.gz", folder=Path(home))
        console.print(f"{count} articles in {time.monotonic() - started:.2f} s, start included")
        console.rule("The archive gets the labels of the newsroom's own model; then that is taken back")
        command(environment, "retag", NEWS, "retagged.jsonl", "--accept", "review", "--yes", folder=Path(home))
        [job] = Path(home, "jobs").iterdir()
        command(environment, "retag", "undo", job.name)
        command(environment, "models", "rollback", "--reason", "end of the demo")
        command(environment, "models", "list")


@contextmanager
def service(environment: Mapping[str, str]) -> Iterator[str]:
    """The service on a free port, ended at the end."""
    process = subprocess.Popen(
        [RUBRICATOR, "serve", "--port", "0"],
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        if not found:
            raise SystemExit(f"the service did not start: {line or 'see `rubricator serve`'}")
        yield found.group()
    finally:
        process.terminate()
        process.wait(PATIENCE)


def command(environment: Mapping[str, str], *words: str, folder: Path = ROOT) -> None:
    """Runs it in the folder; shows it as one would type it in the project's."""
    console.print(Text(f"$ {shown(RUBRICATOR, *words)}", style="cyan"), soft_wrap=True)
    subprocess.run([RUBRICATOR, *words], env=dict(environment), check=True, cwd=folder)


def shown(*words: str) -> str:
    """A command to be copied into a shell."""
    return shlex.join(word.removeprefix(f"{ROOT}/") for word in words)


def post(url: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(url + path, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def taken_over(url: str) -> str:
    """Waits until the service answers with another model than the baseline."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        version = str(post(url, "/classify", {"text": "Какой моделью ты отвечаешь?"})["model"]["version"])
        if version != "baseline":
            return version
        time.sleep(0.1)
    raise SystemExit("the service did not take the new model over")


def show(article: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """An annotation as an editor would see it: labels, and the words that spoke for the rubric in the text."""
    best = answer["rubric"] or answer["alternatives"][0]
    table = Table(show_header=True, header_style="bold", box=None, padding=(0, 2))
    for name in ("", "label", "score", "decision", "because of"):
        table.add_column(name)
    words = ", ".join(word["text"] for word in answer["explain"]["rubric"][:6] if word["weight"] > 0)
    decision = answer["rubric"]["decision"] if answer["rubric"] else "abstain"
    table.add_row("rubric", f"[bold]{best['label']}[/]", f"{best['score']:.2f}", decision, words)
    for other in answer["alternatives"][: 2 if answer["rubric"] else 1]:
        table.add_row("", f"[dim]{other['label']}[/]", f"[dim]{other['score']:.2f}[/]", "", "")
    for region in answer["regions"]:
        if region["role"] != "mentioned":
            evidence = ", ".join(dict.fromkeys(span["text"] for span in region["evidence"]))
            table.add_row(f"{region['level']}", region["label"], f"{region['score']:.2f}", region["decision"], evidence)
    for tag in answer["tags"]:
        evidence = ", ".join(dict.fromkeys(span["text"] for span in answer["explain"]["tags"][tag["id"]][:4]))
        table.add_row("tag", tag["label"], f"{tag['score']:.2f}", tag["decision"], evidence)
    parts = [
        highlighted(article[field], field, answer["explain"]["rubric"]).append("" if field == "text" else "\n")
        for field in ("title", "lead", "text")
        if article.get(field)
    ]
    console.print(Panel(Text("\n").join(parts), border_style="dim"))
    console.print(table)
    console.print(
        f"[dim]model {answer['model']['version']}, {answer['took_ms']:.2f} ms, {', '.join(answer['reasons'])}[/]\n"
    )


def highlighted(text: str, field: str, words: list[dict[str, Any]]) -> Text:
    shown = Text(text.strip("\n")[:1100])
    offset = len(text) - len(text.lstrip("\n"))
    for word in words:
        if word["field"] == field and word["weight"] > 0:
            shown.stylize("bold green", word["start"] - offset, word["end"] - offset)
    return shown


if __name__ == "__main__":
    main()
