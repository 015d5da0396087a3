"""From which state a run goes on, and what becomes of those from which it does not."""

import errno
import json
import os
import re

import pytest

from sfumato.errors import InputError
from sfumato.records.finding import find_artifacts
from sfumato.training.claim import claim, remove, steps_in
from sfumato.training.store import check_work_room

RUN = {
    "settings": {"seed": 0, "training": {"loss": "mse", "channels": [1, 2]}},
    "code": 64 * "a",
    "versions": {"jax": "0.10.1"},
    "device": {"kind": "x86_64 avx512f"},
    "inputs": {"data": 64 * "b"},
    "devices": 2,
}
"""A run's identity."""
OTHERS = {
    "settings": (RUN["settings"] | {"seed": 1}, "seed: 0, now 1"),
    "inputs": ({"data": 64 * "c"}, "inputs.data: bbbbbbbbbbbb, now cccccccccccc"),
    "code": (64 * "d", "code: aaaaaaaaaaaa, now dddddddddddd"),
    "versions": ({"jax": "0.10.2"}, "versions.jax: 0.10.1, now 0.10.2"),
    "device": ({"kind": "x86_64 avx2"}, "device.kind: x86_64 avx512f, now x86_64 avx2"),
    "devices": (4, "devices: 2, now 4"),
}
"""Of each of its facts another value, and what is said of it."""


def another(key):
    return RUN | {key: OTHERS[key][0]}


@pytest.fixture
def work(tmp_path):
    """Return a folder in which the run has left two states."""
    folder = tmp_path / "my results" / "training"
    claim(folder, RUN)
    for step in (20, 30):
        (folder / "steps" / str(step)).mkdir(parents=True)
    return folder


def warned(caplog):
    """Return what was said, and forget it."""
    said = [record.getMessage() for record in caplog.records]
    caplog.clear()
    assert not any("\n" in each for each in said)
    return said


def test_a_run_goes_on_from_its_own_state(work, caplog):
    assert claim(work, RUN) == "" and steps_in(work) == [20, 30]
    assert warned(caplog) == [] and os.listdir(work.parent) == ["training"]


@pytest.mark.parametrize("key", OTHERS)
def test_the_state_of_another_run_is_kept_and_comes_back(key, work, caplog):
    assert claim(work, another(key)) == "" and steps_in(work) == []
    (said,) = warned(caplog)
    assert f"{work}: the state of step 30 is of another run: {OTHERS[key][1]}. " in said
    assert f"It is kept as {work}-1, and this run does not go on from it. " in said
    assert ("touch" in said) == (key not in ("settings", "inputs"))
    assert steps_in(work.with_name("training-1")) == [20, 30]
    assert claim(work, RUN) == "" and steps_in(work) == [20, 30]
    assert warned(caplog) == [] and os.listdir(work.parent) == ["training"]


def test_a_state_of_another_run_that_lies_in_an_image_is_kept_too(work, monkeypatch):
    """Folders of a container's image cannot be renamed."""

    def refusing(source, target):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "rename", refusing)
    assert claim(work, another("settings")) == "" and steps_in(work) == []
    assert steps_in(work.with_name("training-1")) == [20, 30]


@pytest.mark.parametrize("key", ["code", "versions", "device", "devices"])
def test_the_user_may_go_on_with_other_code_or_another_device(key, work, caplog):
    run = another(key)
    claim(work, run)
    (work / "steps" / "10").mkdir(parents=True)
    words = re.search(r"touch '(.*)', and run", warned(caplog)[0])
    open(words[1], "w").close()
    resumed = claim(work, run)
    assert resumed == f"from a run with {OTHERS[key][1]}" and steps_in(work) == [20, 30]
    went_on, kept = warned(caplog)
    assert "training-1: training goes on at step 30, from a run with" in went_on
    assert "the state of step 10 is of a run of its own. It is kept as" in kept
    assert steps_in(work.with_name("training-2")) == [10]
    assert claim(work, run) == resumed and warned(caplog) == []  # after another kill


def test_a_run_that_went_on_twice_says_so(work):
    (work / "resume").touch()
    claim(work, another("device"))
    (work / "resume").touch()
    said = claim(work, another("device") | {"versions": OTHERS["versions"][0]})
    assert said == (
        "from a run with device.kind: x86_64 avx512f, now x86_64 avx2, then from a run with "
        "versions.jax: 0.10.1, now 0.10.2"
    )


@pytest.mark.parametrize("key", ["settings", "inputs"])
def test_a_run_does_not_go_on_from_other_settings_or_images(key, work, caplog):
    (work / "resume").touch()
    assert claim(work, another(key)) == "" and steps_in(work) == []
    assert f"training cannot go on from here: {OTHERS[key][1]}" in warned(caplog)[0]
    assert steps_in(work.with_name("training-1")) == [20, 30]


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"run": [1]}', "[" * 10**5, "\udcff"])
def test_a_state_of_which_nothing_is_known_is_kept(content, work, caplog):
    (work / "identity.json").write_text(content, errors="surrogateescape")
    assert claim(work, RUN) == "" and steps_in(work) == []
    (said,) = warned(caplog)
    assert "identity.json cannot be read. It is kept as" in said and said.endswith("it. Delete it")
    assert steps_in(work.with_name("training-1")) == [20, 30]


def test_of_many_differences_some_are_named(work, caplog):
    claim(work, another("code") | {"versions": dict.fromkeys("abcdef", "1")})
    assert "; versions.a: none, now 1; versions.b: none, now 1; 4 more. It is" in warned(caplog)[0]


def test_a_folder_of_an_earlier_version_is_kept(work, caplog):
    (work / "identity.json").write_text(json.dumps(another("code")))
    claim(work, RUN)
    assert "code: dddddddddddd, now aaaaaaaaaaaa. It is kept as" in warned(caplog)[0]


def test_a_folder_without_a_state_is_not_kept(tmp_path, caplog):
    for run in (RUN, another("code"), RUN):
        claim(tmp_path / "training", run)
        (tmp_path / "training" / "steps").mkdir()
    assert os.listdir(tmp_path) == ["training"] and warned(caplog) == []


def test_what_is_not_ours_is_neither_taken_nor_deleted(work):
    """`--work .`, for instance; or a file that was put there while the run went on."""
    check_work_room(work)
    (work.parent / "training-3").mkdir()
    (work / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="holds notes.txt, which is not part of a training run's"):
        check_work_room(work)
    claim(work, another("code"))
    assert {*os.listdir(work.parent)} == {"training", "training-1", "training-3"}
    remove(work.with_name("training-1"))
    assert os.listdir(work.with_name("training-1")) == ["notes.txt"]
    remove(work)
    assert not work.exists()


def test_states_are_no_artifacts(work):
    """`explain.py results` would call them damaged checkpoints."""
    (work / "steps" / "30" / "state").mkdir()
    claim(work, another("code"))
    (work / "steps").mkdir()
    assert list(find_artifacts(work.parent)) == []
