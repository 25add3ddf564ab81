"""A model that has to weigh: its archive's labels are right by chance, the more often the more a text says of them."""

import datetime
import json
import tempfile
from functools import cache
from pathlib import Path

import msgspec
import numpy as np

from service.inference.annotator import Annotator
from service.inference.article import LabelledArticle
from service.records import Rejects
from training.config import load
from training.progress import Progress
from training.run import train

TOPICS = {
    "мосты": "Город",
    "трамваи": "Город",
    "выборы": "Власть",
    "бюджет": "Власть",
    "хоккей": "Спорт",
    "лыжи": "Спорт",
}
FILLING = "сегодня новый большой время человек день вопрос место слово рука дело вечер утро письмо встреча".split()  # noqa: SIM905
ARTICLES, TESTED = 700, 200
SPLIT = "[split]\nvalidation = 0.3\ntest = 0.3\n"


@cache
def rows() -> tuple[LabelledArticle, ...]:
    """Two topics an article, each named one to five times: so often of ten halves it is its tag. The rubric is that of
    the topic named most, but of a fifth of the articles any."""
    dice, found = np.random.default_rng(7), []
    for i in range(ARTICLES):
        first, second = dice.choice(list(TOPICS), 2, replace=False).tolist()
        named = dict(zip((first, second), dice.integers(1, 6, 2).tolist(), strict=True))
        words = [*dice.choice(FILLING, 25).tolist(), *(topic for topic, times in named.items() for _ in range(times))]
        tags = tuple(topic for topic, times in named.items() if dice.random() < (times - 0.5) / 5)
        rubric = TOPICS[max(named, key=lambda topic: named[topic])]
        if dice.random() < 0.2:
            rubric = str(dice.choice(["Город", "Власть", "Спорт"]))
        text = " ".join(dice.permutation(words).tolist())
        day = str(datetime.date(2024, 1, 1) + datetime.timedelta(days=i // 2))
        found.append(
            LabelledArticle(
                id=str(i), source="a", published_at=day, title="Вести", text=f"{text}.", rubric=rubric, tags=tags
            )
        )
    return tuple(found)


def unseen() -> tuple[LabelledArticle, ...]:
    """The newest articles, of which the model knows nothing: neither weights nor thresholds."""
    return rows()[-TESTED:]


@cache
def annotator() -> Annotator:
    with tempfile.TemporaryDirectory() as folder:
        archive, config = Path(folder) / "news.jsonl", Path(folder) / "config.toml"
        lines = (json.dumps(msgspec.to_builtins(row), ensure_ascii=False) for row in rows())
        archive.write_text("\n".join(lines), "utf-8")
        config.write_text(SPLIT, "utf-8")
        return Annotator("unsure", train(load(config, [archive]), Rejects(), Progress(quiet=True)).parts)
