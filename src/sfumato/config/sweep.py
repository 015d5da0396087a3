"""An entry of `samples`, varied: every combination of the values that some settings take."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import product
from math import prod
from typing import Any

from pydantic import Field

from sfumato.config.fields import NAME, Section
from sfumato.config.samples import SampleConfig, merge_entry
from sfumato.config.validation import path_of, show, validate
from sfumato.errors import InputError

MOST_POINTS = 1000
"""Of one sweep."""


class SweepConfig(Section):
    """`{of: ddim, over: {steps: [10, 20], eta: [0, 0.5]}}`: four points."""

    of: str
    """The entry of `samples` that is varied."""
    over: dict[str, list[Any]] = Field(default={})
    """For each setting of the entry that is varied, the values that it takes."""

    def combinations(
        self, entries: Mapping[str, SampleConfig], path: str = ""
    ) -> Iterator[tuple[dict[str, Any], SampleConfig]]:
        """Yield the combinations of the values, with their entries, the last setting fastest.

        Args:
            entries: section `samples`.
            path: where this sweep is in the config, for messages.

        Raises:
            InputError: if `of` is no entry, there is no value, a combination too many, or an
                override is wrong.
        """
        if self.of not in entries:
            known = ", ".join(entries) or "none"
            raise InputError(f"{path}.of: {show(self.of)} must be an entry of samples: {known}")
        for key, values in self.over.items():
            if not values:
                raise InputError(f"{path}.over.{key}: [] needs at least 1 entries")
        if (count := prod(map(len, self.over.values()))) > MOST_POINTS:
            raise InputError(f"{path}.over: {count} combinations must be at most {MOST_POINTS}")
        base = entries[self.of].model_dump(mode="json")
        for values in product(*self.over.values()):
            varied = dict(zip(self.over, values, strict=True))
            entry = merge_entry(base, _nested(varied))
            yield varied, validate(SampleConfig, entry, path_of(["over"], path))

    def points(
        self, entries: Mapping[str, SampleConfig], path: str = ""
    ) -> dict[str, SampleConfig]:
        """Return the entry of each combination by its name as a run: `ddim_steps_10_eta_0.5`.

        Where that cannot be the name of a file, it is a digest, `ddim_1f0c2a9b83de`.

        Raises:
            InputError: as `combinations` does.
        """
        points = {}
        for varied, entry in self.combinations(entries, path):
            name = "_".join([self.of, *(f"{key}_{value}" for key, value in varied.items())])
            if not NAME.fullmatch(name):  # of a list, a mapping or a path
                name = f"{self.of}_{sha256(name.encode()).hexdigest()[:12]}"
            points[name] = entry
        return points


def merge_sweep(base: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    """Override a sweep: another `of` drops the old `over`.

    An `over` replaces the old one as a whole: what it says is all that is varied.
    """
    same = override.get("of", base.get("of")) == base.get("of")
    return {**(base if same else {}), **override}


def _nested(override: Mapping[str, Any]) -> dict[str, Any]:
    """Turn `guidance.scale: 3` into {guidance: {scale: 3}}."""
    nested = {key: value for key, value in override.items() if "." not in key}
    for key in [key for key in override if "." in key]:
        section, _, inner = key.partition(".")
        inside = nested.get(section)
        nested[section] = {**(inside if isinstance(inside, Mapping) else {}), inner: override[key]}
    return nested
