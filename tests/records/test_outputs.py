"""Where results go: any name will do, what is there is kept, and what cannot be is refused."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sfumato.errors import InputError
from sfumato.project import cache
from sfumato.records.outputs import (
    check_outputs,
    check_room,
    file_aside,
    folder_aside,
    move_folder,
)

ODD = [
    *("run [v2].txt", "[!a]", "{x}.png", "{}", "*", "a?b", "%41", "100%d", "#h", "a b", " ", "~"),
    *(
        "new\nline",
        "tab\t",
        "\x01",
        "-dash",
        "$HOME",
        "a'b",
        'a"b',
        "back\\slash",
        "gs:",
        "a;b|c&d",
    ),
    *("café", "日本語", os.fsdecode(b"\xff\xfe"), ".hidden", "trailing.", "x" * 255, "é" * 127),
    *("x" * 250 + ".npz", "a." + "x" * 253),
]


@pytest.mark.parametrize("name", ODD, ids=lambda name: ascii(name)[:20])
def test_any_name_is_a_name(name, tmp_path):
    """Of a file, and of a folder; neighbours that it would match as a pattern stay."""
    places = tmp_path / "places"
    path = places / name / name
    check_outputs({"timing": places / "t"}, {"output": path.parent})
    path.parent.mkdir(parents=True)
    for neighbour in {"axb", "run v.txt", "x.png"} - {name}:
        (places / neighbour).write_text("mine")
    for text in ("first", "second"):
        with file_aside(path) as part:
            part.write_text(text)
    assert path.read_text() == "second" and os.listdir(path.parent) == [name]
    with folder_aside(path.parent) as part:
        (part / "whole").write_text("third")
    assert os.listdir(path.parent) == ["whole"]
    assert {*os.listdir(places)} == {"axb", "run v.txt", "x.png", name}


def test_what_a_link_names_is_written_and_the_link_stays(tmp_path):
    (tmp_path / "disk").mkdir()
    for link, target in (("a.npz", "disk/a.npz"), ("results", "disk"), ("ckpt", "disk/ckpt")):
        (tmp_path / link).symlink_to(target)
    with file_aside(tmp_path / "a.npz") as part:
        part.write_text("a")
    with file_aside(tmp_path / "results" / "b.npz") as part:
        part.write_text("b")
    assert {path.name for path in (tmp_path / "disk").iterdir()} == {"a.npz", "b.npz"}
    assert (tmp_path / "a.npz").is_symlink() and (tmp_path / "a.npz").read_text() == "a"


def test_what_is_no_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/null"), tmp_path / "pipe", tmp_path):
        with pytest.raises(InputError, match="no file can be here; name another"):
            check_outputs({"timing": path})
        with pytest.raises(InputError, match="no file"), file_aside(path) as part:
            part.write_text("a")
    assert Path("/dev/null").is_char_device() and (tmp_path / "pipe").is_fifo()


REFUSED = [
    ({"output": "file/a.npz"}, {}, "--output: .*/file: this is a file, and should be a folder"),
    ({}, {"output": "file"}, "--output: .*/file: no folder can be here"),
    ({"output": "folder"}, {}, "--output: .*/folder: no file can be here"),
    ({"output": ""}, {}, "--output: .*: no file can be here"),
    ({"output": "a", "timing": "folder/../a"}, {}, "--output: .*/a is --timing, or lies in it"),
    ({"history": "new/h.csv"}, {"output": "new"}, "--history: .*h.csv is --output, or lies in it"),
    ({}, {"output": "new/work/ckpt", "work": "new/work"}, "--output: .* is --work, or lies in it"),
    ({"output": "a\nb/c", "timing": "a\nb/c"}, {}, r"/a\\nb/c is --timing"),
]


@pytest.mark.parametrize(("files", "folders", "said"), REFUSED)
def test_what_cannot_be_written_is_refused_in_a_line(files, folders, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    paths = [{key: Path(path) for key, path in each.items()} for each in (files, folders)]
    with pytest.raises(InputError, match=said) as caught:
        check_outputs(*paths)
    assert "\n" not in str(caught.value)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_a_folder_that_cannot_be_written_to_and_a_name_too_long(tmp_path, monkeypatch):
    with pytest.raises(OSError, match="File name too long"):
        check_outputs({"output": tmp_path / ("x" * 256)})
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    said = f"--output: {tmp_path}: this folder cannot be written to; name another place"
    with pytest.raises(InputError, match=re.escape(said)):
        check_outputs({"output": tmp_path / "new" / "a.npz"})


def test_only_what_is_ours_is_replaced(tmp_path):
    (tmp_path / "mine.txt").touch()
    check_room(tmp_path, re.compile("mine.*"), "this")
    check_room(tmp_path / "none", re.compile("mine.*"), "this")
    with pytest.raises(InputError, match="holds mine.txt, which is not part of this; nothing was"):
        check_room(tmp_path, re.compile("mine"), "this")


@pytest.mark.parametrize("folder", [".", ".."])
def test_the_working_directory_is_not_replaced(folder, tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    with pytest.raises(InputError, match="a checkpoint would take the place of the working dir"):
        check_room((tmp_path / "a" / folder).resolve(), re.compile("a"), "a checkpoint")
    check_room(tmp_path / "a" / "new", re.compile("a"), "a checkpoint")


@pytest.mark.parametrize("fails_at", [1, 2])
def test_an_earlier_folder_stays_if_the_new_one_cannot_take_its_place(
    fails_at, tmp_path, monkeypatch
):
    with folder_aside(tmp_path / "a") as part:
        (part / "whole").write_text("old")
    rename, calls = os.rename, []

    def failing(source, target):
        calls.append(source)
        if len(calls) == fails_at:
            raise OSError(5, "broken disk")
        rename(source, target)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(OSError, match="broken disk"), folder_aside(tmp_path / "a") as part:
        (part / "whole").write_text("new")
    assert os.listdir(tmp_path) == ["a"] and (tmp_path / "a" / "whole").read_text() == "old"


def test_a_folder_that_cannot_be_renamed_is_copied(tmp_path, monkeypatch):
    """As overlayfs says of every folder of a container's image."""
    with folder_aside(tmp_path / "a") as part:
        (part / "whole").write_text("old")
    rename, of_image = os.rename, (tmp_path / "a").stat().st_ino

    def refusing(source, target):
        if os.stat(source).st_ino == of_image:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target)

    monkeypatch.setattr(os, "rename", refusing)
    move_folder(tmp_path / "a", tmp_path / "b")
    assert os.listdir(tmp_path) == ["b"] and (tmp_path / "b" / "whole").read_text() == "old"
    of_image = (tmp_path / "b").stat().st_ino
    with folder_aside(tmp_path / "b") as part:
        (part / "whole").write_text("new")
    assert os.listdir(tmp_path) == ["b"] and (tmp_path / "b" / "whole").read_text() == "new"


def test_what_kills_left_behind_goes_and_an_old_folder_comes_back(tmp_path):
    """The last kill was between the two renames."""
    for name in (".a.npz.99999997.part", ".a.npz.99999998.old", ".ab.7.part", ".a.npz.x.part"):
        (tmp_path / name).mkdir()
    (tmp_path / ".a.npz.99999998.old" / "whole").write_text("old")
    with pytest.raises(KeyError), folder_aside(tmp_path / "a.npz"):
        raise KeyError
    assert sorted(os.listdir(tmp_path)) == [".a.npz.x.part", ".ab.7.part", "a.npz"]
    assert (tmp_path / "a.npz" / "whole").read_text() == "old"


def test_what_another_process_is_writing_stays(tmp_path):
    """Only a Python process writes here; another one of that number is another program."""
    at_work = "import time; print(flush=True); time.sleep(60)"
    with (
        subprocess.Popen([sys.executable, "-c", at_work], stdout=subprocess.PIPE) as python,
        subprocess.Popen(["sleep", "60"]) as other,
    ):
        python.stdout.readline()
        names = [f".a.{process.pid}.part" for process in (python, other)]
        for name in names:
            (tmp_path / name).mkdir()
        with folder_aside(tmp_path / "a"):
            assert [name for name in names if (tmp_path / name).is_dir()] == names[:1]
        for process in (python, other):
            process.kill()


def test_two_may_put_their_folders_in_one_place(tmp_path, monkeypatch):
    """Another one comes between the two renames: the later one stays."""
    rename, target, came = os.rename, tmp_path / "a", []

    def late(source, place):
        if place == target and not came:
            came.append(source)
            target.mkdir()
            (target / "whole").write_text("of the other")
        rename(source, place)

    with folder_aside(target) as part:
        (part / "whole").write_text("old")
    with folder_aside(target) as part:
        (part / "whole").write_text("new")
        monkeypatch.setattr(os, "rename", late)
    monkeypatch.undo()
    assert came and (target / "whole").read_text() == "new" and os.listdir(tmp_path) == ["a"]


def test_what_another_user_left_behind_does_no_harm(tmp_path, monkeypatch):
    left = tmp_path / ".a.99999997.part.txt"
    left.touch()

    def unlink(path, missing_ok=False):
        if path == left:
            raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "unlink", unlink)
    with file_aside(tmp_path / "a.txt") as part:
        part.write_text("a")
    assert (tmp_path / "a.txt").read_text() == "a"


def test_an_error_names_the_file_that_was_asked_for(tmp_path):
    def fail(part):
        raise OSError(28, "No space left on device")

    for write in (fail, Path.read_bytes):
        with pytest.raises(OSError) as caught, file_aside(tmp_path / "a.npz") as part:
            write(part)
        assert caught.value.filename == str(tmp_path / "a.npz")


LATER = """
import sys
from pathlib import Path
from sfumato.records.outputs import check_outputs, file_aside, folder_aside

place, kind, turn = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
named = {"output": place}
check_outputs(*((named, {}) if kind == "file" else ({}, named)))
print("began", flush=True)
sys.stdin.readline()
with (file_aside if kind == "file" else folder_aside)(place) as part:
    (part if kind == "file" else part / "whole").write_text(turn)
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("order", ["the later one ends first", "the earlier one ends first"])
def test_of_two_runs_the_one_that_began_later_writes(kind, order, tmp_path):
    """As of a job that outlives its killed workflow, and the same job of the next one."""
    cache().mkdir(exist_ok=True)
    place = tmp_path / "result"
    runs = {}
    for turn in ("earlier", "later"):
        command = [sys.executable, "-c", LATER, str(place), kind, turn]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        runs[turn] = subprocess.Popen(command, text=True, **pipes)
        assert runs[turn].stdout.readline() == "began\n"
    said = {}
    for turn in ("later", "earlier") if order.startswith("the later") else ("earlier", "later"):
        said[turn] = runs[turn].communicate("\n")[1]
    assert "result: another run of this job began later, and writes it" in said["earlier"]
    assert said["later"] == ""
    assert (place if kind == "file" else place / "whole").read_text() == "later"
