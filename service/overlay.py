"""A model under the editors' vocabulary: renamed, merged and retired tags, and those that it does not know, by name."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from service.explained import words_of_names
from service.inference.annotator import UNUSABLE
from service.inference.article import Annotation, Article, Decision, ModelReference, Policy, ShownPolicy, TagAnswer, Why
from service.inference.decisions import Options, rounded
from service.inference.explain import Span
from service.inference.labels import Head, Labels
from service.inference.tags import FIRST_WORDS
from service.memory import Chosen, Memory, OfHead, Rejected, wide
from service.vocabulary import Entry, Vocabulary

Folded = tuple[bytes, bytes]  # title and body
M = TypeVar("M", Chosen, Rejected)


class Model(Protocol):
    """What is needed of an Annotator: here, and by whoever answers with it."""

    @property
    def version(self) -> str: ...

    @property
    def reference(self) -> ModelReference: ...

    @property
    def labels(self) -> Labels: ...

    def annotate(
        self, articles: Sequence[Article], options: Options, heard: Callable[[Folded], object] | None = None, /
    ) -> list[Annotation]: ...

    def score_of_name(self, in_title: bool, in_lead: bool, times: int, words: int, /) -> tuple[float, float]: ...

    def known_words(self, text: str, /) -> tuple[int, int]: ...

    def named(self, text: str, /) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]: ...


class Heard(NamedTuple):
    """Where the names of a tag stand."""

    in_title: bool
    in_lead: bool
    times: int
    words: int  # of the longest name


NOWHERE = Heard(False, False, 1, 1)  # of the score that such a name would need


class Names:
    """Finds names in texts. With 500 tags an article of 100 words takes 7 µs where none of them stands in it, and 22 µs
    where their names were drawn from the words of 300 such articles."""

    def __init__(self, entries: Sequence[tuple[str, Entry]]) -> None:
        """Pairs of the tag that is meant and the entry whose names mean it."""
        self._by_first: dict[bytes, list[tuple[str, tuple[frozenset[bytes], ...]]]] = {}
        for id_, entry in entries:
            for name in entry.names:
                first, *rest = [frozenset(form.encode("cp1251") for form in forms) for forms in name]
                for form in first:
                    self._by_first.setdefault(form, []).append((id_, tuple(rest)))
        self._first = frozenset(self._by_first)

    def __len__(self) -> int:
        return len(self._first)

    def heard(self, folded: Folded) -> dict[str, Heard]:
        found: dict[str, Heard] = {}
        for in_title, words in ((True, folded[0].split()), (False, folded[1].split())):
            if self._first.isdisjoint(words):
                continue
            for at, id_, length in self._in(words):
                before = found.get(id_, Heard(False, False, 0, 0))
                found[id_] = Heard(
                    before.in_title or in_title,
                    before.in_lead or (not in_title and at < FIRST_WORDS),
                    before.times + 1,
                    max(before.words, length),
                )
        return found

    def spans(self, folded: Folded) -> dict[str, list[Span]]:
        """Where they stand: of each the part, its first word and its last one."""
        parts: tuple[tuple[Literal["title", "body"], bytes], ...] = (("title", folded[0]), ("body", folded[1]))
        found: dict[str, list[Span]] = {}
        for part, letters in parts:
            for at, id_, length in self._in(letters.split()):
                found.setdefault(id_, []).append((part, at, at + length - 1))
        return found

    def _in(self, words: Sequence[bytes]) -> Iterator[tuple[int, str, int]]:
        for at in [at for at, word in enumerate(words) if word in self._first]:
            here: dict[str, int] = {}
            for id_, rest in self._by_first[words[at]]:
                following = words[at + 1 : at + 1 + len(rest)]
                if len(following) == len(rest) and all(map(frozenset.__contains__, rest, following)):
                    here[id_] = max(here.get(id_, 0), len(rest) + 1)
            yield from ((at, id_, length) for id_, length in here.items())


class Overlaid:
    """A Model like the one below it, at one moment of the vocabulary."""

    def __init__(self, model: Model, vocabulary: Vocabulary) -> None:
        self.model, self.vocabulary = model, vocabulary
        self.version = model.version
        self.reference = replace(model.reference, vocabulary=vocabulary.version(model.reference.vocabulary))
        terms = {one.id: one for one in vocabulary.tags(model.labels)}
        active = {id_: one for id_, one in terms.items() if one.status == "active"}
        self._target = {id_: self._active(id_, active) for id_ in vocabulary.entries}
        self._changed = {id_: active[to] for id_, to in self._target.items() if to is not None}
        changed_targets = {to for to in self._target.values() if to is not None}
        self._changed |= {id_: active[id_] for id_ in changed_targets}
        self._only_adds = all(model.labels.label("tags", id_) is None for id_ in vocabulary.entries)
        self._names = Names(
            [
                (to, entry)
                for id_, entry in vocabulary.entries.items()
                if (to := self._target[id_]) is not None and active[to].policy != "never_suggest"
            ]
        )
        self.score_of_name = lru_cache(maxsize=10_000)(model.score_of_name)
        self.known_words = model.known_words
        self.named = model.named
        own = model.labels
        policies: dict[Head, Mapping[str, Policy]] = {
            "rubric": own.policies("rubric"),
            "regions": own.policies("regions"),
            "tags": {id_: one.policy for id_, one in active.items() if one.policy != "normal"},
        }
        merges = [(id_, active[to].label) for id_, to in self._target.items() if to is not None and to != id_]
        names = {
            name: to
            for id_, to in self._target.items()
            if to is not None
            for name in (terms[id_].label, own.label("tags", id_), *terms[id_].synonyms)
            if name is not None
        }
        self.labels = Labels(
            own.all("rubric").items(),
            [*((id_, one.label) for id_, one in active.items()), *merges],
            own.places,
            policies,
            names,
            [terms[id_].label for id_, to in self._target.items() if to is None],
        )

    def annotate(
        self, articles: Sequence[Article], options: Options, heard: Callable[[Folded], object] | None = None, /
    ) -> list[Annotation]:
        folded: list[Folded] = []
        # where a tag of the model may go, what stands in for it may be beyond the limits
        answers = self.model.annotate(articles, options if self._only_adds else wide(options), folded.append)
        if heard is not None:
            for one in folded:
                heard(one)
        answers = [self._annotation(one, its, options) for one, its in zip(answers, folded, strict=True)]
        if not options.explain:
            return answers
        return [self._explained(*three, options) for three in zip(answers, folded, articles, strict=True)]

    def gone(self, name: str) -> str | None:
        """Id of a retired tag, by this id or any of its names: nothing else knows it any more."""
        found = self.vocabulary.term(name, self.model.labels) or self.vocabulary.named_by(name, self.model.labels)
        return found.id if found is not None and self._to(found.id) is None else None

    def memory(self, memory: Memory) -> Memory:
        """What was decided on merged tags holds for their targets, on retired ones for nothing."""
        tags = memory.tags
        chosen = None if tags.chosen is None else tuple(self._of_memory(tags.chosen))
        return replace(memory, tags=OfHead(chosen, tuple(self._of_memory(tags.rejected))))

    def settled(self, annotation: Annotation) -> Annotation:
        """Also what the editors' memory and the article itself brought: no retired tag, a merged one as its target."""
        if not annotation.tags:
            return annotation
        return replace(annotation, tags=tuple(self._shown(annotation.tags)))

    def _annotation(self, annotation: Annotation, folded: Folded, options: Options) -> Annotation:
        tagged = isinstance(annotation.tags, tuple) and "tags" in options.heads
        lexical = self._lexical(folded, annotation, options) if tagged else []
        if self._only_adds and not lexical:
            return replace(annotation, model=self.reference)
        parts: dict[str, Any] = {"model": self.reference}
        for part in ("alternatives", "regions"):
            if options.limit is not None and isinstance(answered := getattr(annotation, part), tuple):
                parts[part] = answered[: options.limit]
        if isinstance(annotation.tags, tuple) and tagged:
            tags = [*self._shown(annotation.tags), *lexical]
            tags.sort(key=lambda one: (-one.score, one.id))
            tags = tags[: options.most_tags if options.limit is None else options.limit]
            parts["tags"] = tuple(tags)
            if annotation.explain is not UNSET:
                shown = {one.id for one in tags}
                words = {to: its for id_, its in annotation.explain.tags.items() if (to := self._to(id_)) in shown}
                parts["explain"] = replace(annotation.explain, tags=words)
        return replace(annotation, **parts)

    def _shown(self, tags: Sequence[TagAnswer]) -> Iterator[TagAnswer]:
        """Each target once, by the surest of those that lead to it, which come first."""
        seen = set()
        for one in tags:
            to = self._to(one.id)
            if to is None or to in seen or self.labels.is_retired("tags", one.label):
                continue
            seen.add(to)
            if (term := self._changed.get(to)) is None:
                yield one
            elif term.policy != "never_suggest" or one.origin == "history":
                policy: ShownPolicy = UNSET if term.policy == "normal" else term.policy
                if one.id == to and self._own_policy(to) is None:
                    policy = one.policy  # a person's tag is held among incidents alone
                decision: Decision = "review" if one.decision == "auto" and policy is not UNSET else one.decision
                yield replace(one, id=to, label=term.label, decision=decision, policy=policy)

    def _own_policy(self, id_: str) -> str | None:
        entry = self.vocabulary.entries.get(id_)
        return None if entry is None else entry.policy

    def _explained(self, annotation: Annotation, folded: Folded, article: Article, options: Options) -> Annotation:
        """Also the tags that were found by their names, and a changed one that was asked about."""
        explain, tags = annotation.explain, annotation.tags
        if explain is UNSET:
            return annotation
        spans = self._names.spans(folded)
        words = {
            one.id: words_of_names(article, spans[one.id], one.score, options.spans)
            for one in (tags if isinstance(tags, tuple) else ())
            if not explain.tags.get(one.id) and one.id in spans
        }
        why = explain.why
        if options.why is not None and options.why[0] == "tags":
            why = self._why(options.why[1], why, folded, article, options)
        return replace(annotation, explain=replace(explain, tags={**explain.tags, **words}, why=why))

    def _why(
        self, id_: str, own: Why | UnsetType, folded: Folded, article: Article, options: Options
    ) -> Why | UnsetType:
        """`own` is what the model says of it, if it knows the tag."""
        term = self.vocabulary.term(id_, self.model.labels)
        if term is None or (id_ not in self.vocabulary.entries and id_ not in self._changed):
            return own
        entries = self.vocabulary.entries.items()
        names = Names([(id_, entry) for each, entry in entries if each == id_ or self._to(each) == id_])
        heard = names.heard(folded).get(id_)
        score, least = map(rounded, self.score_of_name(*(heard or NOWHERE)))
        if own is UNSET or (heard is not None and score > own.score):
            words = words_of_names(article, names.spans(folded)[id_], score, options.spans) if heard else ()
            named = heard is not None
            own = Why("tags", id_, term.label, score if heard else 0.0, least, named=named, learnt=False, words=words)
        if self._own_policy(id_) is not None:
            own = replace(own, policy=UNSET if term.policy == "normal" else term.policy)
        if term.status != "active":
            to = self._to(id_)
            own = replace(own, status=term.status, instead=UNSET if to is None else self._changed[to].label)
        return replace(own, label=term.label, named=own.named or heard is not None)

    def _lexical(self, folded: Folded, annotation: Annotation, options: Options) -> list[TagAnswer]:
        if not len(self._names) or not (found := self._names.heard(folded)):
            return []
        if UNUSABLE.intersection(annotation.reasons):
            return []
        answered = {self._to(one.id) for one in annotation.tags or ()}
        tags = []
        for id_, heard in found.items():
            score, least = self.score_of_name(*heard)
            if id_ in answered or score < (least if options.threshold is None else options.threshold):
                continue
            term = self._changed[id_]
            policy: ShownPolicy = UNSET if term.policy == "normal" else term.policy
            decision: Decision = "review" if score >= least else "abstain"
            tags.append(TagAnswer(id_, term.label, rounded(score), decision, "lexical", policy))
        return tags

    def _to(self, id_: str) -> str | None:
        return self._target.get(id_, id_)

    def _active(self, id_: str, active: Mapping[str, object]) -> str | None:
        """Also None where a merge leads to a tag that no model knows any more."""
        to = self.vocabulary.target(id_)
        return to if to in active else None

    def _of_memory(self, labels: Sequence[M]) -> Iterator[M]:
        seen = set()
        for one in labels:
            to = self._to(self.labels.id_of("tags", one.label) or one.id)
            if to is None or to in seen or self.labels.is_retired("tags", one.label):
                continue
            seen.add(to)
            yield replace(one, id=to, label=self.labels.label("tags", to) or one.label)
