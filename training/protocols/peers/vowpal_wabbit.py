"""Vowpal Wabbit: one-against-all logistic regression on hashed words and pairs of words, learnt online."""

import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from training.protocols.peers.peer import Answers, Learnable, Model, Options, Peer, numbered

GRID = ({"passes": 4}, {"passes": 10})
WORD = re.compile(r"\w+")


def _line(text: str) -> str:
    return "| " + " ".join(WORD.findall(text.lower()))


def _learn(learnt: Learnable, options: Options) -> Model:
    from vowpalwabbit import Workspace

    names, numbers = numbered(learnt.labels)
    with TemporaryDirectory() as folder:
        path = Path(folder, "train.vw")
        with path.open("w", encoding="utf-8") as file:
            file.writelines(f"{i + 1} {_line(text)}\n" for i, text in zip(numbers, learnt.texts, strict=True))
        model = Workspace(
            f"--oaa {len(names)} --probabilities --loss_function logistic --ngram 2 -b 24 --random_seed 0 --quiet "
            f"--passes {int(options['passes'])} --holdout_off --cache_file {path}.cache -k -d {path}"
        )

    def answer(texts: Sequence[str]) -> Answers:
        shares = np.array([model.predict(_line(text)) for text in texts])
        return Answers([names[i] for i in shares.argmax(axis=1)], shares.max(axis=1))

    return answer


VOWPAL_WABBIT = Peer("Vowpal Wabbit", _learn, GRID)
