"""The labels of each version that audits speak against, in step with the store: they are for review until then."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec.structs import replace

from service.inference.article import Annotation, RegionAnswer, RequestWarning, TagAnswer
from service.store import audits
from service.store.audits import State
from service.store.database import Connection
from service.trust import TARGET, Audited, audited

log = logging.getLogger(__name__)

HeldBack = frozenset[tuple[str, str]]  # head and id
NOTHING: HeldBack = frozenset()
HELD_BACK = "held_back"  # the code of the warning


class Trusts(Protocol):
    """What the door needs of it."""

    def held_back(self, version: str, /) -> HeldBack: ...


class TrustsAll:
    def held_back(self, _: str, /) -> HeldBack:
        return NOTHING


class Audits:
    """`target` tells of a version which precision its `auto` is aimed at."""

    def __init__(self, target: Callable[[str], float] = lambda _: TARGET) -> None:
        self._target = target
        self._state: State = (0, 0)
        self._of: Mapping[str, Sequence[Audited]] = {}
        self._held: Mapping[str, HeldBack] = {}

    def of(self, version: str) -> Sequence[Audited]:
        """Every label of it that was audited."""
        return self._of.get(version, ())

    def held_back(self, version: str) -> HeldBack:
        return self._held.get(version, NOTHING)

    def catch_up(self, connection: Connection) -> None:
        """A look costs 20 µs; after an audit 0.2 ms a label."""
        if (state := audits.state(connection)) == self._state:
            return
        found: dict[str, list[Audited]] = {}
        for version, head, id_, name, right, articles in audits.counted(connection):
            label = audited(head, id_, name, right, articles, self._target(version))  # type: ignore[arg-type]
            found.setdefault(version, []).append(label)
        held = {
            version: frozenset((one.head, one.id) for one in labels if one.held_back)
            for version, labels in found.items()
        }
        for version, labels in found.items():
            for one in labels:
                if one.held_back and (one.head, one.id) not in self.held_back(version):
                    log.warning(
                        "audits: «%s» (%s) of %s is for review from now on: %d of %d were right, aimed at %.2f",
                        one.label, one.head, version, one.right, one.count, one.target,
                    )  # fmt: skip
        self._of, self._held, self._state = found, held, state


def lowered(annotation: Annotation, held: HeldBack) -> Annotation:
    """With those labels for review that were `auto`, and a warning for each head."""
    changed: dict[str, object] = {}
    warnings: list[RequestWarning] = []
    if annotation.rubric and annotation.rubric.decision == "auto" and ("rubric", annotation.rubric.id) in held:
        changed["rubric"] = replace(annotation.rubric, decision="review")
        warnings.append(RequestWarning(HELD_BACK, "/rubric"))
    for head in ("regions", "tags"):
        answered: object = getattr(annotation, head)
        labels: Sequence[RegionAnswer | TagAnswer] = answered if isinstance(answered, tuple) else ()
        if not any(one.decision == "auto" and (head, one.id) in held for one in labels):
            continue
        changed[head] = tuple(
            replace(one, decision="review") if one.decision == "auto" and (head, one.id) in held else one
            for one in labels
        )
        warnings.append(RequestWarning(HELD_BACK, f"/{head}"))
    return replace(annotation, **changed, warnings=(*annotation.warnings, *warnings)) if changed else annotation
