"""The labels that the model can answer with."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency

from service.annotate import Door
from service.api.body import JSON
from service.api.openapi import Told
from service.api.query import NoParameters, read_query
from service.api.schemas import Named, Vocabulary
from service.inference.labels import Head, Labels


@get("/vocabulary", opt=Told("All labels that the model can answer with", answer={JSON: Vocabulary}).as_opt())
async def vocabulary(request: Request[Any, Any, Any], door: NamedDependency[Door]) -> Vocabulary:
    read_query(request, NoParameters)
    model = door.take()
    labels = model.labels
    return Vocabulary(
        model.reference.vocabulary, _named(labels, "rubric"), _named(labels, "tags"), _named(labels, "regions")
    )


def _named(labels: Labels, head: Head) -> tuple[Named, ...]:
    return tuple(Named(id_, label) for id_, label in labels.all(head).items())
