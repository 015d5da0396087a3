"""Read the settings that the workflow hands to a script."""

import json

from sfumato.config.checks import check_across
from sfumato.config.validation import Schema, validate
from sfumato.errors import InputError


def read_settings(schema: type[Schema], text: str) -> Schema:
    """Build a script's `schema`, whose fields are the sections it reads, from JSON text.

    Raises:
        InputError: for text that is not JSON, for a section or key too many or too few, and for
            values that are wrong alone or together.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"--config: this is not JSON ({error}): {text[:60]}") from None
    settings = validate(schema, values)
    check_across(settings)
    return settings


def canonical(settings: object) -> str:
    """Write settings as the one JSON text that equal settings share."""
    return json.dumps(settings, sort_keys=True, separators=(",", ":"))
