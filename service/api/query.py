"""Query parameters: those that an address takes, each with its type and range, and no others."""

from difflib import get_close_matches
from typing import Any, TypeVar, get_args, get_type_hints
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from msgspec import Struct

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
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$.")
        name = path.rstrip("`")
        choices = _choices(kind, name)
        raise _bad(name, f"{name} is one of {', '.join(choices)}" if choices else what) from error


def _choices(kind: type[Q], name: str) -> tuple[str, ...]:
    annotation = get_type_hints(kind).get(name)
    choices = get_args(annotation)
    return choices if choices and all(isinstance(choice, str) for choice in choices) else ()


def _unknown(name: str, known: tuple[str, ...]) -> str:
    shown = repr(name[:64])
    if not known:
        return f"there is no parameter {shown}, this address takes none"
    if close := get_close_matches(name.lower()[:64], known, n=1, cutoff=0.5):
        return f"there is no parameter {shown}, did you mean {close[0]}?"
    return f"there is no parameter {shown}, known are {', '.join(known)}"


def _bad(name: str, detail: str) -> ProblemError:
    return ProblemError("bad-parameter", detail, errors=[FieldProblem(f"?{name[:64]}", detail)])
