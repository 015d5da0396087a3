"""From a record to a config that makes the artifact again: the same settings, made the same way."""

import json
import re

import numpy as np
import pytest
from conftest import ROOT, SCORED_TINY, TINY
from PIL import Image
from planned import NAME, artifacts_of, asked, outputs, record_of
from snakemake.iocontainers import Wildcards

from sfumato.config.methods import Choice
from sfumato.config.resolve import resolve
from sfumato.errors import InputError
from sfumato.figures import figure, names
from sfumato.guidance.base import Guidance
from sfumato.records.facts import settings_of
from sfumato.records.manifest import read_manifest
from sfumato.records.opening import open_record
from sfumato.records.provenance import Record, provenance
from sfumato.records.rebuild import command_of, config_of, needs_of
from sfumato.records.stage import Stage
from sfumato.records.verify import shows_times
from sfumato.workflow.plan import Plan

OWN_SEED = {"sampler": "ddpm", "variance": "large", "steps": 7, "seed": 3, "n_samples": 4}
RUNS = [
    {"of": "ddim", "over": {"steps": [4, 2], "eta": [0.5]}},
    {"of": "own", "over": {}},
    {"of": "ddpm", "over": {"steps": [10]}},
]
DIGITS = {
    "data": {"n_test": 1000},
    "model": {
        **{"patch_size": 2, "channels": 48, "channel_multipliers": [1, 2]},
        **{"attention_levels": [1], "dropout": 0.1},
    },
    "diffusion": {"beta_schedule": "cosine", "prediction_type": "v"},
    "weights": {"source": "pretrained"},
}
EXPERIMENTS = {
    "the defaults": {},
    "noise": {**TINY, "seed": 5, "trajectory": {"of": "ddim", "snapshots": 3}, "shards": 2},
    "trained and scored": {
        **SCORED_TINY,
        "seed": 7,
        "samples": {**SCORED_TINY["samples"], "own": OWN_SEED, "ddim": {"steps": 5, "eta": 0.25}},
        "evaluation": {**SCORED_TINY["evaluation"], "runs": RUNS, "seeds": 2},
        "model": {**TINY["model"], "num_classes": 10},
    },
    "a pretrained network": DIGITS,
    "one that is trained on": {
        **DIGITS,
        "weights": {"source": "finetuned", "folder": "resources/pretrained/digits"},
        "training": {"steps": 30, "warmup_steps": 3, "learning_rate": 1e-4},
        "evaluation": {"runs": [{"of": "ddim", "over": {"steps": [10]}}]},
    },
    "swept": {
        **TINY,
        "seed": 3,
        "samples": {**TINY["samples"], "own": OWN_SEED},
        "sweeps": {
            "grid": {"of": "ddim", "over": {"steps": [2, 5], "eta": [0, 0.5], "n_samples": [1]}},
            "seeds": {"of": "own", "over": {"seed": [3, 4], "variance": ["small"]}},
            "samplers": {"of": "own", "over": {"sampler": ["ddim", "heun"]}},
        },
        "convergence": {"of": ["own", "heun"], "steps": [2, 7], "reference": 12, "clip": True},
    },
    "odd sides": {
        **SCORED_TINY,
        "figures": None,
        "weights": {"source": "fresh"},
        "data": {"source": "mnist-5k", "n_images": 5000, "n_test": 30},
        "model": {**TINY["model"], "input_dim": [9, 11, 3]},
        "samples": {"ddpm": {"steps": 2}, "ddim": None, "third": OWN_SEED},
        "trajectory": {"of": "third", "snapshots": 2},
        "evaluation": {**SCORED_TINY["evaluation"], "runs": [{"of": "third"}]},
    },
}


def planned(experiment, name=NAME):
    return Plan(*resolve({"targets": [name], "experiments": {name: experiment}}))


@pytest.mark.parametrize("which", EXPERIMENTS)
def test_every_artifact_is_asked_for_again(which):
    """The config gives the job of the command the same settings and the same making.

    Of an experiment that cannot be evaluated, what can be built without is looked at.
    """
    plan, known = planned(EXPERIMENTS[which]), outputs()
    paths = artifacts_of(plan)
    if which in ("noise", "swept"):  # which have no classes
        paths = [
            path
            for path in paths
            if not re.search("evaluation|quality|guidance|sizes|nearest|told", path)
        ]
    for path in paths:
        record = Record.model_validate(record_of(plan, path))
        config = json.loads(json.dumps(config_of(record)))
        again = Plan(*resolve(config))
        target = command_of(record, "c.yaml").split()[3]
        assert any(re.fullmatch(pattern, target) for pattern in known), target
        file = target.removeprefix("results/rebuilt/")
        assert asked(again, file, "rebuilt") == asked(plan, path), path


@pytest.mark.parametrize("which", EXPERIMENTS)
def test_what_nobody_asked_for_is_left_to_the_defaults(which):
    """A bare build draws no figure of one step, one time or one snapshot."""
    plan = planned(EXPERIMENTS[which])
    for path in ("forward.png", "checkpoint", "data.npz", "ddpm_samples.npz"):
        record = Record.model_validate(record_of(plan, path))
        config = config_of(record)["experiments"]["rebuilt"]
        rebuilt = resolve(config_of(record))[1]["rebuilt"]
        assert len(rebuilt.forward.timesteps) >= 3
        assert "trajectory" not in config or path == "ddpm_samples.npz"
        for entry in (config.get("samples") or {}).values():
            assert entry is None or entry["steps"] > 1
        assert "evaluation" not in config and "shards" not in config
    if which == "the defaults":
        only = config_of(Record.model_validate(record_of(plan, "data.npz")))
        assert set(only["experiments"]["rebuilt"]) == {"figures", "data", "model"}


def test_the_defaults_of_another_project_do_not_matter():
    """There every experiment has more steps, other times and one entry more."""
    others = {"diffusion": {"noise_steps": 3000}, "forward": {"timesteps": [2999]}}
    others |= {"samples": {"fast": {"sampler": "ddim", "steps": 2000}}, "seed": 8}
    plan = planned(EXPERIMENTS["the defaults"])
    for path in ("ddim_samples.npz", "speed.png", "checkpoint", "forward.png", "quality.json"):
        config = config_of(Record.model_validate(record_of(plan, path)), others)
        again = Plan(*resolve({**config, "defaults": others}))
        assert asked(again, path, "rebuilt") == asked(plan, path), path
        assert "fast" not in again.experiments["rebuilt"].samples or path == "forward.png"


@pytest.mark.parametrize(
    "others",
    [
        {"trajectory": {"of": "ddim"}},
        {"samples": {"third": {"sampler": "heun"}}, "convergence": {"of": ["third", "ddim"]}},
        {
            "sweeps": {"s": {"of": "ddim", "over": {"eta": [0, 0.5]}}},
            "evaluation": {"runs": ["s"]},
        },
    ],
    ids=lambda others: list(others)[-1],
)
def test_nor_do_its_entries_which_what_else_it_draws_names(others):
    plan = planned(EXPERIMENTS["the defaults"])
    for path in ("ddpm_samples.npz", "ddpm_samples.png", "trajectory.npz"):
        config = config_of(Record.model_validate(record_of(plan, path)), others)
        again = Plan(*resolve({**config, "defaults": others}))
        assert asked(again, path, "rebuilt") == asked(plan, path), path


def test_of_the_images_of_an_artifact_and_of_its_network_the_first_are_said():
    plan = planned(EXPERIMENTS["the defaults"])
    data, drawn = (
        Record.model_validate(record_of(plan, path)) for path in ("data.npz", "ddim_samples.npz")
    )
    origin = drawn.inputs["checkpoint"]
    learnt = {**data.settings, "data": {**data.settings["data"], "n_test": 1}}

    def made(record, **inputs):
        origins = {
            name: origin.model_copy(update={"provenance": each}) for name, each in inputs.items()
        }
        return record.model_copy(update={"inputs": origins})

    network = made(origin.provenance, data=data.model_copy(update={"settings": learnt}))
    assert settings_of(made(drawn, checkpoint=network))["data"]["n_test"] == 1
    found = settings_of(made(drawn, data=data, checkpoint=network))
    assert found == settings_of(made(drawn, checkpoint=network, data=data))
    assert found["data"] == data.settings["data"]


def test_only_what_shows_times_was_made_from_times():
    """Whatever else holds a digest of measured seconds would differ from build to build."""
    plan = planned(EXPERIMENTS["trained and scored"])
    experiment = plan.experiments[NAME]
    timed = {f for each in map(figure, names()) if each.timed for f in each.files_for(experiment)}
    timed |= {"speed.json", "quality.json"}
    for path in artifacts_of(plan):
        shows = path in timed or path.endswith(".timing.json")
        assert shows_times(Record.model_validate(record_of(plan, path))) is shows, path


def test_guidance_is_asked_for_again(monkeypatch):
    """Clipping, which is always there, stands for a method that an entry names."""
    choice = Choice("method", "guidance", Guidance, others=("guided",))
    monkeypatch.setattr("sfumato.config.samples.GUIDANCE", choice)
    guided = {**OWN_SEED, "guidance": {"method": "clipping"}}
    plan = planned({**TINY, "samples": {**TINY["samples"], "guided": guided}})
    for path in ("guided_samples.npz", "guided_samples.png", "speed.png"):
        config = config_of(Record.model_validate(record_of(plan, path)))
        entry = config["experiments"]["rebuilt"]["samples"]["guided"]
        assert entry["guidance"] == {"method": "clipping"}
        assert asked(Plan(*resolve(config)), path, "rebuilt") == asked(plan, path)


def test_pictures_are_known_by_their_digest(tmp_path):
    """Where they are is in no record: the user adds it, and then all is the same."""
    for name in "abcdefghijkl":
        pixels = np.random.default_rng(ord(name)).integers(0, 255, (8, 8), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    plan = planned({**TINY, "data": {"source": "images", "folder": str(tmp_path), "n_test": 3}})
    record = Record.model_validate(record_of(plan, "forward.npz"))
    assert str(tmp_path) not in record.model_dump_json()
    config = config_of(record)
    data = config["experiments"]["rebuilt"]["data"]
    (need,) = needs_of(config)
    assert "data.folder" in need and data["digest"] in need
    data["folder"] = str(tmp_path)
    again = Plan(*resolve(config))
    assert asked(again, "forward.npz", "rebuilt") == asked(plan, "forward.npz")


def test_a_checkpoint_that_was_adopted_is_needed_and_not_made():
    plan = planned(DIGITS)
    config = config_of(Record.model_validate(record_of(plan, "ddim_samples.png")))
    experiment = config["experiments"]["rebuilt"]
    assert not {"training", "data"} & set(experiment)
    (need,) = needs_of(config)
    assert "weights.folder" in need and experiment["weights"]["digest"] in need


def test_a_checkpoint_that_was_trained_on_is_needed_and_trained_on():
    plan = planned(EXPERIMENTS["one that is trained on"])
    config = config_of(Record.model_validate(record_of(plan, "ddim_samples.png")))
    experiment = config["experiments"]["rebuilt"]
    assert experiment["training"]["steps"] == 30 and experiment["data"]["n_test"] == 1000
    assert experiment["weights"]["folder"] == "resources/pretrained/digits"
    (need,) = needs_of(config)
    assert "weights.folder" in need and experiment["weights"]["digest"] in need


def test_settings_of_another_version_are_said_to_be_so():
    record = provenance(Stage("sample"), "ddim_samples.png")
    record |= {"settings": {"diffusion": {"T": 10}, "model": {}, "seed": 0}}
    with pytest.raises(InputError, match=r"cannot take the settings of sfumato .*diffusion\.T"):
        config_of(Record.model_validate(record))


def test_a_shard_is_built_with_all_samples():
    plan = planned(EXPERIMENTS["noise"])
    record = record_of(plan, "ddim_samples.npz") | {"part": {"start": 4, "stop": 5}}
    command = command_of(Record.model_validate(record), "c.yaml")
    assert "results/rebuilt/ddim_samples.npz " in command


def test_a_worse_checkpoint_that_guided_is_asked_for():
    """Where it was is in no record; what made it says nothing of the network that it guided."""
    plan = planned(EXPERIMENTS["trained and scored"])
    made = record_of(plan, "ddim_samples.npz")
    (entry,) = made["settings"]["samples"].values()
    entry["guidance"] = {"method": "auto", "scale": 2.0, "checkpoint": None, "digest": "abc"}
    trained = made["inputs"]["checkpoint"]
    settings = {**trained["provenance"]["settings"], "training": {"steps": 3, "warmup_steps": 0}}
    worse = {"digest": "abc", "provenance": {**trained["provenance"], "settings": settings}}
    made["inputs"]["guidance"] = worse
    config = config_of(Record.model_validate(made))
    assert config["experiments"]["rebuilt"]["training"]["steps"] == 12
    said = "samples.ddim.guidance.checkpoint must name the checkpoint with the digest abc"
    assert list(needs_of(config)) == [said]


def test_the_images_of_another_experiment_are_asked_for_again():
    clothes = {"data": {"source": "noise", "n_images": 40}, "seed": 4}
    digits = {**DIGITS, "likelihood": {"other": "clothes", "n_images": 3}}
    plan = Plan(*resolve({"targets": [NAME], "experiments": {NAME: digits, "clothes": clothes}}))
    record = Record.model_validate(record_of(plan, "likelihood.png"))
    assert settings_of(record)["data"]["source"] == "mnist-5k"
    config = json.loads(json.dumps(config_of(record)))
    again = Plan(*resolve(config))
    for file in ("likelihood.json", "likelihood.png", "data.npz"):
        assert asked(again, file, "rebuilt") == asked(plan, file), file
    assert asked(again, "data.npz", "clothes") == asked(plan, "data.npz", "clothes")
    job = Wildcards(fromdict={"experiment": "rebuilt"})
    files = ["results/rebuilt/data.npz", "results/clothes/data.npz"]
    assert again.images_measured(job) == files
    assert len(list(needs_of(config))) == 1  # the checkpoint
    digits["likelihood"]["other"] = "rebuilt"
    plan = Plan(*resolve({"targets": [NAME], "experiments": {NAME: digits, "rebuilt": clothes}}))
    with pytest.raises(InputError, match="'rebuilt' is what the experiment would be called"):
        config_of(Record.model_validate(record_of(plan, "likelihood.png")))


def test_an_entry_may_be_called_other():
    """Which is what the record of a likelihood calls another experiment's images."""
    samples = {**TINY["samples"], "other": {"sampler": "ddim", "steps": 3}}
    plan = planned({**TINY, "samples": samples})
    for path in ("speed.json", "other_samples.npz"):
        record = Record.model_validate(record_of(plan, path))
        assert settings_of(record)["samples"]["other"]["steps"] == 3
        again = Plan(*resolve(json.loads(json.dumps(config_of(record)))))
        assert asked(again, path, "rebuilt") == asked(plan, path)


@pytest.mark.parametrize(
    ("figure", "name"),
    [("digits_at_random", "digits"), ("mnist_nearest", "mnist"), ("clothes_samples", "fashion")],
)
def test_a_checkpoint_that_comes_with_the_library_is_found(figure, name):
    record = open_record(ROOT / "docs" / "figures" / f"{figure}.png").record
    weights = config_of(record)["experiments"]["rebuilt"]["weights"]
    assert weights["folder"] == f"resources/pretrained/{name}"
    assert weights["digest"] == read_manifest(ROOT / weights["folder"])["digest"]
