"""What is said of settings that are allowed: nothing reads them, or they hardly mean it."""

import numpy as np
import pytest
import yaml
from conftest import ROOT, nested

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.notices import notices
from sfumato.config.resolve import resolve
from sfumato.errors import InputError


def said_of(own, defaults=None, as_listed=True):
    """Return what is said of an experiment `a`, without its name."""
    defaults = defaults or {}
    raw = {"targets": ["a"], "defaults": defaults, "experiments": {"a": own}}
    found = notices("a", own, resolve(raw)[1]["a"], as_listed, defaults)
    assert all(each.startswith("experiments.a.") for each in found)
    return [each.removeprefix("experiments.a.") for each in found]


def test_nothing_is_said_of_the_shipped_experiments():
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    for name, experiment in resolve(raw)[1].items():
        own = raw["experiments"][name] or {}
        assert notices(name, own, experiment, True, raw["defaults"]) == []


SHORT = {"forward": {"timesteps": [0]}, "samples": {"ddpm": {"steps": 50}, "ddim": {"steps": 5}}}


@pytest.mark.parametrize(
    ("diffusion", "left", "remedy"),
    [
        (
            {"noise_steps": 100},
            "0.364 after 100",
            "beta_end: 0.2, or beta_schedule: cosine, or more",
        ),
        (
            {"noise_steps": 60, "beta_schedule": "sigmoid"},
            "0.544 after 60",
            "beta_end: 0.3, or beta",
        ),
        ({"noise_steps": 500}, "0.00635 after 500", "beta_end: 0.03"),
        ({"beta_end": 0.01}, "0.0063 after 1000", "beta_end: 0.02"),
        (
            {"beta_schedule": "scaled_linear", "beta_end": 0.01},
            "0.0244 after 1000",
            "beta_end: 0.02",
        ),
    ],
)
def test_a_schedule_that_does_not_reach_noise(diffusion, left, remedy):
    """Also where the defaults say so: the samples are no samples."""
    found = said_of({}, SHORT | {"diffusion": diffusion})
    (said,) = found
    assert said.startswith(f"diffusion: alpha_bar_T is {left} noise_steps, so x_T still shows")
    assert f"set {remedy}" in said
    key, _, value = remedy.partition(", or")[0].partition(": ")
    assert DiffusionConfig(**{**diffusion, key: float(value)}).left_over() == ""


@pytest.mark.parametrize("schedule", ["linear", "cosine", "quadratic", "scaled_linear", "sigmoid"])
def test_a_schedule_that_reaches_noise(schedule):
    assert DiffusionConfig(beta_schedule=schedule).left_over() == ""


@pytest.mark.parametrize("noise_steps", [1, 2, 5, 20, 5000])
def test_the_cosine_schedule_always_reaches_noise(noise_steps):
    assert DiffusionConfig(beta_schedule="cosine", noise_steps=noise_steps).left_over() == ""
    assert "set beta_schedule: cosine" in DiffusionConfig(noise_steps=2).left_over()


def test_a_network_that_cannot_learn_times_is_said_where_it_would():
    model = {"channels": 8, "channel_multipliers": [1], "attention_levels": []}
    (said,) = said_of({"weights": {"source": "trained"}, "model": model})
    assert said.startswith("model.norm_groups: 8 puts each channel into a group of its own")
    assert said_of({"weights": {"source": "trained"}, "model": model | {"channels": 16}}) == []


def test_a_chain_that_starts_where_there_is_no_noise_yet():
    entry = {"sampler": "ddim", "steps": 2, "spacing": "leading"}
    (said,) = said_of({"samples": {"few": entry}})
    assert said == (
        "samples.few.spacing: with leading the chain starts at t = 500, where alpha_bar is 0.0778, "
        "and from pure noise; use trailing, or more steps"
    )
    assert said_of({"samples": {"few": entry | {"spacing": "trailing"}}}) == []
    assert said_of({"samples": {"few": entry | {"steps": 50}}}) == []


FLOW = {"path": "linear", "prediction_type": "u"}


@pytest.mark.parametrize("diffusion", [FLOW, {"zero_terminal_snr": True, "prediction_type": "v"}])
def test_a_schedule_that_ends_in_noise(diffusion):
    """However few its steps are; and then a chain that starts earlier is said to."""
    assert DiffusionConfig(**diffusion, noise_steps=5).left_over() == ""
    (said,) = said_of(
        {"diffusion": diffusion, "samples": {"ddim": {"steps": 2, "spacing": "leading"}}}
    )
    assert said.startswith("samples.ddim.spacing: with leading the chain starts at t = 500, where")
    left = DiffusionConfig(noise_steps=5, prediction_type="v").left_over()
    assert "set beta_schedule: cosine, or zero_terminal_snr: true, or more noise_steps" in left


@pytest.mark.parametrize("key", ["beta_schedule", "beta_start", "beta_end", "zero_terminal_snr"])
def test_betas_on_the_linear_path(key):
    value = {"beta_schedule": "cosine", "zero_terminal_snr": True}.get(key, 0.01)
    (said,) = said_of({"diffusion": {**FLOW, key: value}})
    assert said == f"diffusion.{key}: is ignored, since diffusion.path is linear"


def test_steps_that_fall_together():
    """The chain is shorter than asked for; all that counts its steps knows."""
    entry = {"sampler": "ddim", "steps": 500, "spacing": "logsnr"}
    (said,) = said_of({"samples": {"few": entry}})
    lam = DiffusionConfig().log_ratios()
    even = np.linspace(lam[-1], lam[0], 500)
    visited = {int(np.abs(lam - each).argmin()) for each in even}
    assert said == (
        f"samples.few.spacing: logsnr makes {len(visited)} steps of 500, since some of its times "
        "fall on one noise step, which is visited once"
    )
    few = {"samples": {"few": entry | {"steps": 20}}}
    assert said_of(few) == []
    many = {"of": "few", "over": {"steps": [20, 500], "clip": [True, False]}}
    (same,) = said_of({**few, "sweeps": {"s": many}})
    assert same == said.replace("samples.few.spacing", "sweeps.s")
    scored = said_of({**few, "evaluation": {"runs": [many]}, "figures": ["quality_vs_nfe.png"]})
    assert scored == [said.replace("samples.few.spacing", "evaluation.runs")]
    with pytest.raises(InputError) as caught:
        said_of(
            {
                "samples": {"few": entry | {"steps": 5, "spacing": "karras", "rho": 100}},
                "diffusion": {"noise_steps": 6, "beta_schedule": "cosine"},
                "forward": {"timesteps": [0]},
                "trajectory": {"of": "few", "snapshots": 5},
            },
            SHORT,
        )
    assert "snapshots: 5 must be at most samples.few.steps (5, of which karras" in str(caught.value)


@pytest.mark.parametrize("channels", [2, 4])
def test_channels_that_no_figure_shows(channels):
    (said,) = said_of({}, {"model": {"input_dim": [28, 28, channels]}})
    assert said.startswith(
        f"model.input_dim: {channels} channels are drawn, and figures show the fi"
    )


def test_guidance_by_a_network_that_never_does_without_a_class():
    guided = {"samples": {"ddim": {"labels": 3, "guidance": {"scale": 2}}}}
    trained = {"weights": {"source": "trained"}, "model": {"num_classes": 10}}
    (said,) = said_of({}, {**guided, **trained, "training": {"label_dropout": 0}})
    assert said.startswith("samples.ddim.guidance: asks the network without a class, and with tr")
    assert said_of({}, {**guided, **trained}) == []


@pytest.mark.parametrize(
    ("dropout", "labels", "said"),
    [
        (0, None, "asks the network without a class, and with training.label_dropout 0"),
        (0, [3, -1], "asks the network without a class, and with training.label_dropout 0"),
        (1, [3, -1], None),
        (0, [3], None),
        (0, "random", None),
        (1, [3], "asks for a class, and with training.label_dropout 1 the network learns none"),
        (1, "random", "asks for a class, and with training.label_dropout 1 the network learns"),
        (1, None, None),
        (0.1, None, None),
    ],
    ids=str,
)
def test_entries_that_ask_for_what_label_dropout_does_not_teach(dropout, labels, said):
    found = said_of(
        {
            "weights": {"source": "trained"},
            "model": {"num_classes": 10},
            "training": {"label_dropout": dropout},
            "samples": {"ddpm": None, "ddim": {"labels": labels}},
        }
    )
    assert [each.partition(": ")[0] for each in found] == ["samples.ddim.labels"] * bool(said)
    assert not said or found[0].partition(": ")[2].startswith(said)


def test_an_interval_that_holds_no_time_of_the_chain():
    entry = {"sampler": "ddim", "steps": 10, "labels": 1, "guidance": {"interval": [905, 990]}}
    own = {"model": {"num_classes": 10}, "samples": {"few": entry}}
    (said,) = said_of(own)
    assert said == (
        "samples.few.guidance.interval: [905, 990] holds none of the times that the chain visits, "
        "so nothing is guided; the nearest is 899"
    )
    assert said_of(own | {"samples": {"few": entry | {"steps": 100}}}) == []


@pytest.mark.parametrize("loss", ["l1", "huber"])
def test_min_snr_weights_squared_errors(loss):
    training = {"weighting": "min_snr", "loss": loss}
    (said,) = said_of({"weights": {"source": "trained"}, "training": training})
    assert said.startswith(
        f"training.weighting: min_snr weights squared errors, and loss is {loss}"
    )


IGNORED = {
    "training.steps": ({}, 3000, "training", "weights.source is fresh, not trained"),
    "training.min_snr_gamma": (
        {"weights": {"source": "trained"}},
        3,
        "training.min_snr_gamma",
        "training.weighting is uniform",
    ),
    "training.label_dropout": (
        {"weights": {"source": "trained"}},
        0.3,
        "training.label_dropout",
        "model.num_classes is 0",
    ),
    "weights.folder": ({}, "x", "weights.folder", "weights.source is fresh, not pretrained"),
    "model.dropout": ({}, 0.1, "model.dropout", "weights.source is fresh"),
    "model.attention_heads": (
        {"model": {"attention_levels": []}},
        2,
        "model.attention_heads",
        "model.attention_levels is []",
    ),
    "diffusion.beta_start": (
        {"diffusion": {"beta_schedule": "cosine"}},
        1e-5,
        "diffusion.beta_start",
        "diffusion.beta_schedule is cosine",
    ),
    "diffusion.beta_end": (
        {"diffusion": {"beta_schedule": "cosine"}},
        0.01,
        "diffusion.beta_end",
        "diffusion.beta_schedule is cosine",
    ),
    "data.folder": ({}, "x", "data.folder", "data.source is mnist-5k"),
    "data.url": ({"data": {"source": "noise"}}, "x", "data.url", "data.source is noise"),
    "data.fit": ({}, "pad", "data.fit", "data.source is mnist-5k"),
    "guidance_classifier.steps": (
        {},
        5,
        "guidance_classifier",
        "no entry of samples has the guidance classifier",
    ),
    "render.colormap": (
        {"model": {"input_dim": [28, 28, 3]}},
        "magma",
        "render.colormap",
        "images of 3 channels have their own colours",
    ),
    "trajectory.snapshots": (
        {"samples": {"ddpm": None}},
        3,
        "trajectory",
        "samples has no entry ddpm",
    ),
    "samples.ddpm.rho": ({}, 5, "samples.ddpm.rho", "spacing is trailing, not karras"),
    "samples.ddpm.percentile": ({}, 99, "samples.ddpm.percentile", "clip is true, not dynamic"),
    "samples.ddpm.spacing": (
        {},
        "leading",
        "samples.ddpm.spacing",
        "the chain visits every time",
    ),
}
"""A setting; what says that nothing reads it; its value; what is named; and the reason."""


@pytest.mark.parametrize("path", IGNORED)
def test_what_nothing_reads(path):
    """Where the experiment sets it, and not where the defaults do or where something reads it."""
    others, value, named, reason = IGNORED[path]
    section, _, key = path.partition(".")
    own = others | {section: {**others.get(section, {}), **nested(key, value)}}
    assert said_of(own) == [f"{named}: is ignored, since {reason}"]
    assert said_of(others, nested(path, value)) == []


@pytest.mark.parametrize(
    "own",
    [
        {"weights": {"source": "trained"}, "training": {"steps": 3000}},
        {"weights": {"source": "trained"}, "model": {"dropout": 0.1}},
        {"weights": {"source": "pretrained", "folder": "x"}, "model": {"dropout": 0.1}},
        {"data": {"source": "mnist", "folder": "x", "url": "y"}},
        {"data": {"source": "images", "folder": "x", "fit": "pad"}},
        {"diffusion": {"beta_end": 0.03}},
        {"render": {"colormap": "magma"}},
        {"trajectory": {"snapshots": 3}},
        {"samples": {"ddim": {"spacing": "leading"}}},
        {"samples": {"ddim": {"spacing": "karras", "rho": 5}}},
        {"samples": {"ddim": {"clip": "dynamic", "percentile": 99}}},
        {"training": {}},
        {"evaluation": {"seeds": 3}},
    ],
    ids=str,
)
def test_what_something_reads(own):
    assert said_of(own) == []


def test_what_only_figures_read_that_are_not_listed():
    """Not where other files are asked for: all of them can be built on demand."""
    own = {
        "figures": ["ddim_samples.png", "trajectory.png"],
        "forward": {"index": 3},
        "trajectory": {"frames": 3, "snapshots": 3},
        "render": {"columns": 3, "frames_per_second": 3},
        "evaluation": {"seeds": 3},
        "sweeps": {"s": {"of": "ddim"}},
    }
    why = "is ignored, since figures lists no"
    assert said_of(own) == [
        f"forward: {why} forward.png",
        f"trajectory.frames: {why} trajectory.gif",
        f"render.frames_per_second: {why} trajectory.gif",
        f"sweeps: {why} sweep_*.png",
        f"evaluation: {why} quality_vs_nfe.png and no guidance.png and no sizes.png and no "
        "nearest.png and no told.png",
    ]
    assert said_of(own, as_listed=False) == []
    all_of_it = {**own, "figures": None}
    assert said_of(all_of_it) == []


def test_null_for_an_entry_that_there_is_not():
    (said,) = said_of({"samples": {"dppm": None, "ddpm": None}})
    assert said == (
        "samples.dppm: is ignored, since null removes an entry of the defaults; did you mean "
        "'ddpm'?"
    )
    assert said_of({"samples": {"few": None}}, {"samples": {"few": {"sampler": "ddim"}}}) == []
    sweeps = {"sweeps": {"steps": {"of": "ddim"}}}
    assert said_of({"sweeps": {"steps": None}}, sweeps) == []
    assert said_of({"sweeps": {"step": None}}, sweeps) == [
        "sweeps.step: is ignored, since null removes a sweep of the defaults; did you mean 'steps'?"
    ]
