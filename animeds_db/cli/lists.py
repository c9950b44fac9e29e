"""Lists in help texts, filled in from the registries of the code when the help is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import typer


def _layouts() -> Iterable[str]:
    from animeds_db.export.layouts import LAYOUTS

    return LAYOUTS


def _controls() -> Iterable[str]:
    from animeds_db.export.layouts.common import CONTROL_KINDS

    return CONTROL_KINDS


def _captions() -> Iterable[str]:
    from animeds_db.captions import profile_names

    return profile_names()


def _sampling() -> Iterable[str]:
    from animeds_ingest.modes import EXAMPLES

    return EXAMPLES


def _prompts() -> Iterable[str]:
    from animeds_db.models.prompts import prompt_names

    return prompt_names()


LISTS: dict[str, Callable[[], Iterable[str]]] = {
    "{layouts}": _layouts,
    "{controls}": _controls,
    "{captions}": _captions,
    "{sampling}": _sampling,
    "{prompts}": _prompts,
}
"""What a help text can contain, and the names that replace it."""


class ListsInHelp(typer.core.TyperCommand):
    """A command whose help texts can contain the keys of LISTS."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help with the lists filled in."""
        for parameter in self.params:
            parameter.help = filled(getattr(parameter, "help", None))  # type: ignore[attr-defined]
        super().format_help(ctx, formatter)


def filled(text: str | None) -> str | None:
    """Return a help text with the lists filled in."""
    for key, names in LISTS.items() if text else ():
        assert text is not None
        if key in text:
            text = text.replace(key, ", ".join(names()))
    return text
