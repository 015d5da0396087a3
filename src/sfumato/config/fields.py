"""The kinds of value that a section holds, and the section itself."""

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import (
    AllowInfNan,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
)

from sfumato.config.calls import in_a_sentence
from sfumato.errors import InputError

_EXPONENT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+")


def plain(value: Any) -> Any:  # noqa: ANN401
    """Turn a number or a flag of NumPy's, or an array of one without axes, into Python's."""
    if isinstance(value, np.number):
        return value.item()
    if getattr(value, "shape", None) == () and hasattr(value, "item"):  # an array, perhaps jax's
        with suppress(Exception):  # jax traces it: then it is no number
            return value.item()
    return value


def _number(value: object) -> object:
    """Turn `1e-4`, which YAML 1.1 reads as text, into the number it means.

    Other text stays text, and is then refused: "50" in quotes was meant as text.
    """
    value = plain(value)
    if not (isinstance(value, str) and _EXPONENT.fullmatch(value)):
        return value
    number = float(value)
    return int(number) if number.is_integer() else number


Whole = Annotated[int, Strict(), BeforeValidator(_number)]
"""A whole number; `true`, `8.0` and "8" are not."""

Real = Annotated[float, Strict(), AllowInfNan(False), BeforeValidator(_number)]
"""A finite number, whole or not; `true` and "0.5" are not."""

Flag = Annotated[bool, Strict(), BeforeValidator(plain)]
"""`true` or `false`; `1` and "yes" are not."""

Seed = Annotated[Whole, Field(ge=0, le=2**32 - 1)]
"""A seed of random numbers, 0 .. 2^32 - 1."""

LONGEST = 150
"""Characters of a name: what files add to it must fit into the 255 bytes of theirs."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
Name = Annotated[str, Strict(), Field(pattern=f"^{NAME.pattern}$", max_length=LONGEST)]
"""A name that becomes part of a file's: letters, digits, '_', '.' and '-'."""


class Section(BaseModel):
    """A frozen mapping of settings in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    if not TYPE_CHECKING:  # who writes a call sees the settings, not this

        def __init__(self, *arguments: object, **settings: object) -> None:
            """Take the settings by name; an InputError names one that is wrong."""
            name = type(self).__name__
            if arguments:
                raise InputError(f"{name}: takes its settings by name, as in {self._example()}")
            try:
                super().__init__(**settings)
            except ValidationError as error:
                raise in_a_sentence(type(self), error) from None

        # So pydantic, which reads a section inside another one, does not call it.
        __init__.__pydantic_base_init__ = True

        def __setattr__(self, name: str, value: object) -> None:
            """Refuse to change a setting."""
            raise InputError(f"{type(self).__name__}.{name}: is not changed; make a new section")

    @classmethod
    def _example(cls) -> str:
        return f"{cls.__name__}({next(iter(cls.model_fields), 'name')}=...)"


class Conflict(ValueError):
    """Settings that are valid alone and conflict together; `field` is the one to report."""

    def __init__(self, field: str, reason: str) -> None:
        """Report `reason`, which continues a sentence that begins with `field`."""
        super().__init__(reason)
        self.field = field
