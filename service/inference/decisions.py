"""Probabilities -> answers: what is shown, and whether it may be published unseen."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from service.inference.article import Alternative, Decision, Evidence, RegionAnswer, RubricAnswer, TagAnswer
from service.inference.places import Mention, Place
from service.inference.regions import PlaceFound
from service.inference.rubric import RubricHead
from service.inference.tags import MARGIN, Candidates, TagHead

ENOUGH_OF_A_SOURCE = 200  # calibration articles of the caller's own outlet before anything may be published unseen
EVIDENCE_SHOWN = 20  # mentions of a place: a text of one word repeated must not make an answer of megabytes
HEADS = frozenset({"rubric", "regions", "tags"})


class Options(Struct, frozen=True):
    """What the caller wants; none of it changes a score or a decision."""

    heads: frozenset[str] = HEADS
    explain: bool = False
    limit: int | None = None  # of each list
    threshold: float | None = None  # the least score shown; without it each head's own
    spans: Literal["codepoints", "utf16"] = "codepoints"


class Decisions:
    """Thresholds, chosen on validation data at training time."""

    def __init__(self, part: Mapping[str, Any], rubric: RubricHead, tags: TagHead, places: Sequence[Place]) -> None:
        """`part`: rubric_auto, tags_auto, regions_auto, rubric_review (scores; one above 1 is never reached), sources
        (calibration articles of each outlet; empty: nothing is ever `auto`)."""
        self._auto = {head: float(part[f"{head}_auto"]) for head in HEADS}
        self._least_rubric = float(part["rubric_review"])
        self._sources: dict[str, int] = part["sources"]
        self._rubric, self._tags, self._places = rubric, tags, places

    def as_data(self) -> dict[str, float]:
        """The thresholds, for the manifest."""
        return {f"{head}_auto": self._auto[head] for head in sorted(HEADS)} | {"rubric_review": self._least_rubric}

    def knows(self, source: str | None) -> bool:
        """Whether the model was calibrated on enough articles of this outlet to publish for it."""
        return self._sources.get(source or "", 0) >= ENOUGH_OF_A_SOURCE

    def rubric(
        self, probabilities: npt.NDArray[np.float64], may_publish: bool, options: Options
    ) -> tuple[RubricAnswer | None, tuple[Alternative, ...]]:
        """The likeliest rubric, None where it is too doubtful to show as one; and the others, likeliest first."""
        order = np.argsort(-probabilities, kind="stable").tolist()
        scores = probabilities.tolist()
        top, answer = order[0], None
        if scores[top] >= self._least_rubric:
            auto = may_publish and scores[top] >= self._auto["rubric"]
            answer = RubricAnswer(
                self._rubric.ids[top], self._rubric.labels[top], _rounded(scores[top]), "auto" if auto else "review",
                self._auto["rubric"] if auto else self._least_rubric,
            )  # fmt: skip
        least = options.threshold or 0.0
        others = [i for i in order[answer is not None :] if scores[i] >= least]
        return answer, tuple(
            Alternative(self._rubric.ids[i], self._rubric.labels[i], _rounded(scores[i]))
            for i in others[: options.limit]
        )

    def tags(
        self, candidates: Candidates, scores: npt.NDArray[np.float64], may_publish: bool, options: Options
    ) -> list[tuple[int, TagAnswer]]:
        """Tags to show, each with its number, surest first."""
        own = self._tags.thresholds_of(candidates.tags)
        shown = np.flatnonzero(scores >= (own if options.threshold is None else options.threshold))
        answers = []
        for tag, score, least, margin in zip(
            candidates.tags[shown].tolist(),
            scores[shown].tolist(),
            own[shown].tolist(),
            candidates.evidence[shown, MARGIN].tolist(),
            strict=True,
        ):
            decision: Decision = "abstain"
            if score >= least:
                decision = "auto" if may_publish and score >= self._auto["tags"] else "review"
            # the margin of a tag without a model of its own is 0
            origin: Literal["model", "lexical"] = "model" if margin > 0 else "lexical"
            answers.append(
                (tag, TagAnswer(self._tags.ids[tag], self._tags.labels[tag], _rounded(score), decision, origin))
            )
        answers.sort(key=lambda one: (-one[1].score, one[1].id))
        return answers[: options.limit]

    def regions(
        self, found: Sequence[PlaceFound], locate: Callable[[Literal["title", "body"], Mention], Evidence],
        may_publish: bool, options: Options,
    ) -> tuple[RegionAnswer, ...]:  # fmt: skip
        """Places, surest first. A place that is only mentioned is told, and never chosen."""
        answers = []
        for one in found:
            if one.score < (options.threshold or 0.0):
                continue
            place = self._places[one.place]
            decision: Decision = "abstain"
            if one.role != "mentioned":
                decision = "auto" if may_publish and one.score >= self._auto["regions"] else "review"
            evidence = [locate("title", mention) for mention in one.in_title[:EVIDENCE_SHOWN]]
            evidence += [locate("body", mention) for mention in one.in_body[: EVIDENCE_SHOWN - len(evidence)]]
            parent = self._places[place.parent].id if place.parent >= 0 else None
            answers.append(
                RegionAnswer(
                    place.id, place.label, place.level, parent, one.role, _rounded(one.score), decision, tuple(evidence)
                )
            )
        return tuple(answers[: options.limit])


def _rounded(score: float) -> float:
    """Four digits: what a calibrated probability can claim, and the same on every CPU."""
    return round(score, 4)
