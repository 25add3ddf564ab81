"""/openapi.json, made from what each handler tells of itself and from the very types that are decoded and encoded.

Litestar's own generator can't know that a handler reads its body itself, and documents problems under the wrong media
type. A test compares this document with the routes.
"""

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec
from litestar.routes import BaseRoute, HTTPRoute
from msgspec import Struct

from service.api.examples import EXAMPLES
from service.api.problems import MEDIA_TYPE
from service.api.query import NoParameters
from service.api.schemas import CONTRACT, Problem

HTML = "text/html"
TEXT = "text/plain"

_KEY = "told"
_REFERENCE = "#/components/schemas/{name}"

_HEADERS = {
    "X-Request-Id": "The caller's own, or a new one; the log has it too",
    "X-Model-Version": "The version of the model that answered",
    "Server-Timing": "Milliseconds in the service",
}


class Either:
    """One of several types, or an array of such."""

    def __init__(self, *kinds: Any, many: bool = False) -> None:
        self.kinds = kinds
        self.many = many


@dataclass(frozen=True)
class Told:
    """What a handler tells of itself: types by media type, and the statuses of its problems."""

    summary: str
    answer: Mapping[str, Any]
    query: type[Struct] = NoParameters
    body: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[int] = ()
    status: int = 200  # of `answer`
    also: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)  # answers with another status

    def answers(self) -> dict[int, Mapping[str, Any]]:
        """By status."""
        return {self.status: self.answer, **self.also}

    def as_opt(self) -> dict[str, Any]:
        return {_KEY: self}


def document(routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """OpenAPI 3.1 of every handler that tells of itself."""
    told = list(_told(routes))
    named = [
        kind for *_, each in told for contents in (each.body, *each.answers().values()) for kind in contents.values()
    ]
    kinds = [each for kind in named for each in (kind.kinds if isinstance(kind, Either) else (kind,))]
    schemas, components = msgspec.json.schema_components([*kinds, Problem], ref_template=_REFERENCE)
    schema_of = dict(zip(map(repr, kinds), schemas, strict=False))
    paths: dict[str, Any] = {}
    for path, method, description, each in told:
        paths.setdefault(path, {})[method] = _operation(path, description, each, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "rubricator",
            "version": CONTRACT,
            "description": "Rubrics, regions and tags for Russian news articles.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": components,
            "headers": {name: _header(text) for name, text in _HEADERS.items()},
            "responses": {str(status): _problem_answer(status) for status in sorted(_statuses(told))},
        },
    }


def _told(routes: Iterable[BaseRoute]) -> Iterator[tuple[str, str, str, Told]]:
    for route in routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                if told := handler.opt.get(_KEY):
                    text = inspect.getdoc(inspect.unwrap(handler.fn)) or ""
                    for method in handler.http_methods:
                        yield route.path_format, method.lower(), text, told


def _statuses(told: Iterable[tuple[str, str, str, Told]]) -> set[int]:
    return {400, 500}.union(*(each.problems for *_, each in told))


def _operation(path: str, description: str, told: Told, schema_of: Mapping[str, Any]) -> dict[str, Any]:
    def schema(kind: Any) -> dict[str, Any]:
        if not isinstance(kind, Either):
            return dict(schema_of[repr(kind)])
        either = {"anyOf": [schema_of[repr(each)] for each in kind.kinds]}
        return {"type": "array", "items": either} if kind.many else either

    def content(kinds: Mapping[str, Any]) -> dict[str, Any]:
        return {media: {"schema": schema(kind), **EXAMPLES.get(repr(kind), {})} for media, kind in kinds.items()}

    operation: dict[str, Any] = {
        "tags": [path.split("/")[1].replace("activations", "models")],
        "summary": told.summary,
        "parameters": [*_path_parameters(path), *_query_parameters(told.query)],
        "responses": {
            str(status): {
                "description": HTTPStatus(status).phrase,
                "content": content(kinds),
                "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS},
            }
            for status, kinds in sorted(told.answers().items())
        }
        | {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted({400, 500, *told.problems})},
    }
    if description:
        operation["description"] = " ".join(description.split())
    if told.body:
        operation["requestBody"] = {"required": True, "content": content(told.body)}
    return operation


def _path_parameters(path: str) -> Iterator[dict[str, Any]]:
    for piece in path.split("/"):
        if piece.startswith("{"):
            yield {"name": piece.strip("{}"), "in": "path", "required": True, "schema": {"type": "string"}}


def _query_parameters(query: type[Struct]) -> Iterator[dict[str, Any]]:
    (_,), components = msgspec.json.schema_components([query])
    for name, schema in components[query.__name__]["properties"].items():
        described = {key: value for key, value in schema.items() if key != "description"}
        yield {"name": name, "in": "query", "description": schema.get("description", ""), "schema": described}


def _header(text: str) -> dict[str, Any]:
    return {"description": text, "schema": {"type": "string"}}


def _problem_answer(status: int) -> dict[str, Any]:
    schema = {"$ref": _REFERENCE.format(name="Problem")}
    return {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": schema}},
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS},
    }
