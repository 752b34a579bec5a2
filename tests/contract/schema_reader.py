"""Tests: as much of JSON Schema 2020-12 as the contract's schema uses, to read it by."""

import re

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "number": (int, float),
    "integer": int,
}

LEAVES = {
    "type": lambda value, name: (
        name == "boolean" if isinstance(value, bool) else isinstance(value, TYPES[name])
    ),
    "required": lambda value, names: not isinstance(value, dict) or names_in(value, names),
    "enum": lambda value, allowed: value in allowed,
    "maxItems": lambda value, most: not isinstance(value, list) or len(value) <= most,
    "maxLength": lambda value, most: not isinstance(value, str) or len(value) <= most,
    "minimum": lambda value, least: not isinstance(value, int | float) or value >= least,
    "pattern": lambda value, regex: not isinstance(value, str) or bool(re.search(regex, value)),
}

INNER = {
    "$ref": lambda value, name, root: satisfies(value, root["$defs"][name.split("/")[-1]], root),
    "anyOf": lambda value, some, root: any(satisfies(value, one, root) for one in some),
    "allOf": lambda value, every, root: all(satisfies(value, one, root) for one in every),
    "items": lambda value, inner, root: (
        not isinstance(value, list) or all(satisfies(item, inner, root) for item in value)
    ),
    "properties": lambda value, fields, root: (
        not isinstance(value, dict)
        or all(satisfies(value[name], fields[name], root) for name in fields.keys() & value.keys())
    ),
}

WITHOUT_FORCE = {"$schema", "$id", "$defs", "title", "description", "default", "examples", "format"}


def names_in(value, names):
    """Return whether an object has all these keys."""
    return set(names) <= value.keys()


def satisfies(value, schema, root):
    """Return whether a value satisfies a schema; an unknown keyword is an error of the test."""
    keywords = schema.keys() - WITHOUT_FORCE - {"if", "then"}
    if "if" in schema and satisfies(value, schema["if"], root):
        return satisfies(value, schema["then"], root)
    return all(
        LEAVES[keyword](value, schema[keyword])
        if keyword in LEAVES
        else INNER[keyword](value, schema[keyword], root)
        for keyword in keywords
    )
