"""A pretrained checkpoint is looked at before any job runs, and what is in it counts."""

import json
import shutil

import pytest
from conftest import ROOT
from snakemake.iocontainers import Wildcards

from sfumato.config.resolve import resolve
from sfumato.workflow import places
from sfumato.workflow.plan import Plan
from sfumato.workflow.stages.adopt import weights_places

SHIPPED = ROOT / "resources" / "pretrained" / "mnist"
MODEL = {
    "patch_size": 2,
    "channels": 48,
    "channel_multipliers": [1, 2],
    "attention_levels": [1],
    "dropout": 0.1,
}
DIFFUSION = {"beta_schedule": "cosine", "prediction_type": "v"}


@pytest.fixture(autouse=True)
def manifest_alone(tmp_path, monkeypatch):
    """Put the manifest of the shipped checkpoint into a folder: more is not looked at."""
    (tmp_path / "one").mkdir()
    shutil.copy(SHIPPED / "manifest.json", tmp_path / "one")
    monkeypatch.chdir(tmp_path)
    return json.loads((SHIPPED / "manifest.json").read_text())


def experiment(model=None, diffusion=None, **weights):
    settings = {"model": MODEL | (model or {}), "diffusion": DIFFUSION | (diffusion or {})}
    settings["weights"] = {"source": "pretrained", **weights}
    return resolve({"targets": ["a"], "experiments": {"a": settings}})[1]["a"]


def text_of(each):
    plan = Plan(["a"], {"a": each})
    here = Wildcards(fromdict={"experiment": "a"})
    return [ask("adopt")(here) for ask in (plan.settings, plan.making)]


def refused(each):
    with pytest.raises(SystemExit) as error:
        text_of(each)
    return str(error.value)


def test_where_it_lies_does_not_count(tmp_path, monkeypatch, manifest_alone):
    monkeypatch.setenv("HOME", str(tmp_path))
    before = text_of(experiment(folder="one"))
    (tmp_path / "one").rename(tmp_path / "{two}")
    for folder in ("{two}", "~/{two}", str(tmp_path / "{two}")):
        assert text_of(experiment(folder=folder)) == before
    assert weights_places(experiment(folder="~/{two}"), "a") == [
        f"--checkpoint={tmp_path / '{two}'}"
    ]
    assert manifest_alone["digest"] in before[0] and "two" not in str(before)


def test_what_is_in_it_counts(tmp_path, manifest_alone):
    before = text_of(experiment(folder="one"))
    other = manifest_alone | {"digest": "0" * 64}
    (tmp_path / "one" / "manifest.json").write_text(json.dumps(other))
    assert text_of(experiment(folder="one"))[0] != before[0]
    wanted = experiment(folder="one", digest=manifest_alone["digest"])
    said = refused(wanted)
    assert said.startswith("experiments.a.weights.digest: the checkpoint one is another")
    assert "name the folder of that one in weights.folder" in said


def test_every_difference_is_said_at_once():
    said = refused(
        experiment({"channels": 32, "dropout": 0.0}, {"noise_steps": 1001}, folder="one")
    )
    assert said == (
        "experiments.a.weights.folder: the checkpoint one was made with model.channels = 48, and "
        "the config says 32; model.dropout = 0.1, and the config says 0.0; diffusion.noise_steps = "
        "1000, and the config says 1001; set the same, or name another checkpoint"
    )


@pytest.mark.parametrize("provenance", [None, {"script": 5}, {}, "me"])
def test_one_that_does_not_say_what_made_it(provenance, tmp_path, manifest_alone):
    broken = manifest_alone | {"provenance": provenance}
    (tmp_path / "one" / "manifest.json").write_text(json.dumps(broken))
    said = refused(experiment(folder="one"))
    assert said.startswith(
        "experiments.a.weights.folder: the checkpoint one does not say what made it: provenance"
    )


def test_what_is_no_checkpoint_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "ROOT", tmp_path)
    assert "experiments.a.weights.folder: there is no checkpoint" in refused(
        experiment(folder="none")
    )
    assert "weights.folder: ~nobody-here/x: there is no such user" in refused(
        experiment(folder="~nobody-here/x")
    )
    (tmp_path / "one" / "manifest.json").write_text("{")
    said = refused(experiment(folder="one"))
    assert said.startswith("experiments.a.weights.folder: ") and "manifest.json" in said


def test_what_is_trained_on_may_have_learnt_other_classes(manifest_alone):
    asked = {"num_classes": 3, "dropout": 0.0}
    tuned = experiment(asked, source="finetuned", folder="one")
    settings, making = text_of(tuned)
    assert manifest_alone["digest"] in settings and '"source":"finetuned"' in settings
    train, here = Plan(["a"], {"a": tuned}), Wildcards(fromdict={"experiment": "a"})
    assert manifest_alone["digest"] not in train.settings("train")(here)
    assert "model.num_classes = 0, and the config says 3" in refused(
        experiment({"num_classes": 3}, folder="one")
    )
    wrong = experiment(asked | {"channels": 32}, source="finetuned", folder="one")
    assert "was made with model.channels = 48, and the config says 32; set" in refused(wrong)


@pytest.mark.parametrize("source", ["pretrained", "finetuned"])
@pytest.mark.parametrize("name", ["checkpoint", "initial_checkpoint"])
@pytest.mark.parametrize("prefix", ["", "module/"])
def test_an_experiment_does_not_begin_with_what_it_makes(prefix, name, source, tmp_path):
    """Snakemake would delete it first."""
    folder = f"{prefix}results/a/{name}"
    (tmp_path / "one").rename(tmp_path / "moved")
    (tmp_path / folder).parent.mkdir(parents=True)
    (tmp_path / "moved").rename(tmp_path / folder)
    for experiment_name, refused_here in {"a": True, "b": False}.items():
        each = experiment(source=source, folder=folder)
        places = Plan([experiment_name], {experiment_name: each}).where(weights_places)
        job = Wildcards(fromdict={"experiment": experiment_name})
        output = [f"{prefix}results/{experiment_name}/checkpoint"]
        if refused_here:
            with pytest.raises(SystemExit, match=r"weights\.folder: .* is made by this experiment"):
                places(job, output)
        else:
            assert places(job, output) == [f"--checkpoint={folder}"]


def test_another_start_trains_again(tmp_path, manifest_alone):
    def making():
        plan = Plan(["a"], {"a": experiment(source="finetuned", folder="one")})
        return plan.making("train")(Wildcards(fromdict={"experiment": "a"}))

    before = making()
    other = manifest_alone | {"digest": "0" * 64}
    (tmp_path / "one" / "manifest.json").write_text(json.dumps(other))
    assert making() != before
