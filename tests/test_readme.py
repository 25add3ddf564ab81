"""What the README promises is there."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from service.api.problems import describe
from service.records import RecordError, decode_article

ROOT = Path(__file__).parent.parent
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/house.md"]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in target:
            assert (ROOT / page).parent.joinpath(target).exists(), target


def test_every_module_of_the_house_is_in_its_picture() -> None:
    picture = (ROOT / "docs" / "house.md").read_text("utf-8")
    for package in ("service", "service/inference", "training"):
        for module in sorted((ROOT / package).glob("*.py")):
            assert module.name in picture or module.stem.startswith("__"), module


def test_the_problem_in_the_readme_is_what_is_answered() -> None:
    """Its request is the one with `headline`; the answer stands in the block after it."""
    text = (ROOT / "README.md").read_text("utf-8")
    found = re.search(r"-d '(\{\"headline\".*?\})'\n```\n\n```\n(.*?)```", text, re.DOTALL)
    assert found
    with pytest.raises(RecordError) as raised:
        decode_article(found[1].encode())
    answered = describe(raised.value, instance="/annotate")
    assert json.loads(found[2]) == json.loads(msgspec.json.encode(answered))


def test_the_readme_has_no_gap() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert not re.search(r"^[A-Z]{5,}$", text, re.MULTILINE)
    assert "make demo" in text.split("##")[0]
