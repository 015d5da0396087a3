"""The settings of a stage, picked from an experiment."""

from typing import Any

from pydantic import BaseModel

from sfumato.records.stage import Stage


def settings_of(stage: Stage, experiment: Any) -> BaseModel | None:  # noqa: ANN401
    """Return what a stage reads of an experiment: the fields of its schema, and no others.

    A schema that declares a part of a section, a parent of its class, gets that part alone.
    """
    schema = stage.settings
    if schema is None:
        return None
    if pick := getattr(schema, "of", None):
        picked = pick(experiment)
    else:
        read = {name: getattr(experiment, name) for name in schema.model_fields}
        picked = schema.model_validate(read)
    return schema.model_validate(picked.model_dump())  # drops the other fields of a subclass
