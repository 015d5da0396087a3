"""Section `samples`: what is drawn, an entry for each set of samples."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)

from sfumato.config.diffusion import MOST_LEFT, DiffusionConfig
from sfumato.config.fields import Flag, Real, Section, Seed, Whole, plain
from sfumato.config.inputs import Input, named
from sfumato.config.labels import Labels
from sfumato.config.methods import Choice
from sfumato.config.mistakes import attempt, raise_all
from sfumato.diffusion.times import BY_LAMBDA, RHO, SPACINGS, Timed, spaced_timesteps
from sfumato.editing.base import Edit
from sfumato.guidance.base import OTHERS, Guidance
from sfumato.samplers.base import Sampler

SAMPLER = Choice("sampler", "samplers", Sampler)
GUIDANCE = Choice("method", "guidance", Guidance, others=OTHERS)
EDIT = Choice("kind", "editing", Edit)
DEFAULT_GUIDANCE = {"method": "classifier_free"}
Spacing: TypeAlias = Literal[tuple(SPACINGS)]  # type: ignore[valid-type]
"""Which times a chain shorter than diffusion.noise_steps visits."""


class ChainConfig(Section):
    """How a sample is drawn: by which sampler, with which knobs, in how many steps.

    The sampler's knobs are settings like the others: `{sampler: ddim, steps: 50, eta: 0.5}`.
    """

    sampler: Any
    """The step rule: the name of a file in `samplers/`. In Python, a `Sampler`."""
    steps: Whole | None = Field(default=None, ge=1)
    """Length of the chain; null for the sampler's own number, at most diffusion.noise_steps."""
    spacing: Spacing = "trailing"
    """Which times a chain shorter than diffusion.noise_steps visits, see `diffusion/times.py`;
    logsnr and karras may visit fewer than `steps`."""
    rho: Real = Field(default=RHO, ge=1, le=100)
    """Of spacing karras: the larger, the more times have little noise."""
    clip: Flag | Literal["dynamic"] = True
    """Clip each prediction of x_0 to [-1, 1]; `dynamic` scales it into that range first, and
    clips what is larger than most of it."""
    percentile: Real = Field(default=99.5, gt=0, le=100)
    """Of clip dynamic: the percentage of an image's pixels that is scaled and not clipped."""
    labels: Labels | None = None
    """Classes that are asked for, one or several in turn, from 0 to model.num_classes - 1; -1 is no
    class. random draws one for each sample; null asks for none."""
    guidance: Any = None
    """`{method: NAME, ...}`, a file in `guidance/` and its knobs; null for none. Without a method
    it is classifier_free."""
    edit: Any = None
    """`{kind: NAME, ...}`, a file in `editing/` and its knobs; null to draw from noise alone."""
    seed: Seed | None = None
    """Sampling seed; null for that of the experiment."""

    def length(self, noise_steps: int) -> int:
        """Return the number of steps; where none is given, the sampler's own, at most all."""
        if self.steps is not None:
            return self.steps
        return min(self.sampler.default_steps or noise_steps, noise_steps)

    def filled(self, noise_steps: int) -> Self:
        """Return the same with a number of steps."""
        return self.model_copy(update={"steps": self.length(noise_steps)})

    @property
    def inputs(self) -> dict[str, Input]:
        """The files that guidance and edit read, by name."""
        methods = (self.guidance, self.edit)
        return {name: each for m in methods if m for name, each in m.inputs().items()}

    def named(self, names: Mapping[str, str]) -> Self:
        """Return the same with other names of the user's files of the edit, by their paths."""
        return self.model_copy(update={"edit": named(self.edit, names)}) if names else self

    def times(self, schedule: Timed) -> np.ndarray:
        """Return the times that the chain visits, (N,) int32, falling."""
        return spaced_timesteps(
            schedule.noise_steps,
            self.length(schedule.noise_steps),
            self.spacing,
            lambdas=schedule.log_ratios() if self.spacing in BY_LAMBDA else None,
            rho=self.rho,
        )

    def merged(self, schedule: Timed) -> str:
        """Say that the chain has fewer steps than asked for; nothing if it has not."""
        asked, times = self.length(schedule.noise_steps), len(self.times(schedule))
        if times == asked:
            return ""
        return (
            f"{self.spacing} makes {times} steps of {asked}, since some of its times fall on one "
            "noise step, which is visited once"
        )

    def remarks(self, diffusion: DiffusionConfig) -> Iterator[tuple[str, str]]:
        """Yield what is valid and hardly meant: the setting, and what it does; none of an edit."""
        if self.edit is not None:
            return
        alpha_bars, times = diffusion.rates()[0] ** 2, self.times(diffusion)
        first = int(times[0])
        if alpha_bars[-1] <= MOST_LEFT < alpha_bars[first]:
            yield (
                "spacing",
                f"with {self.spacing} the chain starts at t = {first}, where alpha_bar is "
                f"{alpha_bars[first]:.3g}, and from pure noise; use trailing, or more steps",
            )
        interval = getattr(self.guidance, "interval", None)
        if interval and not any(interval[0] <= t <= interval[1] for t in times):
            nearest = min(times, key=lambda t: min(abs(int(t) - end) for end in interval))
            yield (
                "guidance.interval",
                f"{list(interval)} holds none of the times that the chain visits, so nothing is "
                f"guided; the nearest is {nearest}",
            )

    @model_validator(mode="wrap")
    @classmethod
    def _split(cls, values: Any, build: ModelWrapValidatorHandler[Self]) -> Self:  # noqa: ANN401
        """Hand the sampler its knobs; what is wrong with either part is reported together."""
        if not isinstance(values, Mapping) or isinstance(values.get("sampler"), Sampler):
            return build(values)
        shared = tuple(cls.model_fields)
        own = {key: value for key, value in values.items() if key in shared}
        knobs = {key: value for key, value in values.items() if key not in own}
        chosen = {key: values[key] for key in ("sampler",) if key in values} | knobs
        sampler, wrong = attempt(lambda: SAMPLER.build(chosen, shared))
        entry, also_wrong = attempt(lambda: build({**own, "sampler": sampler}))
        raise_all(cls.__name__, [*wrong, *also_wrong])
        return entry

    @model_serializer(mode="wrap")
    def _flat(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {**SAMPLER.dump(self.sampler), **dump(self)}

    @field_serializer("sampler")
    def _sampler_name(self, sampler: Sampler) -> str:
        return SAMPLER.name_of(sampler)

    @field_validator("clip", mode="before")
    @classmethod
    def _check_clip(cls, value: object) -> object:
        value = plain(value)
        if not isinstance(value, bool) and value != "dynamic":
            raise ValueError("must be true, false or 'dynamic'")
        return value

    @field_validator("guidance", mode="before")
    @classmethod
    def _build_guidance(cls, value: object) -> object:
        if value is None or isinstance(value, Guidance):
            return value
        if not isinstance(value, Mapping):
            raise ValueError("must be a mapping of knobs, such as scale: 3, or null")
        return GUIDANCE.build({**DEFAULT_GUIDANCE, **value})

    @field_serializer("guidance")
    def _dump_guidance(self, guidance: Guidance | None) -> dict[str, Any] | None:
        return guidance and GUIDANCE.dump(guidance)

    @field_validator("edit", mode="before")
    @classmethod
    def _build_edit(cls, value: object) -> object:
        if value is None or isinstance(value, Edit):
            return value
        if not isinstance(value, Mapping):
            raise ValueError("must be a mapping with the key kind, or null")
        return EDIT.build(value)

    @field_serializer("edit")
    def _dump_edit(self, edit: Edit | None) -> dict[str, Any] | None:
        return edit and EDIT.dump(edit)


class SampleConfig(ChainConfig):
    """An entry: how samples are drawn, and how many."""

    n_samples: Whole = Field(default=8, ge=1, le=10_000_000)
    """How many samples are drawn."""


def merge_entry(base: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    """Override the settings of one entry; another sampler drops the old knobs."""
    for key, choice, usual in (("guidance", GUIDANCE, DEFAULT_GUIDANCE), ("edit", EDIT, {})):
        method, changed = base.get(key), override.get(key)
        if isinstance(method, Mapping) and isinstance(changed, Mapping):
            override = {**override, key: choice.merge({**usual, **method}, changed, shared=())}
    return SAMPLER.merge(base, override, shared=tuple(SampleConfig.model_fields))
