"""A thousand configs and a thousand files that nobody would write: a result or a sentence."""

import contextlib
import importlib
import io
import json
import shutil
import warnings
from datetime import timedelta

import jax
import numpy as np
import pytest
import yaml
from conftest import ROOT, TINY, setting_paths, snakemake
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from snakemake.iocontainers import Wildcards
from tiny_build import build

from sfumato.compute.randomness import normal
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.file import check_file
from sfumato.config.resolve import resolve
from sfumato.diffusion.prediction import Prediction
from sfumato.diffusion.schedule import make_schedule
from sfumato.diffusion.times import SPACINGS
from sfumato.errors import InputError
from sfumato.guidance.clipping import Clipping
from sfumato.records.arrays import save_arrays
from sfumato.records.opening import open_record
from sfumato.samplers import DDIM, DDPM
from sfumato.workflow.lookup import stage
from sfumato.workflow.plan import Plan
from sfumato.workflow.settings import read_settings

pytestmark = pytest.mark.quick_compile

explain = importlib.import_module("explain")

fuzz = settings(
    max_examples=350,  # of configs, three tests: a thousand together
    deadline=timedelta(seconds=20),  # no hang
    derandomize=True,  # the same cases in every run
    database=None,
    suppress_health_check=list(HealthCheck),
)

PATHS = setting_paths()
WORDS = st.sampled_from(
    "linear cosine sigmoid epsilon v x_0 noise mnist-5k gray viridis trailing leading small "
    "ddim ddpm unet trained inpaint vary invert interpolate restore half".split()
)
NUMBERS = st.one_of(
    st.integers(-3, 40),
    st.integers(),
    st.floats(),
    st.floats(1e-5, 0.5),
    st.sampled_from([1e-4, 0.02, 1000, 2**31, 2**63, 10**30, 1e308]),
)
LISTS = st.lists(st.integers(-2, 30), max_size=5)
JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.text(max_size=8), NUMBERS, st.dates()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
MORE_PATHS = [
    *("samples.mine.sampler", "samples.mine.eta", "samples.mine.steps", "samples.ddim"),
    *("samples.ddim.labels", "samples.mine.labels", "samples.ddim.guidance.scale"),
    *("samples.ddim.guidance.interval", "samples.ddim.guidance.rescale", "model.num_classes"),
    *("samples.mine.guidance.checkpoint", "samples.mine.guidance.digest"),
    *("samples.mine", "samples.ddpm.guidance", "samples.ddpm.guidance.method", "samples.ddpm.eta"),
    *("samples.ddim.edit", "samples.ddim.edit.kind", "samples.ddim.edit.mask"),
    *("samples.ddim.edit.strength", "samples.ddim.edit.image", "samples.ddim.edit.file"),
    *("sweeps.s", "sweeps.s.of", "sweeps.s.over", "sweeps.s.over.steps", "sweeps.s.over.eta"),
]
KEYS = st.one_of(
    st.sampled_from(PATHS), st.sampled_from([*PATHS, *MORE_PATHS]), st.text(max_size=12)
)
OVERRIDES = st.dictionaries(KEYS, st.one_of(NUMBERS, WORDS, LISTS, st.booleans(), JUNK), max_size=4)


def nest(flat):
    """Turn {"a.b": 1} into {"a": {"b": 1}}; what does not fit replaces."""
    whole = {}
    for path, value in flat.items():
        *sections, key = path.split(".")
        place = whole
        for section in sections:
            if not isinstance(place.get(section), dict):
                place[section] = {}
            place = place[section]
        place[key] = value
    return whole


STAGES = ("prepare_data", "initialise", "train", "forward", "sample", "trajectory")


def accepted(config):
    """Check a config as the workflow does; every job must then accept what it is handed."""
    plan = Plan(*resolve(config))
    for name in plan.names:
        experiment = plan.experiments[name]
        for asked in STAGES:
            if asked == "trajectory" and experiment.trajectory.of not in experiment.samples:
                continue  # which has no trajectory
            entries = experiment.samples if asked == "sample" else [None]
            for entry in entries:
                wildcards = {"experiment": name} | ({"name": entry} if entry else {})
                text = plan.settings(asked)(Wildcards(fromdict=wildcards))
                if text != "null":
                    again = read_settings(stage(asked).settings, text)
                    assert json.loads(text) == again.model_dump(mode="json")


def one_sentence_each(error):
    text = str(error)
    said = text.partition(": ")[2]  # after the key, which may be any word
    assert ": " in text and "Traceback" not in text and "pydantic" not in said


@fuzz
@given(OVERRIDES, OVERRIDES, st.booleans())
def test_configs(defaults, override, tiny):
    base = dict(TINY) if tiny else {}
    config = {
        "targets": ["a"],
        "defaults": {**base, **nest(defaults)},
        "experiments": {"a": nest(override)},
    }
    try:
        accepted(config)
    except InputError as error:
        one_sentence_each(error)


@fuzz
@given(st.one_of(JUNK, st.fixed_dictionaries({"targets": JUNK, "experiments": JUNK})))
def test_configs_of_another_shape(config):
    with contextlib.suppress(InputError):
        accepted(config)


SHIPPED = (ROOT / "config.yaml").read_bytes()


@fuzz
@given(
    st.lists(
        st.tuples(st.integers(0, len(SHIPPED)), st.integers(0, 30), st.binary(max_size=6)),
        min_size=1,
        max_size=3,
    )
)
def test_config_files(tmp_path_factory, edits):
    """Some bytes of the shipped file replaced, at a few places."""
    content = SHIPPED
    for start, length, new in edits:
        content = content[:start] + new + content[start + length :]
    path = tmp_path_factory.getbasetemp() / "fuzzed.yaml"
    path.write_bytes(content)
    try:
        check_file(path)
        accepted(yaml.safe_load(content))
    except InputError as error:
        assert str(error)


def of_some_class(settings):
    """Let the network know a class where samples of one are asked for."""
    asked = settings.get("samples.ddim.labels") is not None
    return settings | ({"model.num_classes": 1} if asked else {})


def of_some_path(settings):
    """Have the network predict what can be known where nothing is left of the image."""
    linear = settings.get("diffusion.path") == "linear"
    whole = linear or settings.get("diffusion.zero_terminal_snr", False)
    predicts_noise = settings.get("diffusion.prediction_type", "epsilon") == "epsilon"
    return (
        settings
        | ({"diffusion.prediction_type": "u"} if whole and predicts_noise else {})
        | ({"diffusion.zero_terminal_snr": False} if linear else {})
    )


def valid_tiny():
    """Return settings that are fine alone and together, and cost little."""
    return st.fixed_dictionaries(
        {},
        optional={
            "seed": st.integers(0, 2**32 - 1),
            "model.input_dim": st.tuples(*[st.integers(1, 9)] * 2, st.integers(1, 4)).map(list),
            "model.num_classes": st.integers(0, 3),
            "diffusion.noise_steps": st.integers(20, 300),
            "diffusion.beta_schedule": st.sampled_from(["linear", "cosine", "sigmoid"]),
            "diffusion.prediction_type": st.sampled_from(["epsilon", "x_0", "v", "u"]),
            "diffusion.path": st.sampled_from(["variance_preserving", "linear"]),
            "diffusion.zero_terminal_snr": st.booleans(),
            "sampling.micro_batch": st.integers(1, 6),
            "samples.ddim.n_samples": st.integers(1, 9),
            "samples.ddim.steps": st.integers(1, 20),
            "samples.ddim.eta": st.floats(0, 1),
            "samples.ddim.spacing": st.sampled_from([*SPACINGS]),
            "samples.ddim.rho": st.floats(1, 10),
            "samples.ddim.clip": st.sampled_from([True, False, "dynamic"]),
            "samples.ddim.labels": st.none()
            | st.just(0)
            | st.lists(st.integers(-1, 0), min_size=1),
        },
    ).map(lambda settings: of_some_class(of_some_path(settings)))


@settings(fuzz, max_examples=4, deadline=None)
@given(valid_tiny())
def test_valid_configs_run(tmp_path_factory, override):
    """From weights to a figure; a blank image is the one thing that an odd network may draw."""
    folder = tmp_path_factory.mktemp("fuzzed")
    try:
        build(["checkpoint", "ddim_samples.npz", "ddim_samples.png"], folder, nest(override))
    except SystemExit as stopped:
        assert "every image is blank" in str(stopped.code)
    shutil.rmtree(folder)


@settings(fuzz, max_examples=4, deadline=None)
@given(OVERRIDES)
def test_dry_runs(copied_once, override):
    """Snakemake itself: it says what it would run, or a sentence on the config."""
    content = {"targets": ["a"], "defaults": TINY, "experiments": {"a": nest(override)}}
    (copied_once / "config.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))
    done = snakemake(copied_once, "-n")
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == 0 or ": " in done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def copied_once(built, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dry") / "a project"
    return shutil.copytree(built[0], folder, symlinks=True)


@pytest.fixture(scope="module")
def contents(built):
    """Return the bytes of every kind of file."""
    place = built[0] / "results" / "tiny"
    files = [path for path in place.iterdir() if path.is_file()]
    return [path.read_bytes() for path in files]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzzed files")


def explained(path, *more):
    """Explain a file; the answer is words, or one sentence."""
    with contextlib.redirect_stdout(io.StringIO()) as out, warnings.catch_warnings(action="error"):
        try:
            explain.main([str(path), *more])
        except SystemExit as stopped:
            assert isinstance(stopped.code, str) and stopped.code.startswith("error: ")
            return False
    assert out.getvalue()
    return True


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "zero", "copy"]),
        st.floats(0, 1),
        st.floats(0, 1),
        st.binary(min_size=1, max_size=8),
    ),
    max_size=4,
)


@settings(fuzz, max_examples=400)  # and with the two below a thousand files
@given(st.integers(0, 10**6), EDITS, st.booleans())
def test_files(contents, folder, which, edits, config):
    content = contents[which % len(contents)]
    for kind, here, there, data in edits:
        i, j = sorted((int(here * len(content)), int(there * len(content))))
        match kind:
            case "flip":
                content = (
                    content[:i] + bytes(b ^ 0xFF for b in content[i : i + 1]) + content[i + 1 :]
                )
            case "cut":
                content = content[:i]
            case "insert":
                content = content[:i] + data + content[i:]
            case "zero":
                content = content[:i] + bytes(min(j - i, 64)) + content[min(j, i + 64) :]
            case "copy":
                content = content[:i] + content[j:] + content[i:j]
    path = folder / "file"
    path.write_bytes(content)
    whole = explained(path, *(["--config"] if config else []))
    assert whole or edits


@settings(fuzz, max_examples=300)
@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"{"]),
)
def test_files_of_noise(folder, content, start):
    (folder / "noise").write_bytes(start + content)
    assert not explained(folder / "noise")


@settings(fuzz, max_examples=300)
@given(st.data())
def test_records_of_another_shape(built, folder, data):
    """A whole .npz whose provenance says something odd."""
    opened = open_record(built[0] / "results" / "tiny" / "ddim_samples.npz")
    record = opened.record.model_dump()
    place, key = record, None
    for _ in range(data.draw(st.integers(1, 5))):
        key = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or not place[key]:
            break
        if data.draw(st.booleans()):
            place = place[key]
    place[key if key in place else "new"] = data.draw(JUNK.filter(is_json))
    save_arrays(folder / "odd.npz", opened.read(), record)
    explained(folder / "odd.npz", *data.draw(st.sampled_from([[], ["--config"]])))


def is_json(value):
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


TIMES = st.integers(0, 999)
STATES = st.lists(st.floats(-3, 3, width=32), min_size=6, max_size=6)


def alpha_bars(beta_start, beta_end):
    """alpha_bar_t in float64, and 1 for the data, at the end."""
    return np.append(np.cumprod(1 - np.linspace(beta_start, beta_end, 1000)), 1.0)


@settings(fuzz, max_examples=300, deadline=None)
@given(
    st.floats(1e-5, 1e-3),
    st.floats(2e-3, 0.03),
    TIMES,
    st.integers(-1, 998),
    STATES,
    STATES,
    st.floats(0, 1),
    st.sampled_from(["small", "large"]),
    st.booleans(),
)
def test_steps_of_gaussian_laws(b_0, b_1, t, s, x, eps, eta, variance, clip):
    """One step of each sampler in float64: DDIM's equation 12, and Bayes' rule for DDPM."""
    if s >= t:
        s = t - 1
    schedule = make_schedule(DiffusionConfig(beta_start=b_0, beta_end=b_1))
    a = alpha_bars(b_0, b_1)
    a_t, a_s = a[t], a[s]
    x, eps, keys = np.array(x), np.array(eps), jax.random.key(1)[None]
    z = np.asarray(normal(keys, np.zeros((1, 6), np.float32))[0], np.float64)
    x_0 = (x - np.sqrt(1 - a_t) * eps) / np.sqrt(a_t)
    said = Prediction(*(np.float32(part[None]) for part in (x_0, eps)))
    eps_of = eps
    if clip:
        x_0 = x_0.clip(-1, 1)
        eps_of = (x - np.sqrt(a_t) * x_0) / np.sqrt(1 - a_t)
    sigma = eta * np.sqrt((1 - a_s) / (1 - a_t) * (1 - a_t / a_s))
    ddim = np.sqrt(a_s) * x_0 + np.sqrt(1 - a_s - sigma**2) * eps_of + sigma * z
    ratio, between = a_t / a_s, 1 - a_t / a_s  # q(x_t | x_s) = N(sqrt(ratio) x_s, between)
    if s >= 0:
        precision = 1 / (1 - a_s) + ratio / between
        mean = (np.sqrt(a_s) * x_0 / (1 - a_s) + np.sqrt(ratio) * x / between) / precision
        ddpm = mean + np.sqrt(1 / precision if variance == "small" else between) * z
    else:
        ddpm = x_0
    scale = 1e-4 * (1 + np.abs(x_0).max() + np.abs(eps_of).max())
    denoise = Clipping()(lambda *_: said, schedule) if clip else lambda *_: said
    for sampler, expected in ((DDIM(eta), ddim), (DDPM(variance), ddpm)):
        x_t = np.float32(x[None])
        step = sampler.step(lambda x, t: denoise(x, t, {}), schedule, x_t, t, s, keys, ())
        np.testing.assert_allclose(step.x[0], expected, atol=scale)


def test_what_is_fuzzed_is_not_all_refused():
    """The strategies reach both sides: valid configs as well as invalid ones."""
    outcomes = set()

    @settings(fuzz, max_examples=200)
    @given(OVERRIDES)
    def run(override):
        try:
            accepted({"targets": ["a"], "experiments": {"a": nest(override)}})
            outcomes.add("fine")
        except InputError:
            outcomes.add("refused")

    run()
    assert outcomes == {"fine", "refused"}
