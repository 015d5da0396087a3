"""Check values against a schema, and say what is wrong, in one sentence for each mistake."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from sfumato.config.fields import Conflict
from sfumato.config.mistakes import NOT_LISTED, NOT_NAMED, UNKNOWN_KEY
from sfumato.errors import InputError

Schema = TypeVar("Schema", bound=BaseModel)

_MAPPING = "must be a mapping of `key: value` lines"
_ALLOWED = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "string_too_short": "must be text that is not empty",
    "string_pattern_mismatch": (
        "must be made of letters, digits, '_', '.' and '-', and begin with a letter or digit"
    ),
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "mapping_type": _MAPPING,
    "is_instance_of": _MAPPING,
    "greater_than": "must be greater than {gt:.12g}",
    "greater_than_equal": "must be at least {ge:.12g}",
    "less_than": "must be less than {lt:.12g}",
    "less_than_equal": "must be at most {le:.12g}",
    "literal_error": "must be one of {expected}",
    "too_short": "needs at least {min_length} entries, not {actual_length}",
    "too_long": "takes at most {max_length} entries",
}


def validate(schema: type[Schema], values: object, prefix: str = "") -> Schema:
    """Build `schema` from `values`.

    Raises:
        InputError: a line for each mistake: the key's path after `prefix`, its value, what is
            allowed, and the nearest valid key or value where it looks like a typo.
    """
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        mistakes = [dict(mistake) for mistake in error.errors(include_url=False)]
        raise InputError(
            "\n".join(_sentence(schema, mistake, prefix) for mistake in _innermost(mistakes))
        ) from None


def nearest(word: object, known: Sequence[str]) -> str:
    """Return "; did you mean 'x'?" for the known word that looks most like `word`, or nothing."""
    close = get_close_matches(str(word), known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def one_of(known: Sequence[str]) -> str:
    """Write `must be one of 'a', 'b' or 'c'`."""
    if not known:
        return "must be left out: there is none to choose"
    *first, last = (repr(name) for name in known)
    return "must be one of " + (f"{', '.join(first)} or {last}" if first else last)


def show(value: object) -> str:
    """Write a value as it looks in YAML, cut to a readable length."""
    names = {None: "null", True: "true", False: "false"}
    text = names[value] if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def path_of(location: Sequence[str | int], prefix: str = "") -> str:
    """Write a location as `section.key[3]`."""
    path = prefix
    for part in (part for part in location if part != "[key]"):
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _innermost(mistakes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what only follows from a mistake further inside: a list short of its bad entry."""
    places = [mistake["loc"] for mistake in mistakes]
    return [
        mistake
        for mistake in mistakes
        if not any(
            place != mistake["loc"] and place[: len(mistake["loc"])] == mistake["loc"]
            for place in places
        )
    ]


def _sentence(schema: type[BaseModel], mistake: dict[str, Any], prefix: str) -> str:
    location, value, kind = mistake["loc"], mistake["input"], mistake["type"]
    context = mistake.get("ctx", {})
    if kind in (UNKNOWN_KEY, "extra_forbidden"):
        known = context.get("known") or list(_schema_at(schema, location[:-1]).model_fields)
        hint = nearest(location[-1], known) or f"; known here: {', '.join(known)}"
        return f"{path_of(location, prefix)}: unknown key (its value: {show(value)}){hint}"
    if kind == "missing":
        return f"{path_of(location, prefix)}: is missing"
    conflict = context.get("error")
    if isinstance(conflict, Conflict):
        location = (*location, conflict.field)
        value = _in_conflict(schema, location, value)
        return f"{path_of(location, prefix)}: {show(value)} {conflict}"
    if kind == NOT_NAMED:
        return f"{path_of(location, prefix)}: is missing; it {one_of(context['known'])}"
    if kind == NOT_LISTED:
        allowed = one_of(context["known"])
    else:
        allowed = str(_ALLOWED.get(kind, conflict or mistake["msg"])).format(**context)
    named = kind in (NOT_LISTED, "literal_error")
    hint = nearest(value, re.findall(r"'([^']*)'", allowed)) if named else ""
    return f"{path_of(location, prefix)}: {show(value)} {allowed}{hint}"


def _in_conflict(schema: type[BaseModel], location: Sequence[str | int], value: object) -> object:
    """Return the value that a conflict is about: what was given, or else its default."""
    field = location[-1]
    if isinstance(value, Mapping):
        if field in value:
            return value[field]
    elif hasattr(value, str(field)):
        return getattr(value, str(field))
    return _schema_at(schema, location[:-1]).model_fields[str(field)].default


def _schema_at(schema: Any, location: Sequence[str | int]) -> Any:  # noqa: ANN401
    """Follow a location from `schema` to the section it is in, through lists and mappings."""
    for part in location:
        if hasattr(schema, "model_fields"):
            schema = schema.model_fields[str(part)].annotation
        else:  # tuple[Section, ...] or dict[str, Section]
            schema = get_args(schema)[0 if isinstance(part, int) else -1]
    return schema
