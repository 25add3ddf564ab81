"""How much is counted: little to see that it works, enough for a look, or all that was asked for."""

from typing import Literal, TypeVar

Scale = Literal["smoke", "usual", "full"]
T = TypeVar("T")


def pick(scale: Scale, *, smoke: T, usual: T, full: T) -> T:
    return {"smoke": smoke, "usual": usual, "full": full}[scale]
