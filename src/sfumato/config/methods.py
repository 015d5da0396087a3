"""Settings that choose a method by name and then hold that method's own knobs.

`{sampler: ddim, eta: 0.5}` names a file of the room `samplers`; the other keys are the fields of
the class that the file defines. Nothing lists the methods: a new file is a new choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from pydantic import BaseModel, TypeAdapter

from sfumato.config.listing import find, names
from sfumato.config.mistakes import (
    NOT_LISTED,
    NOT_NAMED,
    UNKNOWN_KEY,
    attempt,
    mistake_in,
    raise_all,
)
from sfumato.errors import InputError


@dataclass(frozen=True)
class Choice:
    """One place of the config where a method is chosen.

    Attributes:
        key: the setting that names the method.
        room: the folder whose files are the methods.
        base: the class from which each method's knobs derive.
        suffix: of the file that holds the knobs, where it is not the method's own.
        others: files of the room that hold no method.
    """

    key: str
    room: str
    base: type
    suffix: str = ""
    others: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        """The names of the methods that there are."""
        files = names(self.room, *self.others)
        return tuple(name for name in files if not self.suffix or f"{name}{self.suffix}" in files)

    def name_of(self, chosen: object) -> str:
        """Return the name of the method whose knobs these are."""
        return type(chosen).__module__.rpartition(".")[2].removesuffix(self.suffix)

    def knobs_of(self, name: str) -> type:
        """Return the class of a method's knobs."""
        knobs = find(self.room, f"{name}{self.suffix}", self.base)
        if issubclass(knobs, BaseModel) and knobs.model_fields[self.key].default != name:
            raise InputError(
                f"sfumato/{self.room}/{name}{self.suffix}.py: {knobs.__name__} must say "
                f'{self.key}: str = "{name}"'
            )
        return knobs

    def fields_of(self, name: str) -> tuple[str, ...]:
        """Return the names of a method's knobs, without the key that names the method."""
        knobs = self.knobs_of(name)
        if issubclass(knobs, BaseModel):
            return tuple(field for field in knobs.model_fields if field != self.key)
        return tuple(field.name for field in fields(knobs) if field.init)

    def dump(self, chosen: object) -> dict[str, Any]:
        """Write a method as the config does: its name, then its knobs."""
        knobs = TypeAdapter(type(chosen)).dump_python(chosen, mode="json")
        return {self.key: self.name_of(chosen), **knobs}

    def build(self, values: Mapping[str, Any], shared: tuple[str, ...] = ()) -> Any:  # noqa: ANN401
        """Build a method's knobs from `{key: name, knob: value, ...}`.

        Args:
            values: the settings.
            shared: other settings of the same mapping, to name where a key is unknown.

        Raises:
            ValidationError: with one mistake for each key that is wrong.
        """
        if self.key not in values:
            raise_all(self.room, [mistake_in(self.key, NOT_NAMED, values, self.known)])
        name = values[self.key]
        if name not in self.known:
            self._check_files(str(name))
            raise_all(self.room, [mistake_in(self.key, NOT_LISTED, name, self.known)])
        knobs, known = self.knobs_of(str(name)), self.fields_of(str(name))
        self._check_names(str(name), known, shared)
        mistakes = [
            mistake_in(
                key,
                UNKNOWN_KEY,
                value,
                tuple(dict.fromkeys((self.key, *shared, *known))),
                [each for each in self.known if key in self.fields_of(each)],
            )
            for key, value in values.items()
            if key not in (self.key, *known)
        ]
        given = {key: value for key, value in values.items() if key in known}
        built, wrong = attempt(lambda: TypeAdapter(knobs).validate_python(given), knobs)
        raise_all(self.room, [*wrong, *mistakes])
        return built

    def _check_files(self, name: str) -> None:
        """Raise an InputError if one of the two files of a method is there without the other."""
        there = {name, f"{name}{self.suffix}"} & {*names(self.room, *self.others)}
        for file in there if self.suffix else ():
            other = name if file != name else f"{name}{self.suffix}"
            raise InputError(f"sfumato/{self.room}/{other}.py: is missing, beside {file}.py")

    def _check_names(self, name: str, known: tuple[str, ...], shared: tuple[str, ...]) -> None:
        """Raise an InputError if a knob would never be reached, by the name of a shared setting."""
        for knob in (knob for knob in known if knob in shared):
            raise InputError(
                f"sfumato/{self.room}/{name}{self.suffix}.py: {knob} is a setting of every entry, "
                "and no knob can have its name; rename the knob"
            )

    def merge(
        self, base: Mapping[str, Any], override: Mapping[str, Any], shared: tuple[str, ...]
    ) -> dict[str, Any]:
        """Override settings; another method drops the knobs of the old one.

        Args:
            base: the settings overridden.
            override: what replaces some of them.
            shared: settings that every method has, which stay.
        """
        if override.get(self.key, base.get(self.key)) != base.get(self.key):
            base = {key: value for key, value in base.items() if key in shared}
        return {**base, **override}
