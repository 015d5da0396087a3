"""An entry of `samples`, varied: every combination of the values that some settings take."""

from collections.abc import Mapping
from itertools import product
from typing import Any

from pydantic import Field

from sfumato.config.fields import NAME, Section
from sfumato.config.samples import SampleConfig, merge_entry
from sfumato.config.validation import path_of, show, validate
from sfumato.errors import InputError


class SweepConfig(Section):
    """`{of: ddim, over: {steps: [10, 20], eta: [0, 0.5]}}`: four points."""

    of: str
    """The entry of `samples` that is varied."""
    over: dict[str, list[Any]] = Field(default={})
    """For each setting of the entry that is varied, the values that it takes."""

    def points(
        self, entries: Mapping[str, SampleConfig], path: str = ""
    ) -> dict[str, SampleConfig]:
        """Return the entry of each combination, the last setting varying fastest.

        Args:
            entries: section `samples`.
            path: where this sweep is in the config, for messages.

        Returns:
            Entries by name: `ddim_steps_10_eta_0.5`.

        Raises:
            InputError: if `of` is no entry, no value is given, or an override is wrong.
        """
        if self.of not in entries:
            known = ", ".join(entries) or "none"
            raise InputError(f"{path}.of: {show(self.of)} must be an entry of samples: {known}")
        for key, values in self.over.items():
            if not values:
                raise InputError(f"{path}.over.{key}: [] needs at least 1 entries")
        base = entries[self.of].model_dump(mode="json")
        points = {}
        for values in product(*self.over.values()):
            varied = dict(zip(self.over, values, strict=True))
            name = "_".join([self.of, *(f"{key}_{value}" for key, value in varied.items())])
            if not NAME.fullmatch(name):
                raise InputError(f"{path}.over: {name!r} cannot be the name of a file")
            entry = merge_entry(base, _nested(varied))
            points[name] = validate(SampleConfig, entry, path_of(["over"], path))
        return points


def _nested(override: Mapping[str, Any]) -> dict[str, Any]:
    """Turn `guidance.scale: 3` into {guidance: {scale: 3}}."""
    nested: dict[str, Any] = {}
    for key, value in override.items():
        section, dot, inner = key.partition(".")
        nested[section] = {**nested.get(section, {}), inner: value} if dot else value
    return nested
