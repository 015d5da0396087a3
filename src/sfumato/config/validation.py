"""Check values against a schema, and say what is wrong, in one sentence for each mistake."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from sfumato.config.elsewhere import belongs
from sfumato.config.fields import Conflict
from sfumato.config.mistakes import LIMITS, NOT_LISTED, NOT_NAMED, UNKNOWN_KEY
from sfumato.config.paths import shown
from sfumato.config.peers import called_here
from sfumato.errors import InputError

Schema = TypeVar("Schema", bound=BaseModel)

_MAPPING = "must be a mapping of `key: value` lines"
_ALLOWED = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a whole number of fewer digits",
    "float_type": "must be a number",
    "multiple_of": "must be a multiple of {multiple_of}",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "string_unicode": "must be text that UTF-8 can write",
    "invalid_key": "must be text, as every key",
    "string_too_short": "must be text that is not empty",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": (
        "must be made of letters from a to z, digits, '_', '.' and '-', and begin with a letter or "
        "digit"
    ),
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "mapping_type": _MAPPING,
    "is_instance_of": _MAPPING,
    "dataclass_type": _MAPPING,
    "dataclass_exact_type": _MAPPING,
    "recursion_loop": "must not contain itself",
    "multiple_argument_values": "is given a second time, by name",
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
        raise InputError(sentences(schema, error, prefix)) from None


def sentences(schema: type, error: ValidationError, prefix: str = "") -> str:
    """Return a line for each mistake of an error; `schema` is a section, or the knobs of a method.

    None of them is in pydantic's words, which speak of schemas and name a page on the web.
    """
    mistakes = [dict(mistake) for mistake in error.errors(include_url=False)]
    return "\n".join(_sentence(schema, mistake, prefix) for mistake in _innermost(mistakes))


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
    if value is None or isinstance(value, bool):
        text = names[value]
    else:
        text = str(value) if isinstance(value, date) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def path_of(location: Sequence[str | int], prefix: str = "") -> str:
    """Write a location as `section.key[3]`."""
    path = prefix
    for part in (part for part in location if part != "[key]"):
        name = shown(str(part)) or "''"
        path += f"[{part}]" if isinstance(part, int) else f".{name}" if path else name
    return path or "the top level"


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


def _sentence(schema: Any, mistake: dict[str, Any], prefix: str) -> str:  # noqa: ANN401
    location, value, kind = mistake["loc"], mistake["input"], mistake["type"]
    context = mistake.get("ctx", {})
    if not hasattr(schema, "model_fields"):
        known = _fields_of(schema)
        if kind == "unexpected_positional_argument":
            return f"{prefix}: {show(value)} is one too many: it takes {', '.join(known) or 'none'}"
        location = tuple(known[part] if isinstance(part, int) else part for part in location)
    if kind in (UNKNOWN_KEY, "extra_forbidden", "unexpected_keyword_argument"):
        known, key = context.get("known"), location[-1]
        section = None if known else _schema_at(schema, location[:-1])
        known = known or _fields_of(section)
        hint = called_here(key, known) or _owned(context.get("owners", ()))
        hint = hint or belongs(section, path_of(location[:-1], prefix), key, value)
        hint = hint or nearest(key, known) or f"; known here: {', '.join(known) or 'none'}"
        what = "argument" if kind == "unexpected_keyword_argument" else "key"
        return f"{path_of(location, prefix)}: unknown {what} (its value: {show(value)}){hint}"
    if kind in ("missing", "missing_argument"):
        return f"{path_of(location, prefix)}: is missing"
    conflict = context.get("error")
    if isinstance(conflict, Conflict):
        location = (*location, conflict.field)
        value = _in_conflict(schema, location, value)
        return f"{path_of(location, prefix)}: {show(value)} {conflict}"
    if isinstance(conflict, InputError):  # of the file of a method
        return f"{path_of(location, prefix)}: {conflict}"
    if kind == NOT_NAMED:
        return f"{path_of(location, prefix)}: is missing; it {one_of(context['known'])}"
    if kind == NOT_LISTED:
        allowed = one_of(context["known"])
    else:
        words = _ALLOWED.get(kind, conflict or "cannot be used here")
        allowed = str(words).format(**context)
        if kind in _BOUNDS:
            allowed += _other_bound(kind, context.get(LIMITS) or _limits_at(schema, location))
    return f"{path_of(location, prefix)}: {show(value)} {allowed}{_hint(kind, value, allowed)}"


def _owned(owners: Sequence[str]) -> str:
    return f"; it is a knob of {' and of '.join(owners)}" if owners else ""


def _hint(kind: str, value: object, allowed: str) -> str:
    """Say what may have been meant by a value that is not allowed, if that can be told."""
    if kind in (NOT_LISTED, "literal_error"):
        return nearest(value, re.findall(r"'([^']*)'", allowed))
    if kind in ("int_type", "float_type") and isinstance(value, str):
        number = value.strip().replace(",", ".")
        if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", number):
            return f"; write {number}"
    if kind in ("int_type", "float_type") and isinstance(value, list | tuple):
        return "; several values of a setting are a sweep"
    if kind in ("tuple_type", "list_type") and isinstance(value, str | int | float):
        return f"; write {show([value])}"
    if kind == "string_type" and isinstance(value, bool):
        return "; in quotes, yes, no, on and off are text"
    if kind == "string_type" and isinstance(value, int | float | date):
        return f"; in quotes, '{value}', it is"
    return "; {} is an empty one" if allowed == _MAPPING and value is None else ""


_BOUNDS = {
    "greater_than": "gt",
    "greater_than_equal": "ge",
    "less_than": "lt",
    "less_than_equal": "le",
}


def _other_bound(kind: str, limits: Sequence[Any]) -> str:
    """Say what the other end of the range is, where a number is beyond one end of it."""
    side = kind.partition("_")[0]
    others = [(each, _BOUNDS[each]) for each in _BOUNDS if each.partition("_")[0] != side]
    found = [
        _ALLOWED[each].removeprefix("must be").format(**{name: getattr(limit, name)})
        for each, name in others
        for limit in limits
        if getattr(limit, name, None) is not None
    ]
    return f" and{found[0]}" if found else ""


def _limits_at(schema: Any, location: Sequence[str | int]) -> Sequence[Any]:  # noqa: ANN401
    """Return how a setting is limited; nothing of a number in a list."""
    try:
        place = _schema_at(schema, location[:-1])
        return getattr(place, "__pydantic_fields__", {})[location[-1]].metadata
    except (LookupError, AttributeError):
        return ()


def _fields_of(schema: Any) -> tuple[str, ...]:  # noqa: ANN401
    """Return the names of the settings of a section, or of the knobs of a method."""
    if hasattr(schema, "model_fields"):
        return tuple(schema.model_fields)
    if not is_dataclass(schema):  # a record inside a record, which pydantic knows by its name alone
        return ()
    return tuple(field.name for field in fields(schema) if field.init)


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
            schema = _section_among(schema) if isinstance(schema, UnionType) else schema
        else:  # tuple[Section, ...] or dict[str, Section]
            known = get_args(schema)
            if not known:  # a record inside a record, see _fields_of
                return schema
            schema = _section_among(known[0 if isinstance(part, int) else -1])
    return schema


def _section_among(schema: Any) -> Any:  # noqa: ANN401
    """Return the section of `Section | str`, whatever else pydantic is told of it."""
    if get_origin(schema) is Annotated:
        schema = get_args(schema)[0]
    sections = [each for each in get_args(schema) if hasattr(each, "model_fields")]
    return sections[0] if sections else schema
