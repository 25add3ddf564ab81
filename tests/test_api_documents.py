"""/openapi.json says what there is, and /docs shows it without a byte from elsewhere."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from service.api.examples import EXAMPLES
from service.app import ROUTES
from service.inference.article import Annotation, Article
from tests.serving import Served, serving

# for people, or what describes itself
OUR_OWN = {"/openapi.json", "/docs", "/docs/{name}", "/", "/page/{name}"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("home")) as served:
        yield served


@pytest.fixture(scope="module")
def document(served: Served) -> dict[str, Any]:
    found: dict[str, Any] = served.client.get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "$ref":
                yield item
            else:
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_every_handler_is_described(document: dict[str, Any]) -> None:
    described = {(path, method) for path, method, _ in operations(document)}
    there = {
        (re.sub(r":\w+}", "}", path), method.lower())
        for handler in ROUTES
        for path in handler.paths
        for method in handler.http_methods
    }
    assert described == {(path, method) for path, method in there if path not in OUR_OWN}


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(references(document))
    assert found
    for reference in found:
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_the_shape_is_that_of_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert document["info"].keys() >= {"title", "version"}
    for path, _, operation in operations(document):
        assert operation["summary"]
        assert operation["responses"]
        names = re.findall(r"{(\w+)}", path)
        assert [each["name"] for each in operation["parameters"] if each["in"] == "path"] == names
        for parameter in operation["parameters"]:
            assert parameter["schema"]
        for status, response in operation["responses"].items():
            assert re.fullmatch(r"[245]\d\d", status)
            assert "$ref" in response or response["description"]


def test_bodies_answers_parameters_and_problems_are_described(document: dict[str, Any]) -> None:
    operation = document["paths"]["/annotate"]["post"]
    assert operation["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Article"}
    parameters = {each["name"]: each["schema"] for each in operation["parameters"]}
    known = ["explain", "limit", "threshold", "profile", "strict", "model", "timeout_ms", "spans", "why"]
    assert list(parameters) == known
    assert parameters["explain"] == {"enum": ["none", "words"], "default": "none"}
    assert {"400", "404", "413", "415", "500"} < operation["responses"].keys()
    problem = document["components"]["responses"]["413"]
    assert list(problem["content"]) == ["application/problem+json"]
    batch = document["paths"]["/annotate/batch"]["post"]
    assert list(batch["requestBody"]["content"]) == ["application/json", "application/x-ndjson"]
    schemas = document["components"]["schemas"]
    assert set(schemas["Article"]["properties"]) == set(Article.__struct_fields__)
    for label in ("RubricAnswer", "Alternative", "RegionAnswer", "TagAnswer"):
        assert set(schemas[label]["properties"]["policy"]["enum"]) == {"normal", "review_only", "never_suggest"}
        assert "policy" not in schemas[label]["required"]


def test_the_examples_are_what_they_are_examples_of(served: Served) -> None:
    article = EXAMPLES[repr(Article)]["example"]
    answer = served.client.post("/annotate?strict=true", json=article)
    assert answer.status_code == 200
    assert answer.json()["warnings"] == []
    shown = EXAMPLES[repr(Annotation)]["example"]
    assert shown.keys() == answer.json().keys()
    [evidence] = shown["regions"][0]["evidence"]
    assert article[evidence["field"]][evidence["start"] : evidence["end"]] == evidence["text"]


def test_docs_load_nothing_from_elsewhere(served: Served) -> None:
    page = served.client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "//" not in page.text.replace("<!doctype", "")
    assert "<script>" not in page.text
    loaded = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(loaded) == 3
    for path in loaded:
        part = served.client.get(path)
        assert part.status_code == 200
        assert part.headers["x-content-type-options"] == "nosniff"
    style = served.client.get("/docs/swagger-ui.css").text
    assert not re.findall(r"(?:@import|url\((?!\"?data:))[^;]{0,40}", style)


@pytest.mark.parametrize(
    "name", ["LICENSE", "nothing.js", "..%2fopenapi.py", "%2e%2e", "..%2f..%2fapp.py", "x" * 5000 + ".js"]
)
def test_nothing_else_is_served_from_there(served: Served, name: str) -> None:
    assert served.client.get(f"/docs/{name}").status_code == 404
