"""Titles: whatever differs besides the seed can be seen."""

from itertools import product

import pytest
from figure_files import (
    DIFFUSION,
    ENTRIES,
    FILES,
    checkpoint,
    draw,
    drawn,
    forward_file,
    said,
    samples_file,
    speed_file,
    trajectory_file,
)
from snakemake.iocontainers import Wildcards

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.render import RenderConfig
from sfumato.config.resolve import resolve
from sfumato.config.samples import SampleConfig
from sfumato.figures import names
from sfumato.figures.titles import (
    USUAL_DIFFUSION,
    USUAL_ENTRY,
    USUAL_KNOBS,
    chain_words,
    diffusion_words,
    network_words,
    schedule_words,
    short,
)
from sfumato.records.provenance import Record
from sfumato.workflow.plan import Plan

LOOK = RenderConfig(title="mine", dpi=50)


def entry(**settings):
    """Return what the record says of an entry."""
    return SampleConfig.model_validate(settings).model_dump(mode="json")


def words(record):
    return diffusion_words(Record.model_validate(record))


def test_two_entries_that_differ_have_two_titles():
    """All combinations of several values of every setting of an entry."""
    shared = {
        "steps": (1, 50, 1000),
        "spacing": ("leading", "linspace", "trailing"),
        "clip": (True, False, "dynamic"),
        "seed": (None, 0, 5),
    }
    own = {
        "ddim": {"eta": (0.0, 0.3, 0.3000001, 1e-7, 1.0)},
        "ddpm": {"variance": ("small", "large")},
    }
    entries = [
        entry(sampler=sampler, **dict(zip(knobs, values, strict=True)))
        for sampler, knob in own.items()
        for knobs in [{**shared, **knob}]
        for values in product(*knobs.values())
    ]
    guided = {"method": "classifier_free", "scale": 2.0}
    entries += [
        {**entries[0], "guidance": guidance}
        for guidance in (guided, {**guided, "scale": 3.0}, {**guided, "eta": 0.0})
    ]
    assert len({chain_words(each) for each in entries}) == len(entries)


def test_titles_are_read_as_a_sentence():
    assert chain_words(entry(sampler="ddim", steps=1)) == "DDIM, 1 step, eta 0"
    large = entry(sampler="ddpm", steps=1000, variance="large", clip=False)
    assert chain_words(large) == "DDPM, 1000 steps, variance large, no clip"
    assert chain_words({"sampler": "mine", "steps": None}, 7) == "MINE, 7 steps"
    assert (
        chain_words({"sampler": "mine", "steps": 9}, 7, nfe=13) == "MINE, 7 steps, 13 evaluations"
    )
    assert chain_words({"sampler": "mine", "steps": 9}, 9, nfe=9) == "MINE, 9 steps"
    dynamic = entry(sampler="ddim", steps=5, clip="dynamic", percentile=90, spacing="karras", rho=5)
    assert chain_words(dynamic).endswith("spacing karras, rho 5, clip dynamic, percentile 90")
    flow = {"noise_steps": 1000, "path": "linear", "beta_schedule": "linear", "beta_end": 0.1}
    assert schedule_words(flow) == "linear path, $T=1000$"
    guided = {**entry(sampler="ddim"), "guidance": {"method": "classifier_free", "scale": 2.0}}
    assert chain_words(guided).endswith("guidance (classifier_free, scale 2)")
    settings = {"sampler": "ddim", "labels": [0, 1], "seed": 5}
    every = entry(**settings, guidance={"scale": 2, "interval": [100, 800], "rescale": 0.5})
    words = "guidance (classifier_free, scale 2, interval [100, 800], rescale 0.5)"
    assert chain_words(every) == f"DDIM, classes 0, 1, eta 0, seed 5, {words}"
    away = entry(sampler="ddim", guidance={"method": "auto", "digest": "0123456789abcdef"})
    assert chain_words(away).endswith("guidance (auto, scale 2, digest 01234567)")


def test_two_networks_that_differ_have_two_titles():
    schedules = [
        {**DIFFUSION, **change}
        for change in (
            {},
            {"noise_steps": 100},
            {"beta_schedule": "cosine"},
            {"beta_start": 2e-4},
            {"beta_end": 0.03},
            {"prediction_type": "v"},
            {"path": "linear", "prediction_type": "u"},
            {"zero_terminal_snr": True, "prediction_type": "v"},
        )
    ]
    said_of = {words(drawn("a.npz", "ddim", ENTRIES["ddim"], diffusion=s)) for s in schedules}
    assert len(said_of) == len(schedules)


def test_what_is_left_unsaid_is_the_default():
    fields = SampleConfig.model_fields | DiffusionConfig.model_fields
    usual = USUAL_ENTRY | USUAL_DIFFUSION
    assert usual == {name: fields[name].default for name in usual}
    for sampler in ("dpm_solver", "unipc"):
        knobs = {knob for knob in USUAL_KNOBS if knob in entry(sampler=sampler)}
        assert knobs and not knobs & {*chain_words(entry(sampler=sampler, steps=9)).split()}
        for knob, other in {"final_order": 1, "variant": "bh1", "stochastic": True}.items():
            if knob in knobs:
                assert knob in chain_words(entry(sampler=sampler, **{knob: other}))


def test_a_network_says_what_it_has_learnt():
    records = {
        weights: Record.model_validate(checkpoint(weights)) for weights in ("fresh", "trained")
    }
    assert network_words(records["fresh"]) == "untrained network"
    assert network_words(records["trained"]) == "trained for 600 steps on mnist-5k"
    adopted = {
        "digest": "0",
        "provenance": records["trained"].model_dump(),
    }
    of = records["fresh"].model_dump() | {"script": "adopt.py", "inputs": {"pretrained": adopted}}
    assert network_words(Record.model_validate(of)) == "trained for 600 steps on mnist-5k"
    tuned = records["trained"].model_dump()
    tuned["settings"] |= {"weights": {"source": "finetuned"}, "training": {"steps": 9}}
    tuned["inputs"]["initial"] = {"digest": "0", "provenance": of}
    assert network_words(Record.model_validate(tuned)) == (
        "trained for 600 steps on mnist-5k, then for 9 steps on mnist-5k"
    )


@pytest.mark.parametrize(("weights", "state"), [("fresh", "untrained"), ("trained", "600 steps")])
def test_a_figure_is_told_from_others(weights, state, tmp_path):
    title, details = said(
        draw("samples", samples_file(tmp_path, 2, weights=weights, eta=0.3), LOOK)
    )
    assert title == "mine: DDIM, 20 steps, eta 0.3"
    assert state in details and "predicts epsilon; linear schedule, $T=1000$" in details
    title, details = said(draw("trajectory", trajectory_file(tmp_path, 2, weights=weights), LOOK))
    assert title == "mine: sample 0 of DDPM, 1000 steps, variance small" and state in details


def test_every_figure_begins_with_its_experiment(tmp_path):
    for name in set(names()) - {"animation"}:
        for look in (LOOK, LOOK.model_copy(update={"title": None})):
            title = said(draw(name, FILES[name](tmp_path, 2), look))[0]
            assert title.startswith("mine: ") == (look is LOOK)


def test_a_job_is_told_its_experiment_and_the_second_build_the_same():
    swept = {"sweeps": {"s": {"of": "ddim", "over": {"eta": [0, 1]}}}}
    plan = Plan(*resolve({"targets": ["a"], "experiments": {"a": swept, "b": swept}}))
    for name in names():
        settings = plan.settings(f"render_{name}")
        a, b, again = (
            settings(Wildcards(fromdict={"experiment": each, "name": "ddim", "sweep": "s"}))
            for each in ("a", "b", ".verify/a")
        )
        assert a == again != b and '"title":"a"' in a


@pytest.mark.parametrize(
    ("steps", "end"), [(1000, r"4.04\times10^{-5}"), (100, "0.364$, which is not pure noise")]
)
def test_forward_says_what_is_left_of_the_image_at_the_end(steps, end, tmp_path):
    paths = forward_file(tmp_path, 2, diffusion={**DIFFUSION, "noise_steps": steps})
    title, details = said(draw("forward", paths, LOOK))
    assert title == "mine: forward diffusion of test image 5"
    assert rf"at the last time $\bar\alpha_t={end}" in details
    assert r"$x_t=\alpha_t\,x_0+\sigma_t\,\epsilon$" in details


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"path": "linear"}, "linear path, $T=1000$"),
        ({"zero_terminal_snr": True}, "linear schedule, zero terminal SNR, $T=1000$"),
    ],
)
def test_forward_of_a_schedule_that_ends_in_noise(change, words, tmp_path):
    diffusion = {**DIFFUSION, **change, "prediction_type": "v"}
    details = said(draw("forward", forward_file(tmp_path, 2, diffusion=diffusion), LOOK))[1]
    assert words in details and details.endswith(r"at the last time $\bar\alpha_t=0$")


@pytest.mark.parametrize("name", ["forward", "nearest", "samples", "sweep", "told", "trajectory"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_channels_that_are_not_shown_are_said(name, channels, tmp_path):
    details = said(draw(name, FILES[name](tmp_path, 2, shape=(6, 6, channels))))[1]
    assert (f"channel 0 of {channels}" in details) == (channels in (2, 4))


def test_runs_of_one_sampler_have_their_names_and_settings(tmp_path):
    labels = draw("speed", speed_file(tmp_path, 3), LOOK).axes[0].get_yticklabels()
    texts = [label.get_text().replace("\n", " ") for label in labels]
    assert texts[1:] == [
        "DDIM, 50 steps, eta 0, 8 samples",
        "fast: DDIM, 2 steps, eta 0, 8 samples",
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(20.25, "20.2"), (1000, "1000"), (0.0001234, "0.000123"), (0, "0")]
)
def test_measured_numbers_have_three_digits(value, text):
    assert short(value) == text
