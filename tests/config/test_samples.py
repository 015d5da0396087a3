"""Entries of `samples`: how overrides are laid over them, and how a sweep varies them."""

import json
import sys
from types import ModuleType

import numpy as np
import pytest
from pydantic.dataclasses import dataclass

from sfumato.config import listing
from sfumato.config.checks import check_evaluation
from sfumato.config.fields import Real, Whole
from sfumato.config.resolve import resolve
from sfumato.config.samples import ChainConfig
from sfumato.config.validation import validate
from sfumato.errors import InputError
from sfumato.guidance.base import Guidance
from sfumato.samplers import DDIM, DDPM, DPMSolver


def samples(override, defaults=None):
    """Return the entries of an experiment that overrides defaults."""
    defaults = {"samples": defaults or {}}
    raw = {"targets": ["a"], "defaults": defaults, "experiments": {"a": {"samples": override}}}
    return resolve(raw)[1]["a"].samples


def refused(override, defaults=None):
    with pytest.raises(InputError) as caught:
        samples(override, defaults)
    return str(caught.value)


def test_an_override_changes_one_knob_and_keeps_the_others():
    entry = samples({"ddim": {"eta": 0.5}}, {"ddim": {"steps": 7, "n_samples": 3}})["ddim"]
    assert (entry.sampler, entry.steps, entry.n_samples) == (DDIM(eta=0.5), 7, 3)


def test_another_sampler_drops_the_knobs_of_the_old_one_and_keeps_what_all_have():
    given = {"ddim": {"eta": 0.5, "steps": 7, "clip": False, "spacing": "leading", "seed": 4}}
    entry = samples({"ddim": {"sampler": "ddpm"}}, given)["ddim"]
    assert entry.sampler == DDPM()
    assert (entry.steps, entry.clip, entry.spacing, entry.seed) == (7, False, "leading", 4)
    assert samples({"ddim": {"sampler": "ddim"}}, given)["ddim"].sampler == DDIM(eta=0.5)
    said = refused({"ddim": {"sampler": "ddpm", "eta": 0.2}}, given)
    assert "samples.ddim.eta: unknown key (its value: 0.2)" in said


def test_entries_are_added_and_null_removes_one():
    found = samples({"ddpm": None, "few": {"sampler": "ddim", "steps": 2}})
    assert list(found) == ["ddim", "few"] and found["few"].n_samples == 8
    assert list(samples({"no such": None})) == ["ddpm", "ddim"]
    assert samples({"ddpm": None, "ddim": None}) == {}
    # Removed by the defaults, an entry is drawn again if an experiment describes it anew.
    assert samples({"ddpm": {"sampler": "ddpm"}}, {"ddpm": None})["ddpm"].sampler == DDPM()


def test_where_no_number_of_steps_is_given_the_sampler_has_its_own():
    entries = {"a": {"sampler": "ddim"}, "b": {"sampler": "ddpm"}, "ddim": {"steps": None}}
    assert [samples(entries)[name].steps for name in ("a", "b", "ddim")] == [50, 1000, 50]
    raw = {"diffusion": {"noise_steps": 20}, "samples": {"ddpm": None, "ddim": {"steps": None}}}
    few = resolve({"targets": ["a"], "experiments": {"a": raw | {"forward": {"timesteps": [0]}}}})
    assert few[1]["a"].samples["ddim"].steps == 20  # no more than there are


def test_an_entry_is_dumped_flat_and_read_again():
    entry = samples({"ddim": {"eta": 0.5}})["ddim"]
    dumped = entry.model_dump(mode="json")
    expected = {"sampler": "ddim", "eta": 0.5, "steps": 50, "spacing": "trailing", "rho": 7.0}
    expected |= {"clip": True, "percentile": 99.5, "labels": None, "guidance": None}
    assert dumped == expected | {"edit": None, "seed": None, "n_samples": 8}
    assert type(entry).model_validate(dumped) == entry


@pytest.mark.parametrize("clip", [1, "yes", "dynamics", None, 0.5])
def test_a_clip_that_there_is_not(clip):
    said = refused({"ddim": {"clip": clip}})
    assert said.endswith("must be true, false or 'dynamic'") and "samples.ddim.clip: " in said
    assert samples({"ddim": {"clip": "dynamic"}})["ddim"].clip == "dynamic"


@dataclass(frozen=True)
class Weak(Guidance):
    """A method with two knobs."""

    scale: Real = 1.0
    until: Real = 0.5

    def predict(self, denoise, schedule, x_t, t, given):
        return denoise(x_t, t, given)


@dataclass(frozen=True)
class Strong(Guidance):
    """A method with another one."""

    power: Whole = 2

    def predict(self, denoise, schedule, x_t, t, given):
        return denoise(x_t, t, given)


@pytest.fixture
def two_guidances(monkeypatch):
    """Let the room hold two files more, `weak.py` and `strong.py`."""
    for method in (Weak, Strong):
        module = ModuleType(f"sfumato.guidance.{method.__name__.lower()}")
        monkeypatch.setattr(method, "__module__", module.__name__)
        monkeypatch.setattr(module, method.__name__, method, raising=False)
        monkeypatch.setitem(sys.modules, module.__name__, module)

    def names(room, *others):
        return ("strong", "weak") if room == "guidance" else listing.names(room, *others)

    monkeypatch.setattr("sfumato.config.methods.names", names)


def test_guidance_is_laid_over_guidance_by_the_same_rules(two_guidances):
    given = {"ddim": {"guidance": {"method": "weak", "scale": 3, "until": 0.2}}}
    cases = {
        '{"scale": 4}': Weak(4.0, 0.2),
        '{"method": "strong"}': Strong(),
        '{"method": "strong", "power": 3}': Strong(3),
        "null": None,
    }
    for override, expected in cases.items():
        entry = samples({"ddim": {"guidance": json.loads(override)}}, given)["ddim"]
        assert entry.guidance == expected and entry.sampler == DDIM()
    dumped = samples({}, given)["ddim"].model_dump(mode="json")["guidance"]
    assert dumped == {"method": "weak", "scale": 3.0, "until": 0.2}
    same = samples({"ddim": {"sampler": "ddpm"}}, given)["ddim"]
    assert (same.sampler, same.guidance) == (DDPM(), Weak(3.0, 0.2))


@pytest.mark.parametrize(
    "knob", ["clip", "steps", "spacing", "rho", "seed", "labels", "guidance", "n_samples"]
)
def test_a_knob_that_no_entry_could_set(monkeypatch, knob):
    """Its value would go to the entry's own setting of that name, in silence."""
    module = ModuleType("sfumato.samplers.greedy")
    body = {"__annotations__": {knob: Real}, knob: 0.5, "__module__": module.__name__}
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(
        module, "Greedy", dataclass(frozen=True)(type(DDIM)("Greedy", (DDIM,), body)), raising=False
    )

    def names(room, *others):
        return ("ddim", "ddpm", "greedy") if room == "samplers" else listing.names(room, *others)

    monkeypatch.setattr("sfumato.config.methods.names", names)
    assert refused({"mine": {"sampler": "greedy"}}) == (
        f"experiments.a.samples.mine: sfumato/samplers/greedy.py: {knob} is a setting of every "
        "entry, and no knob can have its name; rename the knob"
    )
    listing.find.cache_clear()


def test_mistakes_in_guidance(two_guidances):
    for value, said in {
        '{"method": "waek"}': "guidance.method: 'waek' must be one of 'strong' or 'weak'; did you",
        '{"method": "weak", "sclae": 1}': "guidance.sclae: unknown key (its value: 1); did you me",
        '{"method": "weak", "scale": "4"}': "guidance.scale: '4' must be a number",
        "3": "guidance: 3 must be a mapping of knobs, such as scale: 3, or null",
    }.items():
        found = refused({"ddim": {"guidance": json.loads(value)}})
        assert found.startswith(f"experiments.a.samples.ddim.{said}"), found


def runs(*sweeps, entries=None):
    """Return the runs of an experiment whose evaluation has these sweeps."""
    settings = {"samples": entries or {}, "evaluation": {"runs": list(sweeps)}}
    experiment = resolve({"targets": ["a"], "experiments": {"a": settings}})[1]["a"]
    check_evaluation(experiment, "experiments.a")
    return experiment.runs


def test_a_sweep_is_every_combination_and_each_has_a_name():
    found = runs({"of": "ddim", "over": {"steps": [10, 20], "eta": [0, 0.5]}})
    assert {name: (run.steps, run.sampler) for name, run in found.items()} == {
        "ddim_steps_10_eta_0": (10, DDIM(0.0)),
        "ddim_steps_10_eta_0.5": (10, DDIM(0.5)),
        "ddim_steps_20_eta_0": (20, DDIM(0.0)),
        "ddim_steps_20_eta_0.5": (20, DDIM(0.5)),
    }


def test_a_sweep_varies_the_entry_of_the_experiment():
    """What the entry says holds for every run; a sweep over nothing is the entry itself."""
    entries = {"mine": {"sampler": "ddim", "eta": 0.3, "steps": 7, "clip": False}}
    found = runs({"of": "mine"}, {"of": "mine", "over": {"steps": [9]}}, entries=entries)
    assert {name: run.steps for name, run in found.items()} == {"mine": 7, "mine_steps_9": 9}
    assert all(run.sampler == DDIM(0.3) and not run.clip for run in found.values())


def test_a_sweep_over_samplers_drops_the_knobs_of_the_entry():
    found = runs({"of": "ddim", "over": {"sampler": ["ddim", "ddpm"]}})
    assert [run.sampler for run in found.values()] == [DDIM(), DDPM()]
    assert list(found) == ["ddim_sampler_ddim", "ddim_sampler_ddpm"]


@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        ({"of": "dim"}, ".of: 'dim' must be an entry of samples: ddpm, ddim"),
        ({"of": "ddim", "over": {"steps": []}}, ".over.steps: [] needs at least 1 entries"),
        ({"of": "ddim", "over": {"steps": [0]}}, ".over.steps: 0 must be at least 1"),
        ({"of": "ddim", "over": {"steps": [1001]}}, ".over.steps: 1001 must be at most diffusion."),
        ({"of": "ddpm", "over": {"eta": [0.5]}}, ".over.eta: unknown key (its value: 0.5)"),
        ({"of": "ddim", "over": {"sampler": ["euler"]}}, ".over.sampler: 'euler' must be one of"),
        ({"of": "ddim", "over": {"n_samples": [3]}}, ".over.n_samples: is the same for all runs"),
        ({"of": "ddim", "over": {"steps": 3}}, ".over.steps: 3 must be a list"),
        ({"over": {"steps": [3]}}, ".of: is missing"),
        ({"of": "ddim", "ovre": {}}, ".ovre: unknown key (its value: {}); did you mean 'over'?"),
    ],
    ids=str,
)
def test_a_sweep_that_cannot_be(sweep, said):
    with pytest.raises(InputError) as caught:
        runs({"of": "ddpm"}, sweep)
    assert f"experiments.a.evaluation.runs[1]{said}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_runs_that_are_wrong_are_no_mistake_where_nobody_evaluates():
    """An experiment whose steps no run of the defaults can have is fine otherwise."""
    few = {"diffusion": {"noise_steps": 20}, "forward": {"timesteps": [0]}}
    few["samples"] = {"ddpm": {"steps": 20}, "ddim": {"steps": 5}}
    experiment = resolve({"targets": ["a"], "experiments": {"a": few}})[1]["a"]
    with pytest.raises(InputError, match=r"runs\[0\].over.steps: 1000 must be at most diffusion"):
        check_evaluation(experiment, "experiments.a")


def test_figures_left_out_are_one_for_each_entry_and_the_trajectory():
    def built(**override):
        return resolve({"targets": ["a"], "experiments": {"a": override}})[1]["a"].built

    trajectory = ("trajectory.png", "trajectory.gif")
    two = ("ddpm_samples.png", "ddim_samples.png")
    assert built() == built(figures=None) == ("forward.png", *two, *trajectory)
    few = {"few": {"sampler": "ddim"}}
    assert built(samples=few) == ("forward.png", *two, "few_samples.png", *trajectory)
    assert built(samples={"ddpm": None}) == ("forward.png", "ddim_samples.png")
    followed = built(samples={"ddpm": None}, trajectory={"of": "ddim"})
    assert followed == ("forward.png", "ddim_samples.png", *trajectory)
    assert built(samples=few, figures=["few_samples.png"]) == ("few_samples.png",)


def test_a_flag_of_numpy_is_a_flag():
    """As its numbers are numbers."""
    for flag in (np.bool_(True), np.array(False)):
        assert DPMSolver(stochastic=flag).stochastic is bool(flag)
        assert validate(ChainConfig, {"sampler": "ddim", "clip": flag}).clip is bool(flag)
    with pytest.raises(InputError, match="stochastic: 1 must be true or false"):
        DPMSolver(stochastic=np.int64(1))
