"""What is wrong with the shape of some JSON, in JSON's own words: msgspec speaks of Python's types and paths."""

import re
from collections.abc import Sequence

import msgspec

_PLACE = re.compile(r"(.*?) - at `\$(.*)`", re.DOTALL)
_TYPES = re.compile(r"Expected `(\w+(?: \| \w+)*)`, got `(\w+)`")
_LENGTH = re.compile(r"Expected `str` of length <= (\d+)")
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)

_EXPECTED = {"str": "a string", "object": "an object", "array": "an array", "bool": "true or false"}
_SENT = {**_EXPECTED, "int": "a number", "float": "a number"}


def wrong(error: msgspec.ValidationError, whole: str, choices: Sequence[str] = ()) -> tuple[str, str]:
    """A JSON pointer and a sentence. `whole` is what to call all that was sent, `choices` what a field may be that
    takes only certain strings."""
    what, pointer = str(error), ""
    if place := _PLACE.fullmatch(what):
        # "$.current.tags[0].id" is /current/tags/0/id; under a name that is not its own msgspec says `[...]`: /-
        what, pointer = place[1], re.sub(r"[.\[]", "/", place[2].replace("[...]", "[-]")).replace("]", "")
    name = pointer.rpartition("/")[2] if pointer else whole
    if name.isdecimal():
        name = f"an item of {pointer.split('/')[-2]}"
    if types := _TYPES.fullmatch(what):
        expected = [_EXPECTED.get(each, each) for each in types[1].split(" | ") if each != "null"] or ["null"]
        return pointer, f"{name} must be {' or '.join(expected)}, not {_SENT.get(types[2], types[2])}"
    if length := _LENGTH.fullmatch(what):
        return pointer, f"{name} must have at most {length[1]} characters"
    if missing := _MISSING.fullmatch(what):
        return f"{pointer}/{missing[1]}", f"{name} needs the field {missing[1]}"
    if unknown := _UNKNOWN.fullmatch(what):
        return pointer, f"{whole} has no field {unknown[1][:64]}"
    if what.startswith("Invalid enum value"):  # which may be as long as the request: it is not repeated
        return pointer, f"{name} must be {' or '.join(choices)}"
    return pointer, what
