"""What `make demo` promises: commands that can be copied, and an article that the training did not see."""

import json
import shlex

import msgspec
import pytest

from service.inference.article import Article
from service.inference.decisions import Options
from tests.sample_model import annotator, labelled_articles
from training import demo
from training.duplicates import groups


def unseen() -> Article:
    return msgspec.json.decode((demo.SAMPLE / "unseen.json").read_bytes(), type=Article)


def test_a_command_can_be_copied_into_a_shell() -> None:
    told = demo.shown(demo.RUBRICATOR, "models", "rollback", "--reason", "end of the demo", "--data", demo.NEWS)
    words = shlex.split(told)
    assert words[1:] == ["models", "rollback", "--reason", "end of the demo", "--data", "datasets/sample/news.jsonl"]
    assert words[0].endswith("rubricator")


def test_the_article_shown_is_in_no_training() -> None:
    articles = [unseen(), *labelled_articles()]
    own, *others = groups(articles, [str(article.id) for article in articles])
    assert own not in others


@pytest.mark.slow
def test_title_lead_and_labels_are_shown() -> None:
    article = unseen()
    [answer] = annotator().annotate([article], Options(explain=True))
    with demo.console.capture() as shown:
        demo.show(msgspec.to_builtins(article), json.loads(msgspec.json.encode(answer)) | {"took_ms": 1.0})
    text = shown.get()
    assert article.title and article.title in text
    assert article.lead and article.lead in text
    assert "Культура" in text and "Ярославль" in text
