"""Measurements: JSON files that say what made them, read as the model of what they must hold."""

import json
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ValidationError

from sfumato.config.fields import Section
from sfumato.config.validation import sentences
from sfumato.errors import InputError
from sfumato.records.opening import Opened, digest_of, open_record
from sfumato.records.outputs import file_aside
from sfumato.records.provenance import Record, origin_of


class Measurement(Section):
    """The content of a JSON file of the workflow: each kind is a class of its own."""

    provenance: Record
    """What made it."""

    @classmethod
    def of(cls, opened: Opened) -> Self:
        """Read this kind of measurement from an opened file.

        Raises:
            InputError: if the file holds another kind.
        """
        try:
            return cls.model_validate({**opened.content, "provenance": opened.record})
        except ValidationError as error:
            reason = sentences(cls, error).split("\n")[0]
            name = cls.__name__.lower()
            raise InputError(
                f"{opened.path}: this file is not a {name} of this workflow ({reason}): it is of "
                "another kind"
            ) from None

    @property
    def origin(self) -> dict[str, Any]:
        """Its digest and provenance, for the provenance of what is made from it."""
        return origin_of(digest_of(_plain(self, "provenance")), self.provenance)


Kind = TypeVar("Kind", bound=Measurement)


def load_measurement(schema: type[Kind], path: str | Path) -> Kind:
    """Read a measurement; an InputError says what is wrong with the file."""
    path = Path(path)
    return schema.of(open_record(path))


def save_measurement(path: str | Path, content: BaseModel) -> None:
    """Write a measurement, or another model, as JSON."""
    text = json.dumps(_plain(content), indent=2) + "\n"
    with file_aside(Path(path)) as part:
        part.write_text(text, encoding="utf-8")


def _plain(content: BaseModel, *left_out: str) -> dict[str, Any]:
    """Return a model as JSON's own values."""
    return content.model_dump(mode="json", exclude=set(left_out))
