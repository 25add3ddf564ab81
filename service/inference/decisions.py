"""Probabilities -> answers: what is shown, and whether it may be published unseen."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from msgspec import UNSET, Struct
from msgspec.structs import replace

from service.inference.article import Alternative, Decision, Evidence, Profile, RegionAnswer, RubricAnswer, TagAnswer
from service.inference.labels import Head
from service.inference.policy import Policies
from service.inference.profiles import BALANCED, Thresholds, thresholds
from service.inference.regions import PlaceFound, Regions
from service.inference.rubric import DIGITS, Ranked, RubricHead
from service.inference.tags import Likely, TagHead, probability

ENOUGH_OF_A_SOURCE = 200  # calibration articles of the caller's own outlet before anything may be published unseen
EVIDENCE_SHOWN = 20  # mentions of a place: a text of one word repeated must not make an answer of megabytes
HEADS = frozenset({"rubric", "regions", "tags"})
MOST_TAGS = 5  # shown where the caller gives no limit: as many as an editor reads at a glance


class Options(Struct, frozen=True):
    """What the caller wants; none of it changes a score, and `profile` alone a decision."""

    heads: frozenset[str] = HEADS
    explain: bool = False
    limit: int | None = None  # of each list; without it all, but of the tags `most_tags`
    threshold: float | None = None  # the least score shown; without it each head's own
    spans: Literal["codepoints", "utf16"] = "codepoints"
    profile: Profile = BALANCED
    most_tags: int | None = MOST_TAGS  # where there is no limit; None: all
    why: tuple[Head, str] | None = None  # a label, by its id, that is explained too, shown or not

    def least(self) -> "Options":
        """The quickest of what is wanted: the rubric, without it the tags; no explanation."""
        wanted = next((head for head in ("rubric", "tags") if head in self.heads), "regions")
        return replace(self, heads=frozenset({wanted}), explain=False)


class Decisions:
    """Thresholds, chosen on validation data at training time, under the policies of the labels.

    A `review_only` label is never `auto`. A `never_suggest` label, and a rubric that is no news, is nowhere in an
    answer, whatever is asked; if it is the likeliest rubric, the next one that may be shown takes its place, at most as
    `review`, and where that one is too doubtful, the rubric is null and the answer abstains.
    """

    def __init__(
        self, part: Mapping[str, Any], rubric: RubricHead, tags: TagHead, regions: Regions, policies: Policies
    ) -> None:
        """`part`: what `thresholds` reads, sources (by head each outlet's calibration articles that have its labels;
        empty: nothing is ever `auto`; by outlet alone, as in older artifacts, they count for all heads) and, where it
        is there, no_news (numbers of rubrics that are learnt and never answered)."""
        self._auto = {head: float(part[f"{head}_auto"]) for head in HEADS}
        self._profiles = thresholds(part, len(rubric.ids), tags)
        # as lists: numpy's own floats are slow to compare
        self._tags_by_profile = {
            profile: (of.tags.tolist(), of.tags_auto.tolist()) for profile, of in self._profiles.items()
        }
        self._differing: Mapping[str, Any] = part.get("profiles", {})
        by_head: Mapping[str, Any] = part["sources"]
        of_all = all(isinstance(count, int) for count in by_head.values())
        self._sources: dict[str, Mapping[str, int]] = {
            head: by_head if of_all else by_head[head]
            for head, labels in (("rubric", rubric.ids), ("regions", regions.places), ("tags", tags.ids))
            if len(labels)
        }
        self._rubric, self._tags, self._places = rubric, tags, regions.places
        self._about = regions.about
        self.policies = policies
        self._no_news = sorted(part.get("no_news", ()))
        self._hidden = policies.hidden_rubrics.union(self._no_news)
        self._hidden_rubrics = sorted(self._hidden)
        self._hidden_tags = policies.hidden_tags
        self._parents = [self._parent(place) for place in range(len(regions.places))]

    def _parent(self, place: int) -> str | None:
        """Id of the nearest place around that may be named."""
        above = self._places[place].parent
        while above >= 0 and self.policies.regions.get(above) == "never_suggest":
            above = self._places[above].parent
        return self._places[above].id if above >= 0 else None

    def as_data(self) -> dict[str, float]:
        """The thresholds, for the manifest."""
        least = self._profiles[BALANCED].rubric
        return {f"{head}_auto": self._auto[head] for head in sorted(HEADS)} | {"rubric_review": least}

    def rubric_auto_by_label(self) -> dict[str, float]:
        """From which score each rubric may be published unseen, by id; one above 1 is never reached."""
        return dict(zip(self._rubric.ids, self._profiles[BALANCED].rubric_auto, strict=True))

    def profiles_as_data(self) -> Mapping[str, Any]:
        """What profiles change, for the manifest."""
        return self._differing

    @property
    def profiles(self) -> Mapping[Profile, Thresholds]:
        """Those that this model was given thresholds for; `balanced` always."""
        return self._profiles

    def of(self, profile: Profile) -> Thresholds:
        """Those of `balanced` where the model has none for the profile."""
        return self._profiles[self.known(profile)]

    def knows(self, source: str | None) -> frozenset[str]:
        """Heads whose labels may be published for this outlet: calibrated on enough of its articles that have some."""
        name = outlet(source)
        return frozenset(head for head, of in self._sources.items() if of.get(name, 0) >= ENOUGH_OF_A_SOURCE)

    @property
    def heads(self) -> frozenset[str]:
        """Those that have labels to answer with."""
        return frozenset(self._sources)

    @property
    def calibrated(self) -> dict[str, int]:
        """Calibration articles of each outlet, of the head that has most, most first; empty: nothing is ever `auto`."""
        most: dict[str, int] = {}
        for of in self._sources.values():
            for name, count in of.items():
                most[name] = max(count, most.get(name, 0))
        return dict(sorted(most.items(), key=lambda one: (-one[1], one[0])))

    def rubric(
        self, ranked: Sequence[Ranked], may_publish: bool, options: Options
    ) -> tuple[RubricAnswer | None, tuple[Alternative, ...], bool]:
        """The likeliest rubric, None where it is too doubtful to show as one; the others, likeliest first; and whether
        no rubric is likely enough, whatever threshold the caller has."""
        least, of, hidden = options.threshold or 0.0, self.of(options.profile), self._hidden
        ids, labels, policies = self._rubric.ids, self._rubric.labels, self.policies.rubrics
        shown = [one for one in ranked if one[0] not in hidden] if hidden else ranked
        if not shown:
            return None, (), bool(ranked)
        top, score = shown[0]
        answer = None
        if score >= max(of.rubric, least):
            auto = may_publish and score >= of.rubric_auto[top] and not policies[top] and shown[0] == ranked[0]
            threshold = of.rubric_auto[top] if auto else of.rubric
            answer = RubricAnswer(ids[top], labels[top], score, "auto" if auto else "review", threshold, policies[top])
            shown = shown[1:]
        if least:
            shown = [one for one in shown if one[1] >= least]
        others = [Alternative(ids[i], labels[i], share, policies[i]) for i, share in shown[: options.limit]]
        return answer, tuple(others), score < of.rubric

    def likeliest(self, probabilities: Sequence[float]) -> int:
        """Number of the likeliest rubric that may be shown, -1 if there is none."""
        return _likeliest(probabilities, self._hidden_rubrics)

    def hides_rubric(self, number: int) -> bool:
        """Whether it is never answered."""
        return number in self._hidden

    def known(self, profile: Profile) -> Profile:
        """The profile whose thresholds hold for this one."""
        return profile if profile in self._profiles else BALANCED

    def near(self, options: Options) -> npt.NDArray[np.float64] | None:
        """By tag, log-odds below which a candidate is surely not shown; None where all have to be looked at."""
        return self.of(options.profile).tags_log_odds if options.threshold is None else None

    def tags(
        self, likely: Sequence[Likely], probabilities: Sequence[float], may_publish: bool, options: Options
    ) -> list[tuple[int, TagAnswer]]:
        """Tags to show, each with its number, surest first; `probabilities` are the rubrics', for persons' sake."""
        if not likely:
            return []
        threshold = options.threshold
        least_of, auto_of = self._tags_by_profile[self.known(options.profile)]
        policies = self.policies.of_tags(_likeliest(probabilities, self._no_news))
        answers = []
        for tag, odds, by_name in likely:
            score, least = round(probability(odds), DIGITS), least_of[tag]
            if score < (least if threshold is None else threshold) or tag in self._hidden_tags:
                continue
            decision: Decision = "abstain"
            if score >= least:
                decision = "auto" if may_publish and score >= auto_of[tag] and not policies[tag] else "review"
            origin: Literal["model", "lexical"] = "lexical" if by_name else "model"
            id_, label = self._tags.ids[tag], self._tags.labels[tag]
            answers.append((tag, TagAnswer(id_, label, score, decision, origin, policies[tag])))
        answers.sort(key=lambda one: (-one[1].score, one[1].id))
        return answers[: options.most_tags if options.limit is None else options.limit]

    def regions(
        self, found: Sequence[PlaceFound], locate: Callable[[Literal["title", "body"], int, int], Evidence],
        may_publish: bool, options: Options,
    ) -> tuple[RegionAnswer, ...]:  # fmt: skip
        """Places, surest first. Those that the outlet's editors would hardly tag are told, and not chosen."""
        answers = []
        located: dict[int, Evidence] = {}  # a city and its subject share their mentions; the title's count from -1 down
        least, auto = options.threshold or 0.0, self.of(options.profile).regions_auto
        for one in found:
            score, policy = round(one.score, DIGITS), self.policies.regions.get(one.place, UNSET)
            if score < least or policy == "never_suggest":
                continue
            decision: Decision = "abstain"
            if one.chosen:
                # balanced shows a place by its score as it is, not rounded
                sure = score >= auto and one.score >= self._about[one.place]
                decision = "auto" if may_publish and sure and not policy else "review"
            evidence = []
            for start, end in one.in_title[:EVIDENCE_SHOWN]:
                key = -1 - start
                if key not in located:
                    located[key] = locate("title", start, end)
                evidence.append(located[key])
            for start, end in one.in_body[: EVIDENCE_SHOWN - len(evidence)]:
                if start not in located:
                    located[start] = locate("body", start, end)
                evidence.append(located[start])
            id_, label, level, *_ = self._places[one.place]
            parent, place = self._parents[one.place], tuple(evidence)
            answers.append(RegionAnswer(id_, label, level, parent, one.role, score, decision, place, policy))
        return tuple(answers[: options.limit])


def _likeliest(probabilities: Sequence[float], without: Sequence[int]) -> int:
    """Number of the likeliest rubric without these, -1 if there is none."""
    if without:
        numbers = (i for i in range(len(probabilities)) if i not in without)
        return max(numbers, key=probabilities.__getitem__, default=-1)
    return probabilities.index(max(probabilities)) if probabilities else -1


def outlet(source: str | None) -> str:
    """How outlets are compared: an archive and a CMS may write one name in two ways."""
    return (source or "").strip().casefold()


def rounded(score: float) -> float:
    """As a score is told; thresholds have as many digits, and scores are compared with them."""
    return round(score, DIGITS)
