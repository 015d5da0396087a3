"""Settings as text: equal ones share one."""

import json

from pydantic import BaseModel


def canonical(values: object) -> str:
    """Write values as the one JSON text that equal values share."""
    if isinstance(values, BaseModel):
        values = values.model_dump(mode="json")
    return json.dumps(values, sort_keys=True, separators=(",", ":"))
