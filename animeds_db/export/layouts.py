"""Where pictures go for which trainer. The one rule: a layout names folders and changes no file's content."""

from __future__ import annotations

from collections.abc import Callable

Layout = Callable[[str, int, str | None], str]
"""(folder asked for, repeats, activation tag) → relative folder, not yet made safe."""


def plain(folder: str, repeats: int, activation_tag: str | None) -> str:  # noqa: ARG001 (one signature)
    """Return the folder that the selection asks for; by default everything lies at the top."""
    return folder


def kohya(folder: str, repeats: int, activation_tag: str | None) -> str:
    """Return `N_name`, one level, as kohya's sd-scripts read it: N repeats, name the class tokens.

    Without a folder the name is the activation tag. sd-scripts ignore a folder without a number.
    """
    name = "_".join(part for part in folder.replace("\\", "/").split("/") if part.strip())
    return f"{repeats}_{(name or activation_tag or 'pictures').replace('/', '_')}"


LAYOUTS: dict[str, Layout] = {"plain": plain, "kohya": kohya}

USES_REPEATS = frozenset({"kohya"})
"""Layouts that have a place for repeats; elsewhere only the manifest tells them."""
