"""Articles on which somebody must be wrong: versions of the model or editors differ about the rubric, or an editor
has chosen or rejected a label that the model was sure of the other way.

All of it from what is kept of answers and decisions: no text is read, and no model asked.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from service.correction import Scored, Worked
from service.corrections import worked_of
from service.inference.labels import named
from service.keeping import Keeping
from service.latest import LOOKED_AT, Likely, when
from service.review import Candidate, Voice
from service.store import journal

EVEN = 0.5  # how sure the model has to be of a label that no editor has chosen lately


class Decision(NamedTuple):
    actor: str
    at: str
    article_id: str | None
    worked: Worked


def disagreement(keeping: Keeping, most: int) -> list[Candidate]:
    """The latest first. A committee of two is a small one, but each of its quarrels is about something (Seung, Opper &
    Sompolinsky 1992). Reads the store. Raises StoreError."""
    found = [*_of_editors(_decisions(keeping)), *_of_versions(keeping)]
    found.sort(key=lambda one: one.at, reverse=True)
    return found[:most]


def label_error(keeping: Keeping, most: int) -> list[Candidate]:
    """Of the latest 2,000 corrections those that the model doubted most.

    Confident learning (Northcutt, Jiang & Chuang 2021): the model has another label, and is as sure of it as it is of
    that label on average where editors chose it. Its scores are those of the moment of the correction, which it had not
    learnt from. What a second decision confirmed is left out. Reads the store. Raises StoreError.
    """
    decisions = _decisions(keeping)
    found = [*_doubted_rubrics(decisions), *_doubted_tags(decisions)]
    found.sort(key=lambda one: -(one.margin or 0.0))
    return found[:most]


def _decisions(keeping: Keeping) -> list[list[Decision]]:
    """By article, each one's latest first; those without an article id stand alone."""
    with keeping.readers.one() as connection:
        entries = journal.latest_taught(connection, LOOKED_AT)
    by_article: defaultdict[str | int, list[Decision]] = defaultdict(list)
    for one in entries:
        if (worked := worked_of(one)) is not None:
            decision = Decision(one.actor or "editor", one.received_at, one.article_id, worked)
            by_article[one.sequence if one.article_id is None else one.article_id].append(decision)
    return list(by_article.values())


def _doubted_rubrics(decisions: Sequence[list[Decision]]) -> Iterator[Candidate]:
    doubted: list[tuple[Decision, str, Sequence[Scored]]] = []
    own: defaultdict[str, list[float]] = defaultdict(list)  # how sure it was of a rubric where editors chose it
    for of_article in decisions:
        chosen = [(one, label) for one in of_article if (label := _rubric(one))]
        has = [one.worked.scored["rubric"] for one in of_article if "rubric" in one.worked.scored]
        scored: Sequence[Scored] = has[0] if has else ()
        if not chosen or not scored:
            continue
        latest, label = chosen[0]
        own[named(label)].append(_score(scored, label))
        if len(chosen) == 1 or named(chosen[1][1]) != named(label):
            doubted.append((latest, label, scored))
    usual = {label: sum(scores) / len(scores) for label, scores in own.items()}
    for decision, label, scored in doubted:
        top = max(scored, key=lambda one: one.score)
        least = usual.get(named(top.label), EVEN)
        ahead = top.score - _score(scored, label)
        if named(top.label) != named(label) and top.score >= least and ahead > 0:
            yield Candidate(
                decision.article_id, decision.worked.prediction_id, decision.at,
                rubrics=(Likely(top.id, top.label, top.score),), margin=round(ahead, 4), usual=round(least, 4),
                voices=(Voice(decision.actor, label),),
                why=f"an editor chose «{label}», the model «{top.label}» with {top.score:.2f}; where editors chose "
                f"that, it gives {least:.2f} on average",
            )  # fmt: skip


def _doubted_tags(decisions: Sequence[list[Decision]]) -> Iterator[Candidate]:
    """Of an article the tag that was rejected though the model was surest of it."""
    accepted: defaultdict[str, list[float]] = defaultdict(list)
    rejected: list[tuple[Decision, list[Scored]]] = []
    for of_article in decisions:
        looked = [one for one in of_article if "tags" in one.worked.final]
        scored = next((one.worked.scored["tags"] for one in looked if "tags" in one.worked.scored), ())
        if not looked or not scored:
            continue
        chosen = {one.id for one in looked[0].worked.final["tags"]}
        for one in scored:
            if one.id in chosen:
                accepted[one.id].append(one.score)
        if len(looked) == 1 and (gone := [one for one in scored if one.id not in chosen]):
            rejected.append((looked[0], gone))
    for decision, gone in rejected:
        sure = [
            (one.score - least, one, least)
            for one in gone
            if (scores := accepted.get(one.id)) and one.score >= (least := max(EVEN, sum(scores) / len(scores)))
        ]
        if sure:
            _, top, least = max(sure, key=lambda one: one[0])
            yield Candidate(
                decision.article_id, decision.worked.prediction_id, decision.at,
                tags=(Likely(top.id, top.label, top.score),), margin=round(2 * top.score - 1, 4), usual=round(least, 4),
                voices=(Voice(decision.actor, ""),),
                why=f"an editor rejected the tag «{top.label}», which the model gave {top.score:.2f}; where editors "
                f"keep it, it gives {least:.2f} on average",
            )  # fmt: skip


def _of_versions(keeping: Keeping) -> Iterator[Candidate]:
    """Articles that nobody has decided anything on, answered by several versions, whose latest answers differ."""
    by_article: defaultdict[str, dict[str, tuple[int, str, Likely]]] = defaultdict(dict)
    for kept, answer in keeping.latest.answers():
        if kept.article_id is None or kept.draft or keeping.recall.knows(kept.article_id) or not answer.rubric:
            continue
        said = kept.made_at, kept.prediction_id, answer.rubric
        by_article[kept.article_id].setdefault(answer.model.version, said)
    for article_id, of_versions in by_article.items():
        (made_at, prediction_id, rubric), *others = of_versions.values()
        if any(named(one.label) != named(rubric.label) for _, _, one in others):
            voices = tuple(Voice(version, one.label) for version, (_, _, one) in of_versions.items())
            yield Candidate(
                article_id, prediction_id, when(made_at), rubrics=(rubric,), voices=voices, between="versions",
                why=f"versions of the model differ: {_told(voices)}",
            )  # fmt: skip


def _of_editors(decisions: Sequence[list[Decision]]) -> Iterator[Candidate]:
    """Where the two latest decisions agree, the quarrel is settled."""
    for of_article in decisions:
        chosen = [(one, label) for one in of_article if (label := _rubric(one))]
        if len(chosen) > 1 and named(chosen[0][1]) != named(chosen[1][1]):
            by_actor = {one.actor: label for one, label in reversed(chosen)}  # each one's latest
            if len({named(label) for label in by_actor.values()}) > 1:
                voices = tuple(Voice(actor, label) for actor, label in reversed(by_actor.items()))
                yield Candidate(
                    chosen[0][0].article_id, chosen[0][0].worked.prediction_id, chosen[0][0].at, voices=voices,
                    between="editors", why=f"editors differ: {_told(voices)}",
                )  # fmt: skip


def _told(voices: Sequence[Voice]) -> str:
    return ", ".join(f"{one.by} has «{one.label}»" for one in voices)


def _rubric(decision: Decision) -> str | None:
    return next((one.label for one in decision.worked.final.get("rubric", ())), None)


def _score(scored: Sequence[Scored], label: str) -> float:
    return next((one.score for one in scored if named(one.label) == named(label)), 0.0)
