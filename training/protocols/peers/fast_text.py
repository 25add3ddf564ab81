"""fastText (Joulin et al. 2016), its options chosen on validation; one thread, so that it is the same every time."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from training.protocols.peers.peer import Answers, Learnable, Model, Options, Peer, numbered
from training.protocols.peers.tag_peer import RANKED, Ranking, Tagged, TagModel, TagPeer

# One thread fills but a tenth of the input matrix and leaves the rest as the memory was (Matrix::uniform). With pairs
# of words it is so large that the system gives it zeroed; without them learning ends in NaN in one run of several.
GRID = tuple(
    {"lr": lr, "epoch": epoch, "wordNgrams": ngrams}
    for ngrams in (2, 3)
    for lr, epoch in ((0.5, 5), (0.5, 10), (0.25, 10))
)
BUCKETS = 500_000  # for the pairs; the two million of the default take a gigabyte
WORD = re.compile(r"\w+")


def words(text: str) -> str:
    return " ".join(WORD.findall(text.lower()))


def train(lines: Iterable[tuple[Sequence[int], str]], options: Options, loss: str) -> Any:
    """A model of texts with the numbers of their labels."""
    import fasttext

    with TemporaryDirectory() as folder:
        path = Path(folder, "train.txt")
        with path.open("w", encoding="utf-8") as file:
            file.writelines(f"{' '.join(f'__label__{i}' for i in labels)} {words(text)}\n" for labels, text in lines)
        return fasttext.train_supervised(
            input=str(path), loss=loss, thread=1, seed=0, verbose=0, bucket=BUCKETS,
            lr=options["lr"], epoch=int(options["epoch"]), wordNgrams=int(options["wordNgrams"]),
        )  # fmt: skip


def ranked(model: Any, text: str, first: int) -> list[tuple[int, float]]:
    """Numbers of the likeliest labels with their probabilities."""
    labels, shares = model.predict(words(text), k=first)
    return [(int(name.removeprefix("__label__")), float(share)) for name, share in zip(labels, shares, strict=True)]


def _learn(learnt: Learnable, options: Options) -> Model:
    names, numbers = numbered(learnt.labels)
    model = train((([i], text) for i, text in zip(numbers, learnt.texts, strict=True)), options, "softmax")

    def answer(texts: Sequence[str]) -> Answers:
        # no word of it was ever seen: nothing is answered, and any label is as good
        best = [(ranked(model, text, 1) or [(0, 0.0)])[0] for text in texts]
        return Answers([names[i] for i, _ in best], np.minimum([share for _, share in best], 1.0))

    return answer


FAST_TEXT = Peer("fastText", _learn, GRID)


def _learn_tags(learnt: Tagged, options: Options) -> TagModel:
    names, numbers = learnt.numbered()
    tagged = [(own, text) for own, text in zip(numbers, learnt.texts, strict=True) if own]
    model = train(tagged, options, "ova")

    def answer(texts: Sequence[str]) -> list[Ranking]:
        return [[(names[i], share) for i, share in ranked(model, text, RANKED)] for text in texts]

    return answer


# One sigmoid a tag learns slower than one choice among rubrics, and costs 5 s of CPU an epoch of RT: so large steps. On
# its validation 15 epochs at 0.5 gave micro-F1 .338, 20 at 1.0 .426.
TAG_GRID = tuple({"lr": 1.0, "epoch": epoch, "wordNgrams": 2} for epoch in (20, 30))
FAST_TEXT_TAGS = TagPeer("fastText, one-vs-all", _learn_tags, TAG_GRID)
