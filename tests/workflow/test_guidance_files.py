"""What guidance reads besides the network: made before, and known by its content."""

import json
import shutil

import pytest
from conftest import tiny_config
from snakemake.iocontainers import Wildcards

from sfumato.compute.randomness import stage_key
from sfumato.config.points import points_of_sweep
from sfumato.config.resolve import resolve
from sfumato.networks.initialisation import initialise
from sfumato.records.checkpoint import save_checkpoint
from sfumato.workflow.plan import Plan

SWEEP = {"scales": {"of": "ddim", "over": {"guidance.scale": [1, 2]}}}
JOBS = {"ddim": {"name": "ddim"}, "ddpm": {"name": "ddpm"}, "run": {"run": "ddim", "k": "0"}}


def planned(guidance, **settings):
    """Return the plan of the tiny experiment, whose entry `ddim` is guided."""
    ddim = {"guidance": guidance, "labels": None if guidance["method"] == "auto" else 1}
    evaluation = {"runs": [{"of": "ddim"}], "n_samples": 10, "neighbours": 3}
    own = {"samples": {"ddim": ddim}, "evaluation": evaluation, "trajectory": {"of": "ddim"}}
    data = {"source": "mnist-5k", "n_images": 60, "n_test": 20}
    return Plan(*resolve(tiny_config(own | {"data": data} | settings)))


def job(**wildcards):
    return Wildcards(fromdict={"experiment": "tiny", **wildcards})


def test_a_classifier_is_made_before_the_entries_that_it_guides():
    plan = planned({"method": "classifier"})
    inputs = plan.results_read("sample")
    asked = {name: inputs(job(**wildcards)) for name, wildcards in JOBS.items()}
    file = ["results/tiny/guidance_classifier.npz"]
    assert asked == {"ddim": file, "ddpm": [], "run": file}
    assert plan.results_read("trajectory")(job()) == file  # of the same entry
    assert plan.files_read("sample")(job(name="ddim"), None) == [f"--read=guidance={file[0]}"]


@pytest.fixture(scope="module")
def worse(tmp_path_factory):
    """Return a checkpoint of the tiny network."""
    folder = tmp_path_factory.mktemp("worse") / "checkpoint"
    experiment = planned({"method": "auto"}).experiments["tiny"]
    network = initialise(experiment.model, stage_key(5, 1))
    save_checkpoint(folder, network, experiment.diffusion, {"settings": {}})
    return folder, network, experiment


def test_a_worse_checkpoint_is_known_by_its_content(worse, tmp_path):
    folder, network, experiment = worse

    def handed(checkpoint, **guidance):
        plan = planned({"method": "auto", "checkpoint": str(checkpoint), **guidance})
        text = plan.settings("sample")(job(name="ddim"))
        return text, plan.files_read("sample")(job(name="ddim"), None)

    text, places = handed(folder)
    assert places == [f"--read=guidance={folder}"] and str(folder) not in text
    guidance = json.loads(text)["samples"]["ddim"]["guidance"]
    assert guidance["checkpoint"] is None and len(guidance["digest"]) == 64
    moved = shutil.copytree(folder, tmp_path / "moved")
    assert handed(moved) == (text, [f"--read=guidance={moved}"])
    assert handed(folder, digest=guidance["digest"])[0] == text
    compared = [
        planned({"method": "auto", "checkpoint": str(each)}).settings("compare_quality")(job())
        for each in (folder, moved)
    ]
    assert compared[0] == compared[1] and str(folder) not in compared[0]
    points = [
        [*points_of_sweep(planned(each, sweeps=SWEEP).experiments["tiny"], "scales")]
        for digest in (None, guidance["digest"])
        for each in [{"method": "auto", "checkpoint": str(folder), "digest": digest}]
    ]
    assert points[0] == points[1]  # as what `explain` prints asks for them
    network.conv_out.bias[...] += 1
    save_checkpoint(tmp_path / "other", network, experiment.diffusion, {"settings": {}})
    assert handed(tmp_path / "other")[0] != text


def test_a_worse_checkpoint_may_know_other_classes_and_drop_otherwise(worse):
    folder, *_ = worse
    guidance = {"method": "auto", "checkpoint": str(folder)}
    plan = planned(guidance, model={"num_classes": 10, "dropout": 0.1})
    assert "digest" in plan.settings("sample")(job(name="ddim"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"guidance": {}}, "checkpoint: null must be the folder of a worse checkpoint"),
        ({"guidance": {"checkpoint": "nowhere"}}, "checkpoint: there is no checkpoint, no "),
        ({"model": {"channels": 8}}, "checkpoint: {} was made with model.channels = 4, and "),
        ({"guidance": {"digest": "0" * 64}}, "digest: the checkpoint {} is another, with the dig"),
    ],
    ids=str,
)
def test_a_checkpoint_that_cannot_guide(worse, settings, said):
    folder, *_ = worse
    guidance = {"method": "auto", **settings.get("guidance", {"checkpoint": str(folder)})}
    if "digest" in guidance:
        guidance["checkpoint"] = str(folder)
    plan = planned(guidance, **{k: v for k, v in settings.items() if k != "guidance"})
    with pytest.raises(SystemExit) as stopped:
        plan.settings("sample")(job(name="ddim"))
    where = "experiments.tiny.samples.ddim.guidance."
    assert str(stopped.value).startswith(f"{where}{said.format(folder)}"), stopped.value
