"""Runs that are stopped and go on from what was kept."""

import asyncio
import errno
import shutil
import threading
from pathlib import Path

import pytest
from conftest import slow
from small_run import run, same, undisturbed_run

from sfumato.errors import InputError
from sfumato.training import store as on_disk
from sfumato.training.claim import claim, steps_in
from sfumato.training.state import HISTORY
from sfumato.training.store import DiskStore, check_work_room

pytestmark = pytest.mark.quick_compile


class Stop(Exception):
    """The power fails."""


@pytest.fixture
def keep_all(monkeypatch):
    monkeypatch.setattr(on_disk, "SECONDS_BETWEEN", 0)
    monkeypatch.setattr(on_disk, "SHARE_OF_TIME", 1e9)


def stopped_at(step, folder, who="a run"):
    def report(taken, loss):
        if taken >= step:
            raise Stop

    with DiskStore(folder, {"who": who}) as store, pytest.raises(Stop):
        run(report=report, store=store)


def resume(folder, who="a run"):
    """Go on; return the weights, the history, and the step at which it went on."""
    begun = []
    with DiskStore(folder, {"who": who}) as store:
        return *run(store=store, report=lambda step, loss: begun.append(step)), begun[0]


def test_two_processes_do_not_share_a_folder(tmp_path):
    with DiskStore(tmp_path / "work", {}):
        with pytest.raises(InputError, match="another process is training here; wait"):
            DiskStore(tmp_path / "work", {})
    with DiskStore(tmp_path / "work", {}) as store:
        store.remove()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [OSError(38, "no flock"), OSError(37, "no locks")])
def test_a_file_system_without_locks_will_do(error, tmp_path, monkeypatch):
    """As the kernel says it: ENOSYS, ENOLCK."""

    def flock(*arguments):
        raise error

    monkeypatch.setattr("fcntl.flock", flock)
    with DiskStore(tmp_path / "work", {}) as store:
        store.remove()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("stops", [slow((0,)), slow((10,)), slow((30, 40)), (20, 20, 30, 45)])
def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(stops, keep_all, tmp_path):
    """In a folder whose name orbax takes for a pattern."""
    work = tmp_path / "run [v2] {x}" / "a\\b*"
    for stop in stops:
        stopped_at(stop, work)
    resumed, history, begun = resume(work)
    # A run that stops at a report has kept the state of the report before; at 45 it was done.
    assert begun == {0: 0, 10: 0, 40: 30, 45: 40}[stops[-1]]
    assert same(resumed, undisturbed_run()[0])
    assert same(history.values(), undisturbed_run()[1].values()) and tuple(history) == HISTORY


def test_another_run_does_not_go_on_from_it(keep_all, tmp_path):
    """See test_claim.py."""
    stopped_at(30, tmp_path / "work", who="another")
    resumed, _, begun = resume(tmp_path / "work")
    assert begun == 0 and same(resumed, undisturbed_run()[0])
    assert resume(tmp_path / "work", who="another")[2] == 20


def test_a_damaged_state_is_passed_over(keep_all, tmp_path, caplog):
    """The last one damaged, the one before is taken; both, and the run begins anew."""
    folder = tmp_path / "work"
    stopped_at(40, folder)
    states = shutil.copytree(folder / "steps", tmp_path / "states")
    assert {path.name for path in states.iterdir()} == {"20", "30"}
    for damaged, expected in ((["30"], 20), (["20", "30"], 0)):
        shutil.rmtree(folder / "steps")
        shutil.copytree(states, folder / "steps")
        for step in damaged:
            flip_a_byte(folder / "steps" / step / "state")
        caplog.clear()
        resumed, _, begun = resume(folder)
        assert begun == expected and same(resumed, undisturbed_run()[0])
        said = [record.getMessage() for record in caplog.records if record.name == "sfumato"]
        assert len(said) == len(damaged)
        assert said[0].startswith(f"{folder}: the state of step 30 cannot be read: ")
        assert said[-1].endswith(f"until training is done; training goes on from step {expected}")
    assert len(list(folder.glob("damaged-*"))) == 3
    with DiskStore(folder, {"who": "a run"}) as store:
        store.remove()
    assert {path.name for path in tmp_path.iterdir()} == {"states"}


def flip_a_byte(state):
    for path in state.rglob("*"):
        if path.is_file() and path.stat().st_size > 1000:
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.write_bytes(content)


def test_no_thread_outlives_the_store(tmp_path, monkeypatch):
    """One that did would print a traceback when the process ends with a sentence."""
    left = tmp_path / "work" / "steps" / "10.orbax-checkpoint-tmp"
    left.mkdir(parents=True)
    to_thread, before = asyncio.to_thread, set(threading.enumerate())

    async def slowly(*arguments, **named):
        await asyncio.sleep(0.5)
        return await to_thread(*arguments, **named)

    monkeypatch.setattr(asyncio, "to_thread", slowly)
    with pytest.raises(Stop), DiskStore(tmp_path / "work", {}):
        raise Stop
    assert set(threading.enumerate()) == before and not left.exists()


def test_a_state_that_cannot_be_written_ends_in_a_sentence(keep_all, tmp_path, monkeypatch):
    """And the state before it is used."""
    stopped_at(30, tmp_path / "work")

    def save(*arguments, **named):
        raise ValueError("No space left on device\nand so on")

    with monkeypatch.context() as patched, DiskStore(tmp_path / "work", {"who": "a run"}) as store:
        patched.setattr("orbax.checkpoint.CheckpointManager.save", save)
        with pytest.raises(InputError, match="cannot be written: No space left on device; then"):
            run(store=store)
    assert resume(tmp_path / "work")[2] == 20


def test_a_folder_of_the_user_s_is_no_folder_of_states(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="holds thesis.tex, which is not part of a training run's"):
        DiskStore(tmp_path, {})
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("name", ["steps/jan/notes.txt", "steps/42/notes.txt", "steps/notes.txt"])
def test_a_folder_of_steps_of_the_user_s_stays(name, tmp_path):
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text("years of work")
    with pytest.raises(InputError, match="holds steps/.*not part of a training run's state; nothi"):
        check_work_room(tmp_path)
    assert (tmp_path / name).read_text() == "years of work"


def test_a_state_is_kept_seldom_by_default(tmp_path):
    stopped_at(40, tmp_path / "work")
    assert resume(tmp_path / "work")[2] == 0


def test_a_state_that_may_be_whole_is_not_put_away(keep_all, tmp_path, monkeypatch):
    """Where its files cannot be read: their permissions, or a disk that fails."""
    folder = tmp_path / "work"
    stopped_at(40, folder)

    def refused(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refused)
        with pytest.raises(InputError, match="cannot be read: Permission denied"):
            claim(folder, {"who": "a run"})
    flip_a_byte(folder / "steps" / "30" / "state")
    with DiskStore(folder, {"who": "a run"}) as store, monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refused)
        with pytest.raises(InputError, match=r"steps/30/.* cannot be read: Permission denied"):
            store.restore(None)
    assert steps_in(folder) == [20, 30] and not [*folder.glob("damaged*")]


def test_a_file_in_the_place_of_the_states_is_said_at_once(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "steps").write_text("mine")
    with pytest.raises(InputError, match=r"work/steps: this is no folder, and one is needed"):
        check_work_room(tmp_path / "work")
