"""Mistakes that pydantic has no type for, and mistakes that are raised again."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_core.core_schema import ErrorType

UNKNOWN_KEY, NOT_LISTED, NOT_NAMED = "unknown_key", "not_listed", "not_named"
LIMITS = "limits"
_OWN_WORDS = frozenset(get_args(ErrorType))


def mistake_in(
    key: str, kind: str, value: object, known: Sequence[str], owners: Sequence[str] = ()
) -> InitErrorDetails:
    """Describe a mistake in a key: unknown, missing, or of a value that is none of `known`.

    An unknown one may be a knob of other methods, its `owners`.
    """
    return _details(kind, {"known": list(known), "owners": list(owners)}, (key,), value)


def raise_all(title: str, mistakes: Sequence[InitErrorDetails]) -> None:
    """Raise a ValidationError of all mistakes, if there are any."""
    if mistakes:
        raise ValidationError.from_exception_data(title, list(mistakes))


def attempt(
    build: Callable[[], Any], knobs: type | None = None
) -> tuple[Any, list[InitErrorDetails]]:
    """Return what is built and no mistakes, or None and the mistakes, to be raised with others.

    Mistakes in `knobs`, which no section names, take along how their fields are limited.
    """
    try:
        return build(), []
    except ValidationError as error:
        return None, _details_of(error, getattr(knobs, "__pydantic_fields__", {}))


def _details_of(error: ValidationError, fields: Mapping[Any, Any]) -> list[InitErrorDetails]:
    """Return the mistakes of an error in the form in which they are raised again."""
    return [
        _details(
            each["type"],
            each.get("ctx", {}) | _limits(each["loc"], fields),
            each["loc"],
            each["input"],
        )
        for each in error.errors(include_url=False)
    ]


def _limits(location: tuple[int | str, ...], fields: Mapping[Any, Any]) -> dict[str, object]:
    field = fields.get(location[0]) if len(location) == 1 else None
    return {LIMITS: field.metadata} if field is not None and field.metadata else {}


def _details(
    kind: str, context: dict[str, object], location: tuple[int | str, ...], value: object
) -> InitErrorDetails:
    kept = kind in _OWN_WORDS and LIMITS not in context  # which pydantic's types would drop
    error = kind if kept else PydanticCustomError(kind, kind, context)  # type: ignore[arg-type]
    return InitErrorDetails(type=error, loc=location, input=value, ctx=context)
