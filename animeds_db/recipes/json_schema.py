"""The JSON schema of recipes, with which editors complete keys. It is made from the same declaration as the checks."""

from __future__ import annotations

import json
import sys
from typing import Any

from animeds_db.recipes.keys import TOP, Key, Section, sections

_TEXTS: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
_INTS: dict[str, Any] = {"type": "array", "items": {"type": "integer"}}
_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "int": {"type": "integer"},
    "real": {"type": "number"},
    "bool": {"type": "boolean"},
    "time": {"type": ["number", "string"]},
    "table of texts": {"type": "object", "additionalProperties": {"type": "string"}},
    "table of numbers": {"type": "object", "additionalProperties": {"type": "number"}},
    "table of lists": {"type": "object", "additionalProperties": _TEXTS},
    "values": {"type": "object"},
}


def json_schema() -> str:
    """Return the schema (JSON Schema, draft 7) as text. The file `recipe.schema.json` has the same content."""
    properties = {key.name: _key(key) for key in TOP}
    for name, section in sections().items():
        one: dict[str, Any] = {"$ref": f"#/definitions/{name}"}
        if section.is_list:
            one = {"oneOf": [one, {"type": "array", "items": one}]}
        properties[name] = {"description": section.help} | (one if section.is_list else {"allOf": [one]})
    content = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Recipe of animeds-db",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "definitions": {name: _section(section) for name, section in sections().items()},
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _section(section: Section) -> dict[str, Any]:
    required = [key.name for key in section.keys if key.required]
    content: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {key.name: _key(key) for key in section.keys},
    }
    return content | ({"required": required} if required else {})


def _key(key: Key) -> dict[str, Any]:
    about: dict[str, Any] = {"description": key.help} if key.help else {}
    if key.kind == "section":
        return about | {"allOf": [{"$ref": f"#/definitions/{key.needs}"}]}
    if key.kind in ("texts", "ints"):
        kind: dict[str, Any] = {"texts": _TEXTS, "ints": _INTS}[key.kind]
        item: dict[str, Any] = kind["items"] | ({"enum": list(key.choices)} if key.choices else {})
        return about | {"oneOf": [item, {"type": "array", "items": item}]}
    limits = {"minimum": key.low, "maximum": key.high, "enum": list(key.choices) or None}
    return about | _TYPES[key.kind] | {name: value for name, value in limits.items() if value is not None}


if __name__ == "__main__":
    sys.stdout.write(json_schema())
