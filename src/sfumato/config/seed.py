"""The top-level key `seed`."""

from typing import Annotated

from pydantic import Field

from sfumato.config.fields import Whole

Seed = Annotated[Whole, Field(ge=0, le=2**32 - 1)]
"""Where all random numbers of an experiment come from."""
