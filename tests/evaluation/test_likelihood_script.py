"""scripts/likelihood.py: what it writes of which images, and what it refuses."""

import json

import numpy as np
import pytest
from conftest import scored_config

import likelihood
from sfumato.config.resolve import resolve
from sfumato.evaluation.bits import Likelihood
from sfumato.records.measurements import load_measurement
from sfumato.workflow.picking import settings_of
from sfumato.workflow.stages.likelihood import STAGE

pytestmark = pytest.mark.quick_compile


def words(scored, other, *data):
    config = scored_config({"likelihood": {"other": other, "n_images": 6, "micro_batch": 4}})
    settings = settings_of(STAGE, resolve(config)[1]["tiny"]).model_dump_json()
    place = scored / "results" / "tiny"
    files = [place / "data.npz", *data]
    return ["--config", settings, "--checkpoint", str(place / "checkpoint"), "--data"] + [
        str(file) for file in files
    ]


def test_the_images_of_another_experiment_are_a_third_set(scored, tmp_path):
    other = scored / "results" / "tiny" / "data.npz"
    output = tmp_path / "likelihood.json"
    likelihood.main([*words(scored, "theirs", other), "--output", str(output)])
    measured = load_measurement(Likelihood, output)
    assert [each.name for each in measured.sets] == ["training", "held out", "theirs"]
    _, held_out, theirs = measured.sets
    assert theirs.model_copy(update={"name": "held out"}) == held_out  # here they are the same
    assert all(each.n_images == 6 and len(each.terms) == 19 for each in measured.sets)
    for each in measured.sets:
        assert np.isclose(each.bound.mean, each.prior.mean + each.chain.mean + each.pixels.mean)
    assert {"checkpoint", "data", "other"} == measured.provenance.inputs.keys()
    built = scored / "results" / "tiny" / "likelihood.json"
    assert json.loads(built.read_text())["sets"][0]["n_images"] == 4


@pytest.mark.parametrize(("other", "data"), [(None, ["a.npz"]), ("theirs", [])])
def test_as_many_files_as_the_settings_name(other, data, scored, tmp_path):
    with pytest.raises(SystemExit, match="--data: . files; give the experiment's own, and where"):
        likelihood.main([*words(scored, other, *data), "--output", str(tmp_path / "l.json")])
