"""Whether a value is as a JSON schema says."""

import math
from collections.abc import Mapping
from typing import Any


def misfit(value: object, schema: Mapping[str, Any], at: str = "the answer") -> str:
    """What is wrong with a value and where, without the value itself; empty if it fits.

    Knows `type`, `enum`, `properties`, `required`, `additionalProperties = false` and `items`; other words of a schema bind nobody.
    """
    kind = schema.get("type")
    if kind is not None and not _is_a(value, kind):
        return f"{at} is {_named(value)}, expected {kind}"
    if "enum" in schema and not any(value == each and type(value) is type(each) for each in schema["enum"]):
        return f"{at} is none of the {len(schema['enum'])} values that it may be"
    if isinstance(value, dict):
        return _misfit_inside(value, schema, at)
    if isinstance(value, list) and "items" in schema:
        return next(filter(None, (misfit(each, schema["items"], f"{at}[{number}]") for number, each in enumerate(value))), "")
    return ""


def _misfit_inside(value: Mapping[str, object], schema: Mapping[str, Any], at: str) -> str:
    known: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    missing = [name for name in schema.get("required", ()) if name not in value]
    if missing:
        return f"{at} has no `{missing[0]}`"
    unknown = sum(name not in known for name in value)
    if unknown and schema.get("additionalProperties") is False:
        return f"{at} has {unknown} more members than the expected {', '.join(f'`{name}`' for name in known)}"
    return next(filter(None, (misfit(value[name], inner, f"{at}.{name}") for name, inner in known.items() if name in value)), "")


def _is_a(value: object, kind: str) -> bool:
    match kind:
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        case "string":
            return isinstance(value, str) and _is_text(value)
        case _:
            return _named(value) == kind


def _is_text(value: str) -> bool:
    """Half of a surrogate pair can be escaped in JSON, but not be written anywhere."""
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _named(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
