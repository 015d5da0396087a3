"""A result that cannot be written is refused before a script begins its work."""

import importlib
import os
import re

import pytest
from conftest import ROOT

from sfumato.workflow.command_line import add_paths, command, new_parser

INPUTS = {
    "prepare_data": (),
    "initialise": (),
    "adopt": ("checkpoint",),
    "sample": ("checkpoint",),
    "trajectory": ("checkpoint",),
    "forward": ("data",),
    "gather": ("arrays", "timings"),
    "train_classifier": ("data",),
    "evaluate": ("data", "classifier"),
    "compare_quality": ("metrics", "timings"),
    "likelihood": ("checkpoint", "data"),
    "compare_speed": ("timings",),
    "compare_points": ("timings",),
    "converge": ("samples",),
    "train_guidance_classifier": ("data",),
    "render": ("inputs",),
    "freeze": ("results",),
}
"""What each script reads: none of it is there, so it has not begun."""
OUTPUTS = dict.fromkeys(INPUTS, ("output",)) | {
    "sample": ("output", "timing"),
    "gather": ("output", "timing"),
    "compare_quality": ("output", "table"),
    "freeze": ("golden",),
}
FIRST = {"evaluate": ["--run", "floor"], "render": ["forward"]}
WITHOUT_CONFIG = ("gather", "freeze")


def test_every_script_that_writes_is_here():
    scripts = {path.stem for path in (ROOT / "scripts").glob("*.py")}
    assert {*INPUTS} == scripts - {"explain", "gallery", "verify", "train"}


def refused(name, folder, **changes):
    """Run a script that must fail, and return its one sentence."""
    paths = {option: f"no {option}" for option in (*INPUTS[name], *OUTPUTS[name])} | changes
    words = [word for option, path in paths.items() for word in (f"--{option}", str(folder / path))]
    words += [] if name in WITHOUT_CONFIG else ["--config", "{}"]
    with pytest.raises(SystemExit) as caught:
        importlib.import_module(name).main([*FIRST.get(name, []), *words])
    said = caught.value.code
    assert isinstance(said, str) and said.startswith("error: --") and "\n" not in said
    return said


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_result_that_cannot_be_written_is_refused_at_once(name, tmp_path):
    (tmp_path / "a folder" / "mine").mkdir(parents=True)
    (tmp_path / "a file").touch()
    for option in OUTPUTS[name]:
        said = refused(name, tmp_path, **{option: "a file/a"})
        assert f"--{option}: {tmp_path}/a file: this is a file, and should be a folder" in said
        is_folder = name in ("initialise", "adopt")
        wrong, kind = ("a file", "folder") if is_folder else ("a folder", "file")
        said = refused(name, tmp_path, **{option: wrong})
        assert said == f"error: --{option}: {tmp_path}/{wrong}: no {kind} can be here; name another"
    assert sorted(os.listdir(tmp_path)) == ["a file", "a folder"]


@pytest.mark.parametrize("name", ["sample", "gather"])
def test_one_result_does_not_replace_the_other(name, tmp_path):
    said = refused(name, tmp_path, output="a", timing="b/../a")
    assert re.search(r"--output: .*/a is --timing, or lies in it; name another place$", said)


def test_a_path_may_begin_at_home(tmp_path, monkeypatch):
    """A folder whose name is ~ is ./~, as in a shell."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    parser = new_parser(None)
    add_paths(parser, "output")
    for word, path in (("~/a", tmp_path / "home/a"), ("./~/a", tmp_path / "~/a")):
        assert parser.parse_args([f"--output={word}"]).output.absolute() == path


def test_an_error_about_a_file_with_an_odd_name_is_one_line(tmp_path):
    @command
    def main(argv):
        (tmp_path / "a\nb").read_bytes()

    with pytest.raises(SystemExit, match=r"a\\nb: No such file or directory$"):
        main([])


@pytest.mark.parametrize("name", [name for name in OUTPUTS if name not in ("initialise", "adopt")])
def test_no_result_lies_in_a_checkpoint(name, tmp_path):
    (tmp_path / "checkpoint" / "state").mkdir(parents=True)
    (tmp_path / "checkpoint" / "manifest.json").write_text("{}")
    for option in OUTPUTS[name]:
        for place in ("manifest.json", "state/x.npz", "new.npz"):
            said = refused(name, tmp_path, **{option: f"checkpoint/{place}"})
            assert "lies in the checkpoint" in said
    assert (tmp_path / "checkpoint" / "manifest.json").read_text() == "{}"


def test_a_result_does_not_replace_what_is_read(tmp_path):
    (tmp_path / "data.npz").write_text("data")
    (tmp_path / "link").symlink_to("data.npz")
    for output in ("data.npz", "link"):
        said = refused("forward", tmp_path, data="data.npz", output=output)
        assert said.endswith("is --data, which is read")
    assert (tmp_path / "data.npz").read_text() == "data"


@pytest.mark.parametrize(
    ("figure", "output"),
    [("samples", "a.gif"), ("samples", "a"), ("animation", "a.png"), ("forward", "a.pdf")],
)
def test_a_figure_has_the_kind_that_carries_what_made_it(figure, output, tmp_path):
    words = ["--config", "{}", "--inputs", "none", "--output", str(tmp_path / output)]
    with pytest.raises(SystemExit, match=r"error: --output: .* must end in \.(png|gif), as "):
        importlib.import_module("render").main([figure, *words])
