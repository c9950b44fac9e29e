"""Lets text, defaults and missing values of options through without pydantic.

Newer releases of typer convert every value with pydantic. To import it takes longer than many a command, and these
values need no conversion.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer
from typer.models import CommandInfo


def without_pydantic(app: typer.Typer) -> None:
    """Make all commands of an app, and its own options, import pydantic only for values that need a conversion."""
    if app.registered_callback is not None:
        app.registered_callback.cls = _Group
    commands: list[CommandInfo] = app.registered_commands
    for command in commands:
        command.cls = _Command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            without_pydantic(group.typer_instance)


class _Command(typer.core.TyperCommand):
    def get_params(self, ctx: Any) -> Any:
        return _made_plain(super().get_params(ctx))


class _Group(typer.core.TyperGroup):
    def get_params(self, ctx: Any) -> Any:
        return _made_plain(super().get_params(ctx))


def _made_plain(params: Any) -> Any:
    """Return the options and arguments of a command, with `--help`, after changing how they convert values."""
    for param in params:
        convert = getattr(param, "get_runtime_param", None)  # none before typer 0.27, which needs no pydantic
        if convert is not None and not isinstance(convert, _Plain):
            param.get_runtime_param = _Plain(convert)
    return params


class _Plain:
    """What converts the values of one option or argument. `real` returns typer's own."""

    def __init__(self, real: Callable[[], Any]) -> None:
        self._real = real

    def __call__(self) -> _Plain:
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value of an option, converted by typer unless it already is what the command expects."""
        kind = param.type_descriptor
        is_list = param.multiple or param.nargs == -1
        if value is None:
            return () if is_list else None
        if kind.parameter_info.parser is None:
            if type(value) is kind.annotation:
                return value
            if kind.annotation == list[str] and isinstance(value, tuple | list):
                return list(value)
        return self._real().coerce(value, param=param, ctx=ctx)
