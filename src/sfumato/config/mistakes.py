"""Mistakes that pydantic has no type for, and mistakes that are raised again."""

from collections.abc import Callable, Sequence
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_core.core_schema import ErrorType

UNKNOWN_KEY, NOT_LISTED, NOT_NAMED = "unknown_key", "not_listed", "not_named"
_OWN_WORDS = frozenset(get_args(ErrorType))


def unknown_key(key: str, value: object, known: Sequence[str]) -> InitErrorDetails:
    """Describe an unknown key; `known` are those that could have been meant."""
    return _details(UNKNOWN_KEY, {"known": list(known)}, (key,), value)


def not_listed(key: str, value: object, known: Sequence[str]) -> InitErrorDetails:
    """Describe a name that is none of `known`."""
    return _details(NOT_LISTED, {"known": list(known)}, (key,), value)


def not_named(key: str, values: object, known: Sequence[str]) -> InitErrorDetails:
    """Describe a key that is missing and must name one of `known`."""
    return _details(NOT_NAMED, {"known": list(known)}, (key,), values)


def raise_all(title: str, mistakes: Sequence[InitErrorDetails]) -> None:
    """Raise a ValidationError of all mistakes, if there are any."""
    if mistakes:
        raise ValidationError.from_exception_data(title, list(mistakes))


def attempt(build: Callable[[], Any]) -> tuple[Any, list[InitErrorDetails]]:
    """Return what is built and no mistakes, or None and the mistakes, to be raised with others."""
    try:
        return build(), []
    except ValidationError as error:
        return None, _details_of(error)


def _details_of(error: ValidationError) -> list[InitErrorDetails]:
    """Return the mistakes of an error in the form in which they are raised again."""
    return [
        _details(each["type"], each.get("ctx", {}), each["loc"], each["input"])
        for each in error.errors(include_url=False)
    ]


def _details(
    kind: str, context: dict[str, object], location: tuple[int | str, ...], value: object
) -> InitErrorDetails:
    error = kind if kind in _OWN_WORDS else PydanticCustomError(kind, kind, context)  # type: ignore[arg-type]
    return InitErrorDetails(type=error, loc=location, input=value, ctx=context)
