"""The settings that the workflow hands to a script."""

import json

from sfumato.config.validation import Schema, validate
from sfumato.errors import InputError


def read_settings(schema: type[Schema], text: str) -> Schema:
    """Build a script's settings from JSON text.

    Raises:
        InputError: for text that is not JSON, for an unknown or missing section or key, and for
            values that are wrong.
    """
    try:
        values = json.loads(text, object_pairs_hook=_mapping)
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(f"--config: this is not JSON ({error}): {text[:60]}") from None
    return validate(schema, values)


def _mapping(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object of JSON text as a mapping, if no key is there twice."""
    values = dict(pairs)
    if len(values) < len(pairs):
        key = next(key for i, (key, _) in enumerate(pairs) if key in dict(pairs[:i]))
        raise InputError(f"--config: {key} is there twice; write it once")
    return values
