"""Entries as the stages see them that put points side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sfumato.workflow.reading import known

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment
    from sfumato.config.narrowing import Varied
    from sfumato.config.samples import SampleConfig


def by_content(varied: Varied, entries: dict[str, SampleConfig]) -> dict[str, SampleConfig]:
    """Return entries that name the files of the user's by their content, as drawing does.

    Raises:
        InputError: if one is not there, or is not what its entry needs.
    """
    seen: Experiment = replace(varied, samples=entries)  # type: ignore[assignment]
    return known(seen)
