"""What is said at the end of a build."""

import os
import pty
import signal
import subprocess
import sys
import termios
import time
from contextlib import suppress

from conftest import snakemake, warm_server

from sfumato.progress import ANNOUNCE
from sfumato.workflow.session import show_pictures


class Terminal:
    """A terminal that a process can be run on."""

    def __init__(self):
        """Open it."""
        self.ours, self.theirs = pty.openpty()
        termios.tcsetwinsize(self.theirs, (24, 100))

    def shows(self):
        """Close it, and return what was written to it."""
        os.close(self.theirs)
        shown = b""
        with suppress(OSError):  # its end
            while read := os.read(self.ours, 4096):
                shown += read
        os.close(self.ours)
        return shown.decode()


def build(folder, *arguments, **environment):
    """Draw ddim's samples again; return what the terminal shows, and the log."""
    (folder / "results" / "tiny" / "ddim_samples.npz").unlink(missing_ok=True)
    terminal, environment = Terminal(), os.environ | warm_server() | environment
    done = snakemake(
        folder,
        *(*arguments, "--", "results/tiny/ddim_samples.npz"),
        **{"env": environment, "capture_output": False, "stderr": terminal.theirs},
    )
    shown = terminal.shows()
    assert done.returncode == 0, shown
    return shown, (folder / "results" / "tiny" / "logs" / "ddim_samples.log").read_bytes()


def test_a_terminal_shows_how_far_the_running_job_is(copied):
    shown, log = build(copied)
    assert "ddim: 100%" in shown and "rule sample" in shown
    assert b"ddim: 100%" in log and b"\r" not in log


def test_a_quiet_build_shows_nothing(copied):
    shown, _ = build(copied, "--quiet", "all")
    assert "ddim:" not in shown and "ddim_samples" not in shown


def test_a_quiet_build_shows_what_jobs_make_where_that_is_wanted(copied):
    shown, _ = build(copied, "--quiet", "all", **{ANNOUNCE: "1"})
    assert "results/tiny/ddim_samples.npz\r\n" in shown and "ddim: 100%" in shown


def test_the_pictures_that_were_made_are_named_by_folder(capsys):
    files = ["r/b/z.png", "r/b/samples.npz", "r/a/t.gif", "r/b/a.png", "r/a/t.timing.json"]
    show_pictures(files)
    assert capsys.readouterr().err == "r/a: t.gif\nr/b: a.png, z.png\n"


def test_nothing_is_said_where_no_picture_was_made(capsys):
    show_pictures(["results/tiny/data.npz"])
    assert capsys.readouterr().err == ""


def test_a_failure_is_explained_where_snakemake_is_quiet(copied):
    (copied / "scripts" / "render.py").write_text("import sys\nsys.exit('error: no ink')\n")
    (copied / "results" / "tiny" / "forward.png").unlink()
    for quiet in (["--quiet", "all"], ["--quiet", "rules"], []):
        done = snakemake(copied, *quiet, "--", "results/tiny/forward.png")
        assert done.returncode and done.stderr.count("error: no ink") == 1, done.stderr


def test_a_build_ends_with_the_pictures_that_it_made(copied):
    (copied / "results" / "tiny" / "forward.png").unlink()
    done = snakemake(copied, "--quiet", "all")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "results/tiny: forward.png"
    again = snakemake(copied, "--quiet", "all")
    assert "forward.png" not in again.stderr


def test_a_mistake_is_said_however_quiet_snakemake_is(copied):
    """`make figures` is quiet about all on a terminal, and Snakemake itself then hides errors."""
    done = snakemake(copied, "--quiet", "all", "--", "tinny")
    assert done.returncode and "tinny: there is no such target; did you mean 'tiny'?" in done.stderr
    (copied / "config.yaml").write_text("experiments: {tiny: {seed: x}}\n")
    done = snakemake(copied, "--quiet", "all")
    assert done.returncode and "seed: 'x' must be a whole number" in done.stderr


def test_a_quiet_run_that_makes_nothing_says_where_the_figures_are(built):
    for quiet in (["--quiet", "all"], ["--quiet", "all", "-n"]):
        done = snakemake(built[0], *quiet, env=os.environ | warm_server() | {ANNOUNCE: "1"})
        assert done.stderr.count("nothing to be done; the figures are in results/tiny\n") == 1
    assert "the figures are in" not in snakemake(built[0], "--quiet", "all").stderr


def test_ctrl_c_is_a_sentence_and_no_failure(copied):
    """As in `make figures`: all processes of the terminal are interrupted, the job among them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # of tests that run in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    script, begun = copied / "scripts" / "sample.py", copied / "begun"
    script.write_text(f"import time\nopen({str(begun)!r}, 'w')\ntime.sleep(60)\n")
    command = ("-m", "snakemake", "ddim_samples", "--cores", "1", "--quiet", "all")
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=copied,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + 60
    while not begun.exists() and time.monotonic() < until:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert begun.exists() and process.returncode == 1, said
    assert "interrupted: what is finished stays" in said.splitlines()[-1]
    assert "Exception" not in said and "Traceback" not in said
