"""Every part of the suite by its name."""

from collections.abc import Callable, Sequence
from importlib import import_module

from tests.bench.material import Material
from tests.bench.scale import Scale
from training.progress import Progress
from training.protocols.section import Section

# modules, in the order of the page
PARTS = ("in_process", "http", "memory", "growth", "training", "batch", "retag", "cluster")


def sections_of(name: str, material: Material, scale: Scale, progress: Progress) -> Sequence[Section]:
    """What one part finds. Minutes."""
    run: Callable[[Material, Scale, Progress], Section | Sequence[Section]] = import_module(f"tests.bench.{name}").run
    found = run(material, scale, progress)
    return [found] if isinstance(found, Section) else found
