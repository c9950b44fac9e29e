"""Recipes: one TOML file says what a dataset is made of, and `make` brings everything up to date with it.

    made = animeds_db.make("recipe.toml")
    made.folders, made.question
    animeds_db.recipes.save(ds, "emi.toml", "character_set", "emi", params={"characters": ["Emi"]})

keys.py declares every key; docs/recipes.md explains them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from animeds_db.recipes.making import Made, Making, Planned, make
    from animeds_db.recipes.people import Question
    from animeds_db.recipes.reading import Recipe, parse, read
    from animeds_db.recipes.saving import Saved, describe, save

_HOMES = {
    "Made": "making",
    "Making": "making",
    "Planned": "making",
    "Question": "people",
    "Recipe": "reading",
    "Saved": "saving",
    "describe": "saving",
    "make": "making",
    "parse": "reading",
    "read": "reading",
    "save": "saving",
}
"""Public names and their modules, imported when needed: help and completion use only the declaration."""

__all__ = [
    "Made",
    "Making",
    "Planned",
    "Question",
    "Recipe",
    "Saved",
    "describe",
    "make",
    "parse",
    "read",
    "save",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"animeds_db.recipes.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'animeds_db.recipes' has no attribute {name!r}")
