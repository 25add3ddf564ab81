"""Examples for readers of /docs, by the type they are of. Written for this project."""

from typing import Any

from service.inference.article import Annotation, Article

_ARTICLE: dict[str, Any] = {
    "id": "2024-118",
    "title": "В Вологде открыли новый мост через реку",
    "lead": "Движение запустили на месяц раньше срока.",
    "text": "В Вологде открыли мост, который строили три года. Он разгрузит центр города, сообщили в мэрии.",
    "source": "vologda.example",
    "published_at": "2024-05-20T12:00:00+03:00",
}

_ANNOTATION: dict[str, Any] = {
    "id": "2024-118",
    "prediction_id": "6f1c2b9a0d3e4f57",
    "status": "ok",
    "reasons": ["not_calibrated_for_source"],
    "warnings": [],
    "rubric": {"id": "society", "label": "Общество", "score": 0.71, "decision": "review", "threshold": 0.4},
    "alternatives": [{"id": "economy", "label": "Экономика", "score": 0.16}],
    "regions": [
        {
            "id": "RU-35",
            "label": "Вологодская область",
            "level": "subject",
            "parent": "RU",
            "role": "happened",
            "score": 0.93,
            "decision": "review",
            "evidence": [{"field": "title", "start": 2, "end": 9, "text": "Вологде"}],
        }
    ],
    "tags": [
        {"id": "bridges", "label": "Мосты", "score": 0.64, "decision": "review", "origin": "lexical"},
        {
            "id": "children",
            "label": "Дети",
            "score": 0.55,
            "decision": "review",
            "origin": "model",
            "policy": "review_only",
        },
    ],
    "suppressed": [],
    "notices": [],
    "model": {"version": "baseline", "vocabulary": "1d9f00aa"},
    "took_ms": 0.42,
}

EXAMPLES: dict[str, dict[str, Any]] = {
    repr(Article): {"example": _ARTICLE},
    repr(Annotation): {"example": _ANNOTATION},
    repr(list[Article]): {"example": [_ARTICLE]},
}
