"""The whole config: `targets`, `defaults`, and `experiments` that override them."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, create_model

from sfumato.config.checks import check_across
from sfumato.config.data import DataConfig
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.evaluation import EvaluationConfig
from sfumato.config.fields import Section, Whole
from sfumato.config.forward import ForwardConfig
from sfumato.config.model import UNetConfig
from sfumato.config.render import RenderConfig
from sfumato.config.sampling import SamplingConfig, sampler_section
from sfumato.config.fields import Seed
from sfumato.config.training import TrainingConfig
from sfumato.config.trajectory import TrajectoryConfig
from sfumato.config.validation import nearest, show, validate
from sfumato.config.weights import WeightsConfig
from sfumato.errors import InputError
from sfumato.samplers import SAMPLERS

SAMPLES_FIGURES = tuple(f"{sampler}_samples.png" for sampler in SAMPLERS)
DEFAULT_FIGURES = ("forward.png", *SAMPLES_FIGURES, "trajectory.png", "trajectory.gif")
FIGURES = (*DEFAULT_FIGURES, "speed.png", "training.png", "quality_vs_nfe.png", "nearest.png")
TIMED = (
    "speed.png",
    "quality_vs_nfe.png",
)  # figures that show times, which no second build repeats
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class _Sections(Section):
    """The sections of an experiment but for the samplers'."""

    figures: tuple[Literal[FIGURES], ...] = Field(default=DEFAULT_FIGURES, min_length=1)  # type: ignore[valid-type]
    shards: Whole = Field(default=1, ge=1, le=100_000)
    seed: Seed = 0
    data: DataConfig = DataConfig()
    model: UNetConfig = UNetConfig()
    diffusion: DiffusionConfig = DiffusionConfig()
    weights: WeightsConfig = WeightsConfig()
    training: TrainingConfig = TrainingConfig()
    forward: ForwardConfig = ForwardConfig()
    sampling: SamplingConfig = SamplingConfig()
    trajectory: TrajectoryConfig = TrajectoryConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    render: RenderConfig = RenderConfig()


_SAMPLER_SECTIONS: dict[str, Any] = {
    name: (section, section()) for name in SAMPLERS for section in [sampler_section(name)]
}
Experiment = create_model("Experiment", __base__=_Sections, **_SAMPLER_SECTIONS)
"""One experiment, every setting filled in."""


class _File(Section):
    """The top level of a config file."""

    targets: list[str] = Field(min_length=1)
    defaults: dict[str, Any] = {}
    experiments: dict[str, dict[str, Any] | None] = Field(min_length=1)


class _StrictLoader(yaml.SafeLoader):
    """YAML in which a key stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping; PyYAML itself lets the last of several equal keys win."""
        seen = set()
        for key_node, _ in node.value:
            key = (key_node.tag, str(key_node.value))
            if key in seen:
                line = key_node.start_mark.line + 1
                raise InputError(f"the key {key[1]!r} stands twice, the second time in line {line}")
            seen.add(key)
        return super().construct_mapping(node, deep)


_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What PyYAML lets pass of a date, a tag or a nesting that it cannot read."""


def check_file(path: Path) -> None:
    """Raise an InputError unless `path` is a YAML mapping with no key twice."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from None
    except OSError as error:
        raise InputError(f"{path.name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: this is not a text file in UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "unreadable"
        raise InputError(f"{path.name}: this is not YAML: {problem}{where}") from None
    except _UNREADABLE as error:
        raise InputError(f"{path.name}: a value cannot be read: {str(error)[:80]}") from None
    if _is_circular(content):
        raise InputError(f"{path.name}: a group contains itself, through an alias (*)")
    if not isinstance(content, dict):
        kind = "empty" if content is None else f"a {type(content).__name__}"
        raise InputError(
            f"{path.name}: is {kind}; it must hold the keys targets, defaults and experiments"
        )


def with_typed_arguments(raw: Mapping[str, Any], arguments: Sequence[str]) -> dict[str, Any]:
    """Lay the `key=value` of Snakemake's --config over `raw`, read as YAML at every depth.

    Snakemake itself hands on numbers below the first level as text.
    """
    merged = dict(raw)
    for argument in arguments:
        key, _, text = argument.partition("=")
        try:
            merged = _merge(merged, {key: yaml.safe_load(text)})
        except (yaml.YAMLError, *_UNREADABLE):
            raise InputError(f"--config {argument}: this is not YAML after the =") from None
    return merged


def resolve(raw: object) -> tuple[list[str], dict[str, _Sections]]:
    """Check a whole config and fill in every experiment.

    Args:
        raw: the config as read: targets, defaults, experiments.

    Returns:
        The targets, and the experiments by name.

    Raises:
        InputError: a line for each mistake, with the key's full path.
    """
    misplaced = set(Experiment.model_fields) & set(raw if isinstance(raw, dict) else ())
    if misplaced:
        key = sorted(misplaced)[0]
        raise InputError(f"{key}: belongs under defaults or under an experiment, not at the top")
    file = validate(_File, raw)
    built_in = Experiment().model_dump()
    defaults = _fill(_merge(built_in, file.defaults), "defaults")
    experiments = {}
    for name, override in file.experiments.items():
        _check_name(name)
        merged = _merge(defaults, override or {})
        experiments[name] = _fill(merged, f"experiments.{name}")
    for i, target in enumerate(file.targets):
        if target not in experiments:
            known = list(experiments)
            hint = nearest(target, known) or f"; known: {', '.join(known)}"
            raise InputError(f"targets[{i}]: {show(target)} is not one of the experiments{hint}")
    return file.targets, experiments


def check_names(experiments: Collection[str], rules: Collection[str]) -> None:
    """Raise an InputError if an experiment, whose name will be a target, has the name of a rule."""
    for name in experiments:
        if name in rules:
            raise InputError(
                f"experiments.{name}: {show(name)} is the name of a rule; choose another name"
            )


def settings_of(experiment: _Sections, *keys: str) -> dict[str, Any]:
    """Pick `section` or `section.key` out of an experiment, as nested plain values."""
    everything = experiment.model_dump(mode="json")
    picked: dict[str, Any] = {}
    for key in keys:
        section, _, entry = key.partition(".")
        if entry:
            picked.setdefault(section, {})[entry] = everything[section][entry]
        else:
            picked[section] = everything[section]
    return picked


def leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Walk the paths, `section.key`, of all settings in nested values."""
    for key, value in values.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from leaves(value, f"{path}.")
        else:
            yield path


def _is_circular(content: object) -> bool:
    """Tell whether a value holds itself."""
    try:
        json.dumps(content, default=str, skipkeys=True)
    except (ValueError, RecursionError):
        return True
    return False


def _fill(values: dict[str, Any], prefix: str) -> Any:  # noqa: ANN401
    experiment = validate(Experiment, values, prefix)
    check_across(experiment, prefix)
    return experiment


def _merge(base: Any, override: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """Lay `override` over `base`, group by group; anything but a group replaces."""
    merged = dict(base if isinstance(base, Mapping) else base.model_dump())
    for key, value in override.items():
        inner = merged.get(key)
        groups = isinstance(inner, Mapping) and isinstance(value, Mapping)
        merged[key] = _merge(inner, value) if groups else value
    return merged


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(
            f"experiments.{name}: {show(name)} must be made of letters, digits, '_', '.' and '-', "
            "and begin with a letter or digit"
        )
