"""The lock that live Snakemakes share, and folders that are another user's."""

import os
import threading
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from sfumato.errors import InputError
from sfumato.workflow.lock import check_records, release_before_building, release_stale_lock
from sfumato.workflow.places import check_results

NOBODY = 65534


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Return the folder of Snakemake's records in the working directory; there is none yet."""
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".snakemake"


@pytest.fixture
def left(folder):
    """Return the lock that a killed Snakemake left."""
    (folder / "locks").mkdir(parents=True)
    (folder / "locks" / "0.input.lock").touch()
    return folder / "locks" / "0.input.lock"


@contextmanager
def another_user(folder):
    """Let this process only read what is there: as somebody else, or with other permissions."""
    places = [folder.parent, *folder.parent.rglob("*")]
    modes = [place.stat().st_mode for place in places]
    for place in places:
        place.chmod(0o555 if place.is_dir() else 0o444)
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(os.getuid())
        for place, mode in zip(places, modes, strict=True):
            place.chmod(mode)


def test_the_lock_of_a_killed_snakemake_goes(left):
    with release_stale_lock(main_process=True):
        assert not left.exists()


def test_a_job_on_another_node_removes_nothing(left):
    with release_stale_lock(main_process=False):
        assert left.exists()


def test_the_lock_of_a_live_snakemake_stays(left):
    with release_stale_lock(main_process=True):
        left.touch()
        with release_stale_lock(main_process=True):
            assert left.exists()


@pytest.mark.parametrize("dryrun", [False, True])
def test_before_building_a_snakemake_about_to_end_is_waited_for(left, dryrun, monkeypatch):
    monkeypatch.setattr("sfumato.workflow.lock.PATIENCE", 60)
    ending = release_stale_lock(main_process=True)
    left.touch()
    plugin = SimpleNamespace(common_settings=SimpleNamespace(dryrun_exec=dryrun))
    with release_stale_lock(main_process=True) as alive:
        workflow = SimpleNamespace(
            is_main_process=True, execute=lambda executor_plugin: left.exists()
        )
        release_before_building(workflow, alive)
        timer = threading.Timer(0.3, ending.close)
        timer.start()
        assert workflow.execute(executor_plugin=plugin) == dryrun
        timer.join()


def test_a_file_of_another_user_carries_the_lock_too(left, folder):
    """While one of them lives, nobody takes the other's lock away."""
    release_stale_lock(main_process=True).close()
    with another_user(folder):
        theirs = release_stale_lock(main_process=True)
    left.touch()
    with theirs, release_stale_lock(main_process=True):
        assert theirs.mode == "r" and left.exists()
    with release_stale_lock(main_process=True):
        assert not left.exists()


@pytest.mark.parametrize("made", [False, True])
def test_where_no_file_can_be_snakemake_s_own_lock_must_do(made, folder):
    if made:
        folder.mkdir()
    with another_user(folder):
        assert release_stale_lock(main_process=True) is None


def test_a_folder_without_room_for_records_gets_a_sentence(folder):
    with another_user(folder):
        with pytest.raises(InputError, match=".snakemake: Snakemake cannot keep its records here"):
            check_records()
    check_records()
    with another_user(folder):
        check_records()  # as Snakemake finds what it needs


def test_records_that_only_their_owner_can_read_are_told(folder, monkeypatch):
    said = []
    monkeypatch.setattr("sfumato.workflow.lock.logger.warning", said.append)
    (folder / "metadata").mkdir(parents=True)
    (folder / "metadata" / "a").touch()
    check_records()
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
    check_records()
    assert not said
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    check_records()
    assert "records of another user cannot be read; where Snakemake fails with" in said[0]


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ("results", "results: this folder cannot be written to; change its permissions or the"),
        ("results/tiny", "results/tiny: this folder cannot be written to"),
        ("results/tiny/logs", "results/tiny/logs: this folder cannot be written to"),
        ("results/tiny/logs/a.log", "a.log: this file cannot be written to; delete it, or"),
        ("results/tiny/a.png", None),  # Snakemake deletes it first
        ("results/another", None),
    ],
)
def test_what_another_user_built_is_told_when_it_is_in_the_way(theirs, said, folder, monkeypatch):
    for name in ("results/tiny/logs/a.log", "results/another/a.png", "results/tiny/a.png"):
        (folder.parent / name).parent.mkdir(parents=True, exist_ok=True)
        (folder.parent / name).touch()
    job = SimpleNamespace(
        output=["results/tiny/a.png"],
        log=["results/tiny/logs/a.log"],
        benchmark="results/tiny/benchmarks/a.tsv",
    )
    check_results([job])
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != Path(theirs))
    with pytest.raises(InputError, match=said) if said else nullcontext():
        check_results([job])


@pytest.mark.parametrize("name", ["metadata", "incomplete"])
def test_a_file_where_snakemake_needs_a_folder(name, folder):
    folder.mkdir(exist_ok=True)
    (folder / name).touch()
    with pytest.raises(InputError, match=rf"{name}: Snakemake needs a folder here; move this away"):
        check_records()


@pytest.mark.parametrize("name", ["a.log", "a.tsv"])
def test_what_is_no_file_is_not_written_to(name, tmp_path, monkeypatch):
    """Snakemake would wait for whoever reads a pipe."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo(name)
    job = SimpleNamespace(output=["b.png"], log=["a.log"], benchmark="a.tsv")
    with pytest.raises(InputError, match=f"^{name}: this is no file, and one is written here"):
        check_results([job])
