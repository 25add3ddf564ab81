"""A made-up newsroom: articles that its editors labelled, and an annotator right about as often as a real one."""

import zlib
from collections.abc import Sequence

import numpy as np
from msgspec import structs

from service.inference.article import (
    Alternative,
    Annotation,
    Article,
    Attribution,
    Explanation,
    LabelledArticle,
    Level,
    ModelReference,
    Origin,
    RegionAnswer,
    RubricAnswer,
    TagAnswer,
)
from service.inference.decisions import Options
from service.inference.places import Place
from training.label_map import LabelMap, label_map

RUBRICS = {
    "Общество": (260, "Жители {place} пожаловались на {thing}"),
    "Город": (210, "В {place} открыли {thing}"),
    "Происшествия": (190, "В {place} полиция задержала водителя, устроившего аварию у {thing}"),
    "Политика": (140, "Власти {place} обсудили закон о {thing}"),
    "Спорт": (110, "Команда из {place} выиграла матч за {thing}"),
    "Бизнес": (95, "Компания из {place} вложит миллиарды в {thing}"),
    "Культура": (80, "Музей в {place} показал {thing}"),
    "Недвижимость": (60, "Цены на квартиры в {place} выросли из-за {thing}"),
    "Здоровье и медицина": (44, "Врачи из {place} рассказали, чем опасно {thing}"),
    "Технологии": (38, "Инженеры из {place} испытали {thing}"),
    "Туризм и путешествия": (26, "Туристам в {place} обещали {thing}"),
    "Особое мнение": (14, "Почему в {place} все ждут {thing}"),
}
CONFUSED_WITH = {"Город": "Общество", "Политика": "Общество", "Недвижимость": "Бизнес", "Особое мнение": "Политика"}
THINGS = (
    "новый парк",
    "старый мост",
    "ремонт трамвая",
    "кубок области",
    "цифровые паспорта",
    "выставку фарфора",
    "снегопад",
)
TAGS = (
    "Транспорт",
    "Погода",
    "Музеи",
    "Цены",
    "Футбол",
    "Городская среда",
    "Ипотека",
    "Суд",
    "Реставрация",
    "Снегопад",
)
PLACES = [
    Place("RU", "Россия", "country"),
    Place("RU-16", "Татарстан", "subject", 0),
    Place("c551487", "Казань", "city", 1, 1_300_000),
    Place("RU-47", "Ленинградская область", "subject", 0),
    Place("c548602", "Кириши", "city", 3, 50_000),
    Place("KZ", "Казахстан", "country"),
]
IN_PLACE = {"Казань": "Казани", "Кириши": "Киришах", "Казахстан": "Казахстане", "Россия": "России"}
NAMES = tuple(IN_PLACE)
MAP: LabelMap = label_map(
    rubrics=[(f"r{i}", label) for i, label in enumerate(RUBRICS)],
    tags=[(f"t{i}", label) for i, label in enumerate(TAGS)],
    places=PLACES,
    place_id_of={place.label: place.id for place in PLACES}.get,
)


def articles(n: int = 1200) -> list[LabelledArticle]:
    """Some carry a rubric, tag or region that no model knows; every seventh is about no place at all."""
    dice = np.random.default_rng(7)
    weights = np.array([weight for weight, _ in RUBRICS.values()], dtype=float)
    made = []
    for i in range(n):
        rubric = str(dice.choice(list(RUBRICS), p=weights / weights.sum()))
        place, thing = str(dice.choice(NAMES)), str(dice.choice(THINGS))
        title = RUBRICS[rubric][1].format(place=IN_PLACE[place], thing=thing)
        text = (
            f"{title}. Об этом рассказали в пресс-службе. {thing.capitalize()} обсуждают не первый год: "
            + "подробности " * 20
        )
        tags = tuple(dict.fromkeys(map(str, dice.choice(TAGS, size=dice.integers(1, 5)))))
        made.append(
            LabelledArticle(
                id=f"news-{i}",
                title=title,
                text=text,
                source="gazeta.example" if i % 3 else "vestnik.example",
                published_at=f"2023-10-{1 + i % 31:02}T09:30:00",
                rubric="Прочее" if i % 97 == 0 else rubric,
                tags=(*tags, "<Редкий> тег") if i % 40 == 0 else tags,
                regions=() if i % 7 == 0 else (place, "Лукоморье") if i % 150 == 1 else (place,),
            )
        )
    return made


class Annotator:
    """Knows the truth and errs on purpose, less often where its score is high: calibrated but for some pride."""

    def __init__(self, known: Sequence[LabelledArticle], pride: float = 0.05) -> None:
        self._known = {article.id: article for article in known}
        self._pride = pride
        self.seen: list[Article] = []

    def annotate(self, articles: Sequence[Article], options: Options = Options()) -> list[Annotation]:  # noqa: B008
        self.seen += articles
        return [self._annotation(self._known[article.id], options) for article in articles]

    def _annotation(self, article: LabelledArticle, options: Options) -> Annotation:
        dice = np.random.default_rng(zlib.crc32(str(article.id).encode()))
        annotation = Annotation(id=article.id, status="ok", reasons=(), model=ModelReference("v", "v"))
        if "rubric" in options.heads:
            annotation = structs.replace(annotation, **self._rubric(article, dice))
        if "tags" in options.heads:
            annotation = structs.replace(annotation, tags=self._tags(article, dice, options.threshold))
        if "regions" in options.heads:
            annotation = structs.replace(annotation, regions=self._regions(article, dice))
        if options.explain:
            title = article.title or ""
            words = [(0, title.index(" ")), (title.rindex(" ") + 1, len(title))]
            rubric = tuple(Attribution("title", a, b, title[a:b], 1.4 - i) for i, (a, b) in enumerate(words))
            annotation = structs.replace(annotation, explain=Explanation(rubric, {}))
        return annotation

    def _rubric(self, article: LabelledArticle, dice: np.random.Generator) -> dict[str, object]:
        labels = list(RUBRICS)
        true = article.rubric if article.rubric in RUBRICS else labels[0]
        score = float(dice.beta(3.2, 1.4))
        if dice.random() < score - self._pride:
            first = true
        else:
            likely = CONFUSED_WITH.get(true)
            first = likely if likely and dice.random() < 0.6 else str(dice.choice([x for x in labels if x != true]))
        second = true if first != true and dice.random() < 0.7 else next(x for x in labels if x != first)
        top = RubricAnswer(f"r{labels.index(first)}", first, round(score, 4), "auto" if score > 0.9 else "review", 0.35)
        other = Alternative(f"r{labels.index(second)}", second, round((1 - score) * 0.7, 4))
        if score < 0.35:
            return {"rubric": None, "alternatives": (Alternative(top.id, top.label, top.score), other)}
        return {"rubric": top, "alternatives": (other,)}

    def _tags(
        self, article: LabelledArticle, dice: np.random.Generator, threshold: float | None
    ) -> tuple[TagAnswer, ...]:
        answers = []
        for i, label in enumerate(TAGS):
            score = float(dice.beta(5, 2) if label in article.tags else dice.beta(1.3, 6))
            if score >= (0.5 if threshold is None else threshold):
                origin: Origin = "model" if i < 6 else "lexical"
                answers.append(TagAnswer(f"t{i}", label, score, "review" if score >= 0.5 else "abstain", origin))
        return tuple(sorted(answers, key=lambda tag: -tag.score))

    def _regions(self, article: LabelledArticle, dice: np.random.Generator) -> tuple[RegionAnswer, ...]:
        found = {}
        for i, place in enumerate(PLACES):
            if dice.random() < (0.85 if place.label in article.regions else 0.03):
                found[i] = place
                if place.level == "city":
                    found[place.parent] = PLACES[place.parent]
        return tuple(
            RegionAnswer(
                p.id, p.label, _level(p), None, "about" if dice.random() < 0.95 else "mentioned", 0.8, "review", ()
            )
            for p in found.values()
        )


def _level(place: Place) -> Level:
    return "country" if place.level == "country" else "subject" if place.level == "subject" else "city"
