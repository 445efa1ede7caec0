"""Why a value of a setting or an option is refused, in words of this project and not in those of pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_BY_TYPE = {
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be {le} or less",
    "multiple_of": "must be a multiple of {multiple_of}",
    "finite_number": "must be a finite number",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "too_short": "must have {min_length} values or more",
    "too_long": "must have {max_length} values or fewer",
    "string_too_short": "must not be empty",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "is too large",
    "missing_argument": "must have one value more",
}
_BY_KIND = {
    "int": "must be a whole number",
    "float": "must be a number",
    "bool": "must be true or false",
    "string": "must be text",
    "list": "must be a list, such as [1, 2] or ['a', 'b']",
    "tuple": "must be a list, such as [1, 2] or ['a', 'b']",
    "dict": "must be a table",
    "model": "must be a table",
    "path": "must be a path",
}
_OWN = "value_error"


def refusal(mistake: Mapping[str, Any]) -> str:
    """Say why a value is refused: `must be 1 or more`; a validator of this project says so in its own words.

    Args:
        mistake: One of `ValidationError.errors()`.
    """
    kind, context = str(mistake["type"]), dict(mistake.get("ctx") or {})
    if kind == _OWN:
        text = str(context.get("error", mistake["msg"]))
        return f"{text[:1].lower()}{text[1:]}" if text[1:2].islower() else text  # a name keeps its letters
    if kind in _BY_TYPE:
        return _BY_TYPE[kind].format(**context)
    return _BY_KIND.get(kind.partition("_")[0], "is not a value of this setting")
