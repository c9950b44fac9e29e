"""The value of one expression of the SQL of this project, among a few tags."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlrows import Database, vocabulary

TAGS = ("1girl", "2girls", "6+girls", "multiple_boys", "smile", "red_hair", "1boy")
NUMBER = {tag: n for n, tag in enumerate(TAGS, start=1)}


@cache
def database() -> Database:
    return Database(vocabulary=vocabulary(*TAGS))


def value(expression: str, **params: Any) -> Any:
    """Return the value of an expression, with tag numbers for `#tag`."""
    for tag in sorted(TAGS, key=len, reverse=True):
        expression = expression.replace(f"#{tag}", f"{NUMBER[tag]}::INTEGER")
    ((found,),) = database().sql(f"SELECT {expression}", params)
    return found
