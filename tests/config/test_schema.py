"""The exported schema of a config: what is right fits it, and a wrong key does not."""

import json
import re

import jsonschema
import pytest
import yaml
from conftest import ROOT, TINY, changing, setting_paths, tiny_config

from sfumato.config.experiment import Experiment
from sfumato.config.schema import config_schema

EXPORTED = json.loads((ROOT / "workflow" / "schemas" / "config.schema.json").read_text())
SCHEMA = jsonschema.Draft202012Validator(EXPORTED)


def numbers(value):
    """Read 1e-4, which PyYAML takes for text, as the number that YAML 1.2 and this project read."""
    if isinstance(value, dict):
        return {key: numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [numbers(each) for each in value]
    text = isinstance(value, str) and re.fullmatch(r"[\d.]+e[+-]?\d+", value)
    return float(value) if text else value


def test_the_exported_file_is_that_of_this_version():
    """`make schema` renews it."""
    SCHEMA.check_schema(EXPORTED)
    assert json.loads(json.dumps(config_schema())) == EXPORTED


def test_the_shipped_config_fits():
    config = numbers(yaml.safe_load((ROOT / "config.yaml").read_text()))
    assert [error.message for error in SCHEMA.iter_errors(config)] == []


@pytest.mark.parametrize("path", setting_paths())
def test_every_setting_is_known_and_described(path):
    config = tiny_config(changing(path))
    SCHEMA.validate(config)
    section = config["experiments"]["tiny"]
    for part in path.split(".")[:-1]:
        section = section[part]
    section[f"{path.split('.')[-1]}x"] = section.pop(path.split(".")[-1])
    if path.startswith("samples.") and path.count(".") == 1:
        return  # another entry
    assert list(SCHEMA.iter_errors(config))


ENTRIES = [
    {"sampler": "unipc", "steps": 5, "labels": 7, "guidance": {"scale": 3}},
    {"sampler": "dpm_solver", "order": 1, "labels": [1, -1], "guidance": {"method": "classifier"}},
    {"sampler": "ddim", "edit": {"kind": "restore", "operator": {"random": 0.2}, "method": "dps"}},
    {"steps": 3},
    None,
]


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_entries_of_samples(entry):
    assert SCHEMA.is_valid(tiny_config({"samples": {"ddim": entry}}))
    wrong = {**(entry or {}), "sampler": "dimm"}
    assert not SCHEMA.is_valid(tiny_config({"samples": {"ddim": wrong}}))
    assert SCHEMA.is_valid(tiny_config({"samples": TINY["samples"]}))


def test_every_section_says_what_it_is():
    properties = EXPORTED["$defs"]["experiment"]["properties"]
    assert properties.keys() == Experiment.model_fields.keys()
    assert all(each.get("description") for each in properties.values())
    for section in ("data", "diffusion", "training", "likelihood", "render"):
        assert all(each["description"] for each in properties[section]["properties"].values())
