"""Other people's classifiers, each as its makers mean it to be used: what a newsroom could have instead."""

from training.protocols.peers.fast_text import FAST_TEXT, FAST_TEXT_TAGS
from training.protocols.peers.omikuji_trees import OMIKUJI, OMIKUJI_TAGS
from training.protocols.peers.raw_words import BALANCED_SVC, LINEAR_SVC, LOGISTIC_REGRESSION, ONE_VS_REST_SVC
from training.protocols.peers.vowpal_wabbit import VOWPAL_WABBIT

__all__ = [
    "BALANCED_SVC", "FAST_TEXT", "FAST_TEXT_TAGS", "LINEAR_SVC", "LOGISTIC_REGRESSION", "OMIKUJI", "OMIKUJI_TAGS",
    "ONE_VS_REST_SVC", "RUBRIC_PEERS", "TAG_PEERS", "VOWPAL_WABBIT",
]  # fmt: skip

RUBRIC_PEERS = (LOGISTIC_REGRESSION, LINEAR_SVC, BALANCED_SVC, FAST_TEXT, VOWPAL_WABBIT, OMIKUJI)
TAG_PEERS = (ONE_VS_REST_SVC, FAST_TEXT_TAGS, OMIKUJI_TAGS)
