"""Entries with an edit in the workflow: what they read, what reruns them, what their jobs write."""

import importlib

import numpy as np
import pytest
from conftest import TINY
from PIL import Image
from snakemake.iocontainers import Wildcards

from sfumato.config.resolve import resolve
from sfumato.records.opening import open_record
from sfumato.workflow.plan import Plan

pytestmark = pytest.mark.quick_compile

SHORT = {"sampler": "ddim", "steps": 4, "n_samples": 4}
ENTRIES = {
    "inpainted": {**SHORT, "edit": {"kind": "inpaint", "resample": 2, "mask": {"random": 0.5}}},
    "varied": {**SHORT, "sampler": "ddpm", "edit": {"kind": "vary", "image": 1}},
    "inverted": {**SHORT, "clip": False, "edit": {"kind": "invert"}},
}
PLAIN = {"ddim": SHORT}


def plan_of(entries, **settings):
    """Return the plan of the tiny experiment with other entries."""
    defaults = {**TINY, "samples": {"ddpm": None, "ddim": None, **entries}}
    defaults["figures"] = ["forward.png"]
    defaults.pop("trajectory")
    raw = {"targets": ["tiny"], "defaults": defaults, "experiments": {"tiny": settings}}
    return Plan(*resolve(raw))


def asked(plan, name, ask):
    return ask(Wildcards(fromdict={"experiment": "tiny", "name": name}))


def parameters(plan, name):
    """Return what Snakemake compares of the job that draws an entry."""
    return [asked(plan, name, plan.settings("sample")), asked(plan, name, plan.making("sample"))]


def changed(before, after, names=(*PLAIN, *ENTRIES)):
    return {name for name in names if parameters(before, name) != parameters(after, name)}


@pytest.fixture(scope="module")
def plan():
    return plan_of(PLAIN | ENTRIES)


def test_only_edits_read_the_data(plan):
    assert asked(plan, "ddim", plan.results_read("sample")) == []
    for name in ENTRIES:
        assert asked(plan, name, plan.results_read("sample")) == ["results/tiny/data.npz"]
        words = plan.files_read("sample")(
            Wildcards(fromdict={"experiment": "tiny", "name": name}), None
        )
        assert words == ["--read=data=results/tiny/data.npz"]


def test_what_reruns_an_edit(plan):
    """Other images, and its own knobs; those of the data concern no plain entry."""
    others = plan_of(PLAIN | ENTRIES, data={"n_images": 13})
    assert changed(plan, others) == set(ENTRIES)
    for name, edit in {
        "inpainted": {"resample": 3},
        "varied": {"strength": 0.5},
        "inverted": {"image": 2},
    }.items():
        samples = {name: {"edit": edit}}
        assert changed(plan, plan_of(PLAIN | ENTRIES, samples=samples)) == {name}


def test_an_edit_s_own_files_rerun_it_by_their_content(tmp_path):
    def with_mask(name, value):
        array = np.zeros((8, 8), np.uint8)
        array[:, :value] = 255
        Image.fromarray(array).save(tmp_path / name)
        edit = {"kind": "inpaint", "mask": {"file": str(tmp_path / name)}}
        return plan_of(PLAIN | {"inpainted": {**SHORT, "edit": edit}})

    names = ("ddim", "inpainted")
    before = with_mask("a.png", 4)
    assert changed(before, with_mask("b.png", 4), names) == set()
    assert changed(before, with_mask("c.png", 5), names) == {"inpainted"}


def run(plan, stage, name, *words):
    """Call a script with the settings of the job that draws an entry, or shows it."""
    script = "render" if stage.startswith("render_") else stage
    importlib.import_module(script).main(
        [*words, "--config", asked(plan, name, plan.settings(stage))]
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return the folder with the samples of every edit, and what draws them once more."""
    folder = tmp_path_factory.mktemp("edits")
    plan = plan_of(ENTRIES, sampling={"micro_batch": 2})
    run(plan, "prepare_data", "varied", f"--output={folder}/data.npz")
    run(plan, "initialise", "varied", f"--output={folder}/checkpoint")

    def draw(name, file, *words):
        read = (f"--checkpoint={folder}/checkpoint", f"--read=data={folder}/data.npz")
        written = (f"--output={folder}/{file}.npz", f"--timing={folder}/{file}.json")
        run(plan, "sample", name, *read, *written, *words)

    for name in ENTRIES:
        draw(name, f"{name}_samples")
    return folder, plan, draw


def arrays_of(folder, name):
    return open_record(folder / f"{name}_samples.npz").read()


def test_what_is_written_beside_the_samples(made):
    folder, _, _ = made
    images = open_record(folder / "data.npz", "test_images").read()["test_images"]
    drawn = {name: arrays_of(folder, name) for name in ENTRIES}
    for name, shown in {
        "inpainted": {"original", "known", "mask"},
        "varied": {"original"},
        "inverted": {"original", "noise"},
    }.items():
        assert drawn[name].keys() == {"images", "timesteps", *shown}
        assert all(array.dtype == np.float32 for array in (drawn[name][each] for each in shown))
        asked_for = images[:4] if name != "varied" else np.repeat(images[1:2], 4, axis=0)
        np.testing.assert_array_equal(drawn[name]["original"], asked_for)
    mask = drawn["inpainted"]["mask"].astype(bool)
    completed = drawn["inpainted"]["images"][..., 0]
    np.testing.assert_array_equal(completed[mask], images[:4, ..., 0][mask])
    assert (completed[~mask] != images[:4, ..., 0][~mask]).all()
    record = open_record(folder / "varied_samples.npz").record
    assert record.inputs["data"].digest == open_record(folder / "data.npz").digest


@pytest.mark.parametrize("name", ENTRIES)
def test_shards_of_an_edit_joined_are_what_one_job_writes(name, made):
    folder, plan, draw = made
    for k in (1, 2):
        draw(name, f"{name}-{k}", f"--shard={k}/2")
    shards = [folder / f"{name}-{k}" for k in (2, 1)]
    words = [
        *("--arrays", *(f"{each}.npz" for each in shards)),
        *("--timings", *(f"{each}.json" for each in shards)),
        *("--output", f"{folder}/joined.npz", "--timing", f"{folder}/joined.json"),
    ]
    importlib.import_module("gather").main([str(word) for word in words])
    whole = (folder / f"{name}_samples.npz").read_bytes()
    assert (folder / "joined.npz").read_bytes() == whole


@pytest.mark.parametrize("name", ENTRIES)
def test_the_figure_of_an_edit(name, made):
    folder, plan, _ = made
    words = ("--inputs", f"{folder}/{name}_samples.npz", "--output", f"{folder}/{name}_samples.png")
    run(plan, "render_samples", name, "samples", *words)
    assert open_record(folder / f"{name}_samples.png").record.inputs


def test_a_sweep_says_how_well_images_come_back(made):
    """The mean squared error is in its table, of what is inverted alone."""
    folder, _, _ = made
    sweeps = {name: {"of": name, "over": {"steps": [4]}} for name in ("inverted", "varied")}
    plan = plan_of(ENTRIES, sampling={"micro_batch": 2}, sweeps=sweeps)
    jobs = {n: Wildcards(fromdict={"experiment": "tiny", "sweep": n}) for n in sweeps}
    files = {n: plan.drawn("compare_points", ".npz", edit="invert")(job) for n, job in jobs.items()}
    assert files == {"inverted": ["results/tiny/inverted_samples.npz"], "varied": []}
    words = ("--timings", f"{folder}/inverted_samples.json", "--output", f"{folder}/sweep.csv")
    config = plan.settings("compare_points")(jobs["inverted"])
    samples = ("--samples", f"{folder}/inverted_samples.npz")
    importlib.import_module("compare_points").main([*words, *samples, "--config", config])
    (row,) = open_record(folder / "sweep.csv").content.values()
    drawn = arrays_of(folder, "inverted")
    error = np.mean((drawn["images"].astype(float) - drawn["original"]) ** 2)
    assert float(row["mse"]) == pytest.approx(error, rel=1e-6) and 1e-6 < error < 1


def test_a_job_without_its_data_says_what_is_missing(made):
    folder, plan, _ = made
    words = (f"--checkpoint={folder}/checkpoint", f"--output={folder}/x.npz")
    with pytest.raises(SystemExit, match=r"error: --read: name the file of data, as in data=data"):
        run(plan, "sample", "varied", *words, f"--timing={folder}/x.json")


def test_a_picture_that_is_swapped_before_its_job_is_refused(made, tmp_path):
    folder, _, _ = made
    mask = tmp_path / "mask.png"
    Image.fromarray(np.eye(8, dtype=np.uint8) * 255).save(mask)
    edit = {"kind": "inpaint", "mask": {"file": str(mask)}}
    plan = plan_of({"inpainted": {**SHORT, "edit": edit}})
    words = [
        *(f"--checkpoint={folder}/checkpoint", f"--read=data={folder}/data.npz"),
        *(f"--read=mask={mask}", f"--output={tmp_path}/x.npz", f"--timing={tmp_path}/x.json"),
    ]
    run(plan, "sample", "inpainted", *words)
    Image.fromarray(255 - np.eye(8, dtype=np.uint8) * 255).save(mask)
    (tmp_path / "x.npz").unlink()
    with pytest.raises(SystemExit, match=r"mask\.png is another picture than when this was asked"):
        run(plan, "sample", "inpainted", *words)
    assert not (tmp_path / "x.npz").exists()
