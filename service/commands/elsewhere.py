"""Commands that other packages registered, found without importing them."""

from functools import cache
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from service.commands import terminal
from service.commands.terminal import WRONG_USAGE

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

# one line each for --help, which must not import what is behind them
ELSEWHERE = {
    "train": "Learn a model from labelled articles.",
    "adopt": "Learn a newsroom's own rubrics and tags from its archive.",
    "evaluate": "Measure a model on labelled articles.",
    "retrain": "Learn from corrections and compare with the model in use.",
}


class Elsewhere(TyperCommand):
    """A command of another package, imported when it is called or asked for its own help."""

    def __init__(self, entry_point: "EntryPoint") -> None:
        super().__init__(entry_point.name, help=ELSEWHERE.get(entry_point.name, "See its own --help."))
        self._entry_point = entry_point

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return self._command().make_context(info_name, args, parent, **extra)

    def _command(self) -> Any:
        try:
            found = self._entry_point.load()
        except ModuleNotFoundError as error:
            package = self._entry_point.value.partition(".")[0]
            terminal.stop(
                f"{package} is not installed here ({error}): pip install 'rubricator[{package}]'", WRONG_USAGE
            )
        if hasattr(found, "make_context"):
            return found
        if not isinstance(found, typer.Typer):
            function, found = found, typer.Typer(add_completion=False, rich_markup_mode=None)
            found.command()(function)
        return get_command(found)


class Commands(TyperGroup):
    """Our own, then those that other packages registered."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *(name for name in _elsewhere() if name not in self.commands)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return super().get_command(ctx, cmd_name) or _elsewhere().get(cmd_name)


@cache
def _elsewhere() -> dict[str, Elsewhere]:
    from importlib.metadata import entry_points

    return {each.name: Elsewhere(each) for each in entry_points(group="rubricator.commands")}
