"""Keys that are no text, and words that YAML takes for something else."""

import pytest
import yaml
from conftest import nested, setting_paths

from sfumato.config.file import check_file, own_targets, with_typed_arguments
from sfumato.config.peers import PEERS, setting_of
from sfumato.config.resolve import resolve
from sfumato.errors import InputError


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            "{samples: {ddim: {eta: 0,3}}}",
            ".samples.ddim: eta: 0,3 is no number; decimals have a point, eta: 0.3",
        ),
        ("{shards: 1,5}", ": shards: 1,5 is no number; decimals have a point, shards: 1.5"),
        ("{data: {n_test: a, 3: b}}", ".data: the key 3 is not text; in quotes, '3', it is"),
        ("{samples: {no: null}}", ".samples: the key false is not text; in quotes, yes, no, on"),
        ("{samples: {2026-01-02: {}}}", ".samples: the key 2026-01-02 is not text; in quotes, '2"),
        ("{samples: {1.5: {}}}", ".samples: the key 1.5 is not text; in quotes, '1.5', it is"),
        (
            "{samples: {ddim: {steps, 20}}}",
            ".samples.ddim: the key 20 is not text; for a value write a colon, steps: 20",
        ),
        ("{seed: 1, null: 2}", ": the key null is not text"),
        ("{seed:3}", ": 'seed:3' is one word; after a colon comes a space, seed: 3"),
        (
            "{evaluation: {runs: [{of: ddim, over: {3: [1]}}]}}",
            ".evaluation.runs[0].over: the key 3 is not text; in quotes, '3', it is",
        ),
    ],
)
def test_every_key_is_text(settings, said):
    raw = {"targets": ["a"], "experiments": {"a": yaml.safe_load(settings)}}
    with pytest.raises(InputError) as caught:
        resolve(raw)
    assert str(caught.value).startswith(f"experiments.a{said}")


def test_every_wrong_key_gets_a_line_each_at_any_level():
    with pytest.raises(InputError) as caught:
        resolve({"targets": ["a"], "experiments": {3: {}}, "defaults": {4: 5}, 6: 7})
    assert str(caught.value).splitlines() == [
        "experiments: the key 3 is not text; in quotes, '3', it is",
        "defaults: the key 4 is not text; in quotes, '4', it is",
        "the top level: the key 6 is not text; in quotes, '6', it is",
    ]


MISREAD = {
    "010": "in eights and reads 010 as 8, in line 2; write 10 or 8, whichever is meant",
    "-0_17": "in eights and reads -0_17 as -15, in line 2",
    "1:30": "in sixties and reads 1:30 as 90, in line 2; write 90, or '1:30' in quotes",
    "1:30.5": "in sixties and reads 1:30.5 as 90.5",
}


@pytest.mark.parametrize("text", MISREAD)
def test_numbers_that_yaml_counts_otherwise_are_refused(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(f"a:\n  seed: {text}\n")
    with pytest.raises(InputError) as caught:
        check_file(path)
    assert str(caught.value).startswith(f"config.yaml: YAML counts {MISREAD[text]}")
    with pytest.raises(InputError, match="^--config defaults=.*: YAML counts in "):
        with_typed_arguments({}, [f"defaults={{seed: {text}}}"])


@pytest.mark.parametrize(
    "text", ["0", "00", "10", "1_000", "0x1F", "0b101", "1e-4", "0.1", "'010'"]
)
def test_numbers_that_are_what_they_look_like_pass(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(f"seed: {text}\nclip: true\n")
    assert check_file(path) == check_file(str(path)) == []


def test_words_that_yaml_takes_for_flags_are_said(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("a: yes\nb: True\noff: 3\n")
    assert check_file(path) == [
        "config.yaml: YAML reads yes as true, in line 1; write true, or 'yes' in quotes",
        "config.yaml: YAML reads off as false, in line 3; write false, or 'off' in quotes",
    ]
    config, said = with_typed_arguments({}, ["defaults={clip: no}"])
    assert config == {"defaults": {"clip": False}} and len(said) == 1


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("seed=5", "seed is not at the top level; write --config 'defaults={seed: 5}'"),
        ("steps=20", "write --config 'defaults={samples: {ddim: {steps: 20}}}'"),
        ("ddim={steps: 20}", "write --config 'defaults={samples: {ddim: {steps: 20}}}'"),
        ("beta_schedule=cosine", "'defaults={diffusion: {beta_schedule: cosine}}'"),
        ("mine={seed: 3}", "write --config 'experiments={mine: {seed: 3}}'"),
        ("sede=3", "sede is no setting; did you mean 'seed'?"),
        ("qqqq=3", "qqqq is no setting"),
    ],
)
def test_what_is_typed_after_config_first(argument, said):
    with pytest.raises(InputError) as caught:
        with_typed_arguments({"experiments": {"mine": {}}}, [argument])
    assert str(caught.value).startswith(f"--config {argument}: ") and said in str(caught.value)


def test_a_file_that_names_no_targets_builds_its_experiments(tmp_path):
    path = tmp_path / "config.yaml"
    for content, found in {
        "experiments: {a: {}, b: null}": {"targets": ["a", "b"]},
        "{experiments: {a: {}}, targets: [a]}": {},
        "defaults: {seed: 3}": {},
        "experiments: null": {},
        "[a]": {},
    }.items():
        path.write_text(content)
        assert own_targets(path) == found


def test_json_may_be_indented_with_tabs(tmp_path):
    """Snakemake takes it; YAML alone does not."""
    path = tmp_path / "config.json"
    path.write_text('{\n\t"targets": ["a"],\n\t"experiments": {"a": {}}\n}')
    assert check_file(path) == []
    path.write_text("targets:\n\t- a\n")
    with pytest.raises(InputError, match="this is not YAML: found character"):
        check_file(path)


def test_a_key_of_two_lines_is_shown_in_one():
    with pytest.raises(InputError) as caught:
        resolve({"targets": ["a"], "experiments": {"a\nb": {}, "a": {}}})
    assert "experiments.a\\nb" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("section", "key", "here"),
    [
        ("samples.ddim", "guidance_scale", "guidance: {scale: VALUE}"),
        ("samples.ddim", "num_inference_steps", "steps"),
        ("samples.ddim", "scheduler", "sampler"),
        ("training", "lr", "learning_rate"),
        ("training", "max_steps", "steps"),
        ("diffusion", "num_train_timesteps", "noise_steps"),
        ("model", "image_size", "input_dim: [HEIGHT, WIDTH, CHANNELS]"),
    ],
)
def test_names_of_other_libraries_are_translated(section, key, here):
    own = nested(f"{section}.{key}", 3)
    with pytest.raises(InputError) as caught:
        resolve({"targets": ["a"], "experiments": {"a": own}})
    said = str(caught.value)
    assert said == f"experiments.a.{section}.{key}: unknown key (its value: 3); here it is {here}"


def test_what_others_call_a_setting_is_none_of_ours():
    ours = {path.rpartition(".")[2] for path in setting_paths()} | {"labels", "guidance", "sampler"}
    assert {*map(setting_of, PEERS.values())} <= ours


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"mine": {"seed": 3}}, "mine: is no key of the file; if it is an experiment, it belongs"),
        (
            {"experiments": {"a": {"figures": ["unipc_samples.png"]}}},
            "'unipc_samples.png' needs an entry 'unipc' in samples, which has ddpm, ddim",
        ),
        (
            {"experiments": {"a": {"trajectory": {"of": "unipc"}}}},
            "must be one of 'ddpm' or 'ddim', the entries of samples; write trajectory: {of: ddpm}",
        ),
    ],
    ids=str,
)
def test_what_newcomers_write(raw, said):
    with pytest.raises(InputError) as caught:
        resolve({"targets": ["a"], "experiments": {"a": {}}} | raw)
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("experiments", "said"),
    [
        ({"a": {"warmup_steps": 3}}, "a.warmup_steps: .*; it is a setting of training$"),
        ({"a": {"channels": 8}}, "a.channels: .*; it is a setting of model$"),
        ({"a": {"n_samples": 8}}, "a.n_samples: .*; it is a setting of samples.NAME, convergence"),
        ({"a": {"ddim": {"steps": 5}}}, "a.ddim: .*; it is an entry of samples: write samples: "),
        ({"samples": {"ddim": {}}}, "samples.ddim: .*; samples is a section, and no experiment"),
        ({"a": {"samples": {"ddpm": {"eta": 0.5}}}}, "ddpm.eta: .*; it is a knob of ddim$"),
        ({"a": {"model": {"width": 64}}}, "model.width: .*; it is a knob of dit$"),
        ({"a": {"samples": {"ddim": {"steps": [5, 9]}}}}, "steps: .*; several values of a setting"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value[:20],
)
def test_a_setting_in_the_wrong_place_is_told_the_right_one(experiments, said):
    with pytest.raises(InputError, match=f"^experiments.*{said}"):
        resolve({"targets": ["a"], "experiments": experiments})
