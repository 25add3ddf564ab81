"""Query parameters: those that an address takes, each with its type and range, and no others."""

from difflib import get_close_matches
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from msgspec import Meta, Struct

from service.api.problems import ProblemError
from service.api.schemas import FieldProblem

Q = TypeVar("Q", bound=Struct)

MOST = 100  # parameters that are looked at


class NoParameters(Struct, frozen=True):
    """The query of an address that takes none."""


def read_query(request: Request[Any, Any, Any], kind: type[Q]) -> Q:
    """The request's query as a struct. Raises a ProblemError that names the parameter, and the one that was meant."""
    if not (sent := request.scope["query_string"]):
        return kind()
    values: dict[str, str] = {}
    try:
        pairs = parse_qsl(sent.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST)
    except UnicodeDecodeError as error:
        raise ProblemError("bad-parameter", "the query is not UTF-8") from error
    except ValueError as error:
        raise ProblemError("bad-parameter", f"the query has more than {MOST} parameters") from error
    for name, value in pairs:
        if name not in kind.__struct_fields__:
            raise _bad(name, _unknown(name, kind.__struct_fields__))
        if name in values:
            raise _bad(name, f"the parameter {name} comes twice")
        values[name] = value
    return _converted(values, kind)


def _converted(values: dict[str, str], kind: type[Q]) -> Q:
    hints, found = _sendable(kind), {}
    for name, value in values.items():
        try:
            found[name] = msgspec.convert(value, hints[name], strict=False)
        except msgspec.ValidationError as error:
            raise _bad(name, f"{name} must be {_allowed(hints[name])}") from error
    return kind(**found)


@cache
def _sendable(kind: type[Struct]) -> dict[str, Any]:
    """What may be sent of each parameter: its type without None, which is the one that isn't sent. msgspec takes the
    string «null» for None."""
    return {name: _without_none(hint) for name, hint in get_type_hints(kind, include_extras=True).items()}


def _without_none(hint: Any) -> Any:
    if get_origin(hint) is Annotated and get_origin(get_args(hint)[0]) in {Union, UnionType}:
        hint = get_args(hint)[0]
    if get_origin(hint) not in {Union, UnionType}:
        return hint
    [one] = (each for each in get_args(hint) if each is not NoneType)
    return one


def _allowed(hint: Any) -> str:
    """What a parameter may be, by its type: `Annotated[int, Meta(ge=1, le=1000)]` is a whole number from 1 to 1000."""
    if get_origin(hint) is Literal:
        return " or ".join(get_args(hint))
    if get_origin(hint) is not Annotated:
        return {bool: "true or false", int: "a whole number", float: "a number"}[hint]
    what, *more = get_args(hint)
    bounds = next((each for each in more if isinstance(each, Meta) and each.ge is not None), None)
    return _allowed(what) + (f" from {bounds.ge} to {bounds.le}" if bounds else "")


def _unknown(name: str, known: tuple[str, ...]) -> str:
    shown = repr(name[:64])
    if not known:
        return f"there is no parameter {shown}, this address takes none"
    if close := get_close_matches(name.lower()[:64], known, n=1, cutoff=0.5):
        return f"there is no parameter {shown}, did you mean {close[0]}?"
    return f"there is no parameter {shown}, known are {', '.join(known)}"


def _bad(name: str, detail: str) -> ProblemError:
    return ProblemError("bad-parameter", detail, errors=[FieldProblem(f"?{name[:64]}", detail)])
