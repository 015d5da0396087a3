"""How far long work is: on the terminal of the workflow, and in a log."""

import os
import pty
import re
import select
import sys
import termios

import pytest

from sfumato.progress import ANNOUNCE, TERMINAL, Progress, announce


@pytest.fixture
def terminal(monkeypatch):
    """Make a terminal that the workflow runs on; return a function that reads what it shows."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    monkeypatch.setenv(TERMINAL, os.ttyname(theirs))

    def read():
        shown = b""
        while select.select([ours], [], [], 0.05)[0]:
            shown += os.read(ours, 4096)
        return shown.decode()

    yield read
    os.close(ours)
    os.close(theirs)


def work(name="ddpm"):
    with Progress(40, name, "evaluation") as progress:
        for loss in (0.5, 0.25):
            progress.update(20, loss=loss)


def test_a_log_has_lines_and_nothing_that_moves_a_cursor(capsys):
    work()
    log = capsys.readouterr().err
    first, last = log.splitlines()
    assert first.startswith("ddpm:   0%|") and "0/40" in first
    assert last.startswith("ddpm: 100%|") and "40/40" in last and "loss=0.2500" in last
    assert "\r" not in log


def test_a_terminal_shows_a_bar_besides(capsys, terminal):
    work()
    shown = terminal()
    assert "ddpm: 100%" in shown and "40/40" in shown and "loss=0.2500" in shown
    assert "\r" in shown and "\r" not in capsys.readouterr().err


def test_work_that_resumes_begins_where_it_was(capsys):
    with Progress(40, "train", "step", done=30) as progress:
        progress.update(10)
    lines = capsys.readouterr().err.splitlines()
    assert [re.search(r"\d+/40", line).group() for line in lines] == ["30/40", "40/40"]


def test_jobs_take_turns_on_a_terminal(capsys, terminal):
    with Progress(2, "first", "step") as first, Progress(2, "second", "step") as second:
        first.update(1)
        second.update(1)
        assert "first" in (shown := terminal()) and "second" not in shown
        first.__exit__()
        second.update(1)
        assert "second: 100%" in terminal()


def test_a_terminal_that_is_gone_stops_no_job(capsys, monkeypatch):
    monkeypatch.setenv(TERMINAL, "/dev/pts/none")
    monkeypatch.setenv(ANNOUNCE, "1")
    announce("results/mine/data.npz")
    work()
    assert "40/40" in capsys.readouterr().err


def test_a_file_is_no_terminal(capsys, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv(TERMINAL, str(tmp_path / "file"))
    work()
    assert (tmp_path / "file").read_text() == "mine"


def test_a_job_that_has_no_stderr_works(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    work()


def test_what_is_made_is_said_where_that_is_wanted(terminal, monkeypatch):
    announce("results/mine/data.npz")
    assert terminal() == ""
    monkeypatch.setenv(ANNOUNCE, "1")
    announce("results/mine/data.npz")
    assert terminal() == "results/mine/data.npz\r\n"
