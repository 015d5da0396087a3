"""Sweeps: what their points are called, what is drawn once, how they are overridden."""

import re

import pytest
from conftest import tiny_config, tiny_experiment
from snakemake.iocontainers import Wildcards

from sfumato.config.checks import check_evaluation
from sfumato.config.fields import NAME
from sfumato.config.points import PATTERN, entry_called, points_of_sweep
from sfumato.config.resolve import check_names, resolve
from sfumato.errors import InputError
from sfumato.samplers import DDIM
from sfumato.workflow.plan import Plan

STEPS = {"s": {"of": "ddim", "over": {"steps": [5, 2, 3]}}}


def points(sweeps, name="s", **override):
    """Return the points of a sweep of the tiny experiment, whose entry ddim has five steps."""
    return points_of_sweep(tiny_experiment({"sweeps": sweeps, **override}), name)


def refused(override):
    with pytest.raises(InputError) as caught:
        resolve(tiny_config(override))
    said = str(caught.value)
    assert said.startswith("experiments.tiny.") and "\n" not in said
    return said.removeprefix("experiments.tiny.")


def test_a_point_that_is_an_entry_has_its_name_and_others_the_digest_of_their_settings():
    found = points(STEPS)
    first, *others = found
    assert first == "ddim" and all(re.fullmatch(PATTERN, name) for name in others)
    assert [entry.steps for entry in found.values()] == [5, 2, 3]
    again = points({"s": {"of": "ddim", "over": {"steps": [3, 4, 2]}}})
    assert [*again][0] == [*found][2] and [*again][2] == [*found][1]


def test_two_sweeps_of_equal_settings_share_their_points():
    """Whatever the entry is called that they vary, and whichever settings they say."""
    samples = {"fast": {"sampler": "ddim", "steps": 2, "n_samples": 5}}
    sweeps = {
        **STEPS,
        "other": {"of": "fast", "over": {"eta": [0.0, 0.5], "steps": [3]}},
    }
    first, second = (points(sweeps, name, samples=samples) for name in sweeps)
    assert [*first][1] == "fast"
    assert set(first) & set(second) == {[*first][2]}
    assert second[[*second][1]].sampler == DDIM(eta=0.5)


def test_a_seed_that_the_experiment_has_anyway_is_no_other_point():
    seeds = {"s": {"of": "ddim", "over": {"seed": [4, None, 5]}}}
    assert "seed null draws the same as another combination" in refused(
        {"sweeps": seeds, "seed": 4}
    )
    found = points({"s": {"of": "ddim", "over": {"seed": [4, 5]}}}, seed=4)
    assert [entry.seed for entry in found.values()] == [None, 5] and [*found][0] == "ddim"
    own = {"ddim": {"seed": 4}}
    found = points({"s": {"of": "ddim", "over": {"seed": [4, 5]}}}, seed=4, samples=own)
    assert [*found][0] == "ddim"


def test_an_entry_or_a_point_is_found_by_its_name():
    experiment = tiny_experiment({"sweeps": STEPS})
    for name, entry in points_of_sweep(experiment, "s").items():
        assert entry_called(experiment, name) == entry
    for name in ("dim", "points/000000000000"):
        with pytest.raises(InputError, match=name):
            entry_called(experiment, name)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ({"of": "dim"}, ".of: 'dim' must be an entry of samples: ddpm, ddim"),
        (
            {"over": {"stesp": [3]}},
            ".over.stesp: unknown key (its value: 3); did you mean 'steps'?",
        ),
        ({"over": {"steps": [3, 2, 3]}}, ".over: steps 3 draws the same as another combination"),
        (
            {"over": {"steps": [3, 21]}},
            ".over.steps: 21 must be at most diffusion.noise_steps (20)",
        ),
        ({"over": {"steps": []}}, ".over.steps: [] needs at least 1 entries"),
        ({"over": {"steps": 3}}, ".over.steps: 3 must be a list; write [3]"),
        ({"over": {"n_samples": [1, 2]}}, ".over.n_samples: takes one value"),
        (
            {"over": {"guidance.scale": [1]}},
            ".over.guidance: classifier_free needs a network that knows classes",
        ),
        ({"over": {"sampler": ["dim"]}}, ".over.sampler: 'dim' must be one of"),
        ({"over": {"seed": [*range(1001)]}}, ".over: 1001 combinations must be at most 1000"),
        ({"voer": {}}, ".voer: unknown key"),
        (3, ": 3 must be a mapping"),
    ],
    ids=str,
)
def test_a_sweep_that_cannot_be_is_told_before_anything_is_built(override, said):
    sweep = {"of": "ddim", **override} if isinstance(override, dict) else override
    assert refused({"sweeps": {"s": sweep}}).startswith(f"sweeps.s{said}")


def test_names_that_would_be_those_of_other_files_are_refused():
    entry = {"sampler": "ddim"}
    assert "begins with sweep_" in refused({"samples": {"sweep_s": entry}})
    assert "must be made of letters" in refused({"sweeps": {"a/b": STEPS["s"]}})
    with pytest.raises(InputError, match="experiments.sweep_s: 'sweep_s' is the name of a rule"):
        check_names(["tiny", "sweep_s"], {"sweep_s"})


def overridden(override, name="s"):
    config = tiny_config({"sweeps": override})
    config["defaults"] = {**config["defaults"], "sweeps": {"s": STEPS["s"]}}
    return resolve(config)[1]["tiny"].sweeps.get(name)


def test_an_override_replaces_all_that_is_varied_and_null_removes_a_sweep():
    """Another entry drops what was varied of the old one."""
    assert overridden({}).over == {"steps": [5, 2, 3]}
    assert overridden({"s": {"over": {"eta": [0, 1]}}}).over == {"eta": [0, 1]}
    assert overridden({"s": {"of": "ddim"}}).over == {"steps": [5, 2, 3]}
    assert overridden({"s": {"of": "ddpm"}}).over == {}
    assert overridden({"s": None}) is None
    assert overridden({"t": {"of": "ddpm"}}, "t").of == "ddpm"


def test_the_runs_of_an_evaluation_may_be_a_sweep():
    """Their names are those of the combinations; the number of samples is the evaluation's."""
    sweeps = {"s": {"of": "ddim", "over": {"steps": [2, 3], "n_samples": [1]}}}
    runs = ["s", {"of": "ddim", "over": {"eta": [0.5]}}]
    experiment = tiny_experiment({"sweeps": sweeps, "evaluation": {"runs": runs}})
    assert list(experiment.runs) == ["ddim_steps_2", "ddim_steps_3", "ddim_eta_0.5"]
    same = [{"of": "ddim", "over": {"steps": [2, 3]}}, runs[1]]
    assert experiment.runs == tiny_experiment({"evaluation": {"runs": same}}).runs


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        (["q"], "runs[0]: 'q' must be one of 's', the names of sweeps"),
        ([{"of": "ddim"}, 3], "runs[1]: 3 must be the name of a sweep, or a mapping"),
        ("s", "runs: 's' must be a list; write ['s']"),
        ([{"of": "ddim", "voer": 1}], "runs[0].voer: unknown key (its value: 1); did you mean"),
        (["s", "s"], "runs[1]: 'ddim_steps_5' is already the name of another run"),
    ],
    ids=str,
)
def test_runs_that_are_no_sweep(runs, said):
    with pytest.raises(InputError) as caught:
        experiment = tiny_experiment({"sweeps": STEPS, "evaluation": {"runs": runs}})
        check_evaluation(experiment, "experiments.tiny")
    assert str(caught.value).startswith(f"experiments.tiny.evaluation.{said}")


CONVERGENCE = {"of": ["ddim", "heun"], "steps": [2, 5], "reference": 10, "n_samples": 3}


def chains(**override):
    plan = Plan(*resolve(tiny_config({"convergence": {**CONVERGENCE, **override}})))
    wildcards = Wildcards(fromdict={"experiment": "tiny"})
    return plan, plan.drawn("converge", "")(wildcards)


def test_the_chains_of_convergence_are_points():
    """Of an entry, and of a sampler that is none: two numbers of steps, and the reference."""
    plan, found = chains()
    assert len(found) == 6 and all("/points/" in each for each in found)
    experiment = plan.experiments["tiny"]
    names = [each.removeprefix("results/tiny/").removesuffix("_samples") for each in found]
    entries = [entry_called(experiment, name) for name in names]
    assert [entry.steps for entry in entries] == [2, 5, 10] * 2
    assert {(entry.clip, entry.n_samples) for entry in entries} == {(False, 3)}
    _, clipped = chains(clip=True, n_samples=5, spacing="trailing", of=["ddim"])
    assert clipped[1] == "results/tiny/ddim_samples"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ({"reference": 21}, "reference: 21 must be at most diffusion.noise_steps (20)"),
        ({"reference": 5}, "steps: 5 must be less than the steps of the reference (5)"),
        ({"reference": None, "steps": [2, 20]}, "steps: 20 must be less than the steps of the ref"),
    ],
    ids=str,
)
def test_chains_that_cannot_be_are_a_mistake_only_of_who_asks_for_the_figure(override, said):
    with pytest.raises(SystemExit) as caught:
        chains(**override)
    assert str(caught.value.code).startswith(f"experiments.tiny.convergence.{said}")


def test_what_convergence_cannot_compare_is_told_at_once():
    for of, said in {
        "dim": "of[1]: 'dim' must be one of 'ddpm', 'ddim',",
        "ddim": "of: ['ddim', 'ddim'] must name each once",
    }.items():
        assert refused({"convergence": {"of": ["ddim", of]}}).startswith(f"convergence.{said}")


def test_runs_over_lists_and_mappings_have_names_of_files():
    over = {"labels": [[0, 1], [2]], "guidance.scale": [1, 2]}
    guided = {"sampler": "ddim", "guidance": {"scale": 3}, "labels": 0}
    settings = {"model": {"num_classes": 3}, "samples": {"mine": guided}}
    settings["evaluation"] = {"runs": [{"of": "mine", "over": over}]}
    (experiment,) = resolve({"targets": ["a"], "experiments": {"a": settings}})[1].values()
    assert len(experiment.runs) == 4 and all(map(NAME.fullmatch, experiment.runs))
    assert [run.labels for run in experiment.runs.values()] == [(0, 1), (0, 1), (2,), (2,)]


@pytest.mark.parametrize(
    ("samples", "runs"),
    [
        ({"ddpm": None}, ["ddim_steps_10", "ddim_steps_50_eta_0.5"]),
        ({"ddpm": None, "ddim": None, "mine": {"sampler": "heun"}}, ["mine"]),
        ({"mine": {"sampler": "heun"}}, ["ddpm_steps_1000", "ddim_steps_10"]),
    ],
    ids=str,
)
def test_runs_of_entries_that_an_experiment_removed_are_not_scored(samples, runs):
    defaults = {"samples": {"ddpm": {"sampler": "ddpm"}, "ddim": {"sampler": "ddim"}}}
    raw = {"targets": ["a"], "defaults": defaults, "experiments": {"a": {"samples": samples}}}
    (experiment,) = resolve(raw)[1].values()
    assert set(runs) <= set(experiment.runs)
    assert ("ddpm_steps_1000" in experiment.runs) == ("ddpm" not in samples)
