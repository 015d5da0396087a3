"""What a dry-run knows of the images: it looks at the files before any job runs."""

import gzip
import inspect
import os
import shutil
import struct
import time

import numpy as np
import pytest
from conftest import tiny_config
from PIL import Image
from snakemake.iocontainers import Wildcards

from sfumato.config.checks import SMALLEST_SIDE
from sfumato.config.data import DataConfig
from sfumato.config.resolve import resolve
from sfumato.data import folders, idx
from sfumato.errors import InputError
from sfumato.workflow import data_files, places
from sfumato.workflow.data_files import data_places, facts_of
from sfumato.workflow.plan import Plan

HERE = Wildcards(fromdict={"experiment": "tiny"})


@pytest.fixture(autouse=True)
def own_caches(tmp_path, monkeypatch):
    """Keep what is found in a folder of the test, and look again in each."""
    monkeypatch.setattr(places, "ROOT", tmp_path / "project")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    monkeypatch.chdir(tmp_path)
    data_files._look_at.cache_clear()
    data_files._say.cache_clear()


def pictures(folder, count, *classes):
    for name in classes or ("",):
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        for i in range(count):
            pixels = np.full((8, 8), 9 * i % 256, np.uint8)
            pixels[0, 0] = 255
            Image.fromarray(pixels).save(place / f"{i}.png")
    return folder


def experiment(**sections):
    return resolve(tiny_config(sections))[1]["tiny"]


def of_pictures(folder, data=None, **sections):
    open_numbers = {"n_images": None, "n_test": None}
    section = {"source": "images", "folder": str(folder), **open_numbers, **(data or {})}
    return experiment(data=section, forward={"index": None}, **sections)


def text_of(each, stage="prepare_data"):
    """Return what Snakemake compares of a job."""
    data_files._look_at.cache_clear()
    plan = Plan(["tiny"], {"tiny": each})
    return [ask(stage)(HERE) for ask in (plan.settings, plan.making)]


def refused(each, stage="prepare_data"):
    with pytest.raises(SystemExit) as error:
        text_of(each, stage)
    assert all(line.startswith("experiments.tiny.") for line in str(error.value).split("\n"))
    return str(error.value)


@pytest.mark.parametrize(("count", "n_test"), [(2, 1), (9, 1), (30, 3)])
def test_the_defaults_fit_any_folder(tmp_path, count, n_test):
    settings, _ = text_of(of_pictures(pictures(tmp_path / "p", count)))
    assert f'"n_images":{count},"n_test":{n_test},' in settings
    text_of(of_pictures(tmp_path / "p"), "forward")


@pytest.mark.parametrize(("count", "index"), [(9, 0), (40, 3), (100, 5)])
def test_the_image_that_is_noised_is_on_record(tmp_path, count, index):
    """That of the pictures of a folder, whose number the config does not say."""
    settings, _ = text_of(of_pictures(pictures(tmp_path / "p", count)), "forward")
    assert f'"forward":{{"index":{index},' in settings


@pytest.mark.parametrize(
    ("source", "given", "expected"),
    [
        ("mnist-5k", {}, (5000, 500)),
        ("mnist-5k", {"n_test": 1000}, (5000, 1000)),
        ("mnist", {}, (70_000, 10_000)),
        ("fashion-mnist", {}, (70_000, 10_000)),
        ("mnist", {"n_test": 500}, (60_500, 500)),
        ("mnist", {"n_images": 65_000}, (65_000, 6500)),
        ("mnist", {"n_images": 69_000}, (69_000, 9000)),
        ("noise", {}, (5000, 500)),
        ("noise", {"n_images": 2}, (2, 1)),
    ],
)
def test_open_numbers_are_those_of_the_source(source, given, expected):
    filled = DataConfig(source=source, **given).filled()
    assert (filled.n_images, filled.n_test) == expected


def test_what_does_not_fit_the_pictures_is_refused_before_any_job(tmp_path):
    folder = pictures(tmp_path / "p", 10, "a", "b", "c")

    def said(data=None, **sections):
        return refused(of_pictures(folder, data, **sections))

    assert "data.n_images: 31 must be at most 30, as many as there are" in said({"n_images": 31})
    assert "data.n_test: 30 must be less than 30" in said({"n_test": 30})
    both = {"weights": {"source": "trained"}, "model": {"num_classes": 2}}
    lines = said({"n_images": 31}, **both).split("\n")
    assert len(lines) == 2
    assert "model.num_classes: 2 must be at least 3, the classes of the data, or 0" in lines[1]
    index = of_pictures(folder).model_copy(
        update={"forward": experiment(forward={"index": 3}).forward}
    )
    assert "forward.index: 3 must be less than data.n_test (3)" in refused(index)
    assert "model.input_dim: 2 channels" in said(model={"input_dim": [8, 8, 2]})
    assert "data.digest: the pictures in" in said({"digest": "0" * 64})
    assert "1 picture is too few" in refused(of_pictures(pictures(tmp_path / "one", 1)))


def test_a_broken_picture_is_found_before_any_job(tmp_path):
    folder = pictures(tmp_path / "p", 3)
    (folder / "1.png").write_bytes(b"<html>")
    assert "data.folder: " in refused(of_pictures(folder))
    assert "1.png: this is not a whole PNG or JPEG picture" in refused(of_pictures(folder))


def test_moved_pictures_are_the_same_and_changed_ones_are_not(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    before = text_of(of_pictures(pictures(tmp_path / "p", 4, "a", "b")))
    (tmp_path / "p").rename(tmp_path / "{q} [1]")
    assert text_of(of_pictures(tmp_path / "{q} [1]")) == before
    assert text_of(of_pictures("~/{q} [1]")) == before
    assert str(tmp_path) not in str(before)
    assert data_places(of_pictures("~/{q} [1]"), "tiny") == [f"--folder={tmp_path}/{{q}} [1]"]
    pictures(tmp_path / "{q} [1]", 1, "c")
    assert text_of(of_pictures(tmp_path / "{q} [1]")) != before


def test_snakemake_compares_no_place():
    """It compares no parameter that asks for the output."""
    where = Plan(["tiny"], {"tiny": experiment()}).where(data_places)
    assert list(inspect.signature(where).parameters) == ["wildcards", "output"]


def test_another_server_is_no_other_data():
    one, two = (experiment(data={"source": "mnist", "url": url}) for url in ("http://a", None))
    assert text_of(one) == text_of(two)
    assert "--url=http://a" in data_places(one, "tiny")


def test_a_digest_is_kept_until_a_file_changes(tmp_path, monkeypatch):
    each = of_pictures(pictures(tmp_path / "p", 3))
    for path in (tmp_path / "p").iterdir():
        os.utime(path, (1e9, 1e9))
    first = text_of(each)
    monkeypatch.setattr(folders, "survey", lambda pictures: "read again")
    assert text_of(each) == first
    os.utime(tmp_path / "p" / "1.png", (1e9, 1e9 + 1))
    assert "read again" in str(text_of(each))


@pytest.mark.parametrize("how", ["over it", "in its place"])
def test_another_picture_of_the_same_size_and_time_is_seen(tmp_path, monkeypatch, how):
    each = of_pictures(pictures(tmp_path / "p", 3))
    for path in (tmp_path / "p").iterdir():
        os.utime(path, (1e9, 1e9))
    text_of(each)
    monkeypatch.setattr(folders, "survey", lambda pictures: "read again")
    one, other = tmp_path / "p" / "1.png", tmp_path / "p" / ".1.png"
    shutil.copy2(one, other)
    content = bytearray(one.read_bytes())
    content[-1] ^= 1
    time.sleep(0.05)  # the clock of a file system ticks every few milliseconds
    (one if how == "over it" else other).write_bytes(content)
    os.utime(one if how == "over it" else other, (1e9, 1e9))
    if how == "over it":
        other.unlink()
    else:
        other.replace(one)
    assert "read again" in str(text_of(each))


def test_what_is_left_out_and_what_is_ignored_is_said(tmp_path, caplog):
    folder = pictures(tmp_path / "p", 3)
    (folder / "notes.txt").write_text("")
    trained = {"weights": {"source": "trained"}, "model": {"num_classes": 4}}
    data_places(of_pictures(folder, **trained), "tiny")
    data_places(of_pictures(folder, **trained), ".verify/tiny")
    data_places(experiment(**trained), "noisy")
    data_places(of_pictures(pictures(tmp_path / "q", 1, "a", "b", "c"), **trained), "few")
    said = [record.message.removeprefix("warning: ") for record in caplog.records]
    assert said == [
        "experiments.tiny.model.num_classes: 4 is ignored: the pictures are in no sub-folders, "
        "the classes",
        f"experiments.tiny.data.folder: left out of {folder}: notes.txt (not .jpeg, .jpg or .png)",
        "experiments.noisy.model.num_classes: 4 is ignored: noise has no classes",
        "experiments.few.model.num_classes: 4 is more than the 3 classes of the data",
    ]


# IDX files


def idx_files(folder, but=()):
    """Write the beginnings of the four files."""
    folder.mkdir(parents=True)
    for name, shape in idx.FILES.values():
        if name not in but:
            start = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
            (folder / f"{name}.gz").write_bytes(gzip.compress(start))
    return folder


def test_idx_files_come_from_the_folder_or_the_cache_or_a_server(tmp_path, caplog):
    cache = tmp_path / "project" / ".cache" / "data"
    (tmp_path / "project").mkdir()
    asked = {"source": "fashion-mnist", "folder": str(tmp_path / "p")}

    def said():
        data_files._say.cache_clear()
        caplog.clear()
        words = data_places(experiment(data=asked), "tiny")
        assert words == ["--cache=project/.cache/data", f"--folder={tmp_path / 'p'}"]
        return [
            record.message.removeprefix("warning: experiments.tiny.") for record in caplog.records
        ]

    lacks = f"data.folder: {tmp_path / 'p'} has no train-images-idx3-ubyte; the files "
    from_server = "will be downloaded from http://fashion-mnist.s3"
    assert len(said()) == 1 and said()[0].startswith(lacks + from_server)
    idx_files(cache / "fashion-mnist")
    assert said() == [f"{lacks}are taken from project/.cache/data/fashion-mnist"]
    idx_files(tmp_path / "p")
    assert said() == []
    (tmp_path / "p" / "t10k-labels-idx1-ubyte.gz").write_bytes(b"<html>")
    with pytest.raises(InputError, match=r"data\.folder: .*t10k-labels.*not a whole IDX file"):
        said()


def test_a_cache_that_cannot_be_written_is_read_or_another_is_taken(tmp_path, monkeypatch):
    def cache():
        return data_places(experiment(data={"source": "mnist"}), "tiny")[0]

    project = tmp_path / "project"
    project.mkdir()
    assert cache() == "--cache=project/.cache/data"
    monkeypatch.setattr(data_files, "can_be_written", lambda place: project not in place.parents)
    assert cache() == f"--cache={tmp_path}/user/sfumato/data"
    monkeypatch.setattr(data_files, "can_be_written", lambda place: "user" not in str(place))
    idx_files(tmp_path / "user" / "sfumato" / "data" / "mnist")
    assert cache() == f"--cache={tmp_path}/user/sfumato/data"


# Evaluation


def evaluated(**sections):
    evaluation = {"n_samples": 10, "neighbours": 3, "seeds": 1, "runs": [{"of": "ddim"}]}
    data = {"source": "mnist-5k", "n_images": 60, "n_test": 20}
    return experiment(**{"data": data, "evaluation": evaluation, **sections})


WANTED = {"n_samples": 10, "neighbours": 3}
LATE = {"runs": [{"of": "ddim", "over": {"seed": [2**32 - 1]}}], "seeds": 2}
IMPOSSIBLE = [
    ({"data": {"source": "noise", "n_images": 60, "n_test": 20}}, "data.source: these images have"),
    ({"model": {"input_dim": [8, 7, 1]}}, "model.input_dim: [8, 7, 1] has a side below 8"),
    ({"evaluation": WANTED | {"n_samples": 21}}, "evaluation.n_samples: 21 must be at most data.n"),
    ({"seed": 2**32 - 1, "evaluation": WANTED | {"seeds": 2}}, "evaluation.seeds: 2 run past the"),
    (
        {
            "evaluation": WANTED
            | {"runs": [{"of": "ddim", "over": {"seed": [2**32 - 1]}}], "seeds": 2}
        },
        "evaluation.seeds: 2 run past the",
    ),
]


@pytest.mark.parametrize(("sections", "said"), IMPOSSIBLE)
@pytest.mark.parametrize("stage", ["train_classifier", "compare_quality", "render_nearest"])
def test_an_evaluation_that_cannot_be_is_refused_before_any_job(sections, said, stage):
    assert f"experiments.tiny.{said}" in refused(evaluated(**sections), stage)
    text_of(evaluated(), stage)


def test_pictures_without_classes_cannot_be_evaluated(tmp_path):
    section = {"source": "images", "n_images": None, "n_test": 20}

    def said(name, count, *classes):
        folder = pictures(tmp_path / name, count, *classes)
        data = section | {"folder": str(folder)}
        return refused(evaluated(data=data, forward={"index": None}), "train_classifier")

    assert "data.folder: these images have no classes" in said("none", 40)
    assert "data.folder: these images have one class" in said("one", 40, "cells")
    mixed = pictures(tmp_path / "mixed", 20, "a", "b")
    Image.new("L", (8, 8)).save(mixed / "stray.png")
    assert "data.folder: 1 images have no class" in said("mixed", 20, "a", "b")


def test_the_smallest_side_is_that_of_the_classifier():
    from sfumato.evaluation.lenet import SMALLEST

    assert SMALLEST_SIDE == SMALLEST


def test_facts_of_sources_need_no_file():
    assert facts_of(DataConfig(source="mnist")).classes == 10
    assert facts_of(DataConfig(source="noise", n_images=7)).unlabelled == 7
