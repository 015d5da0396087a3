"""What is said at the end of a build."""

from conftest import snakemake

from sfumato.workflow.session import show_pictures


def test_the_pictures_that_were_made_are_named_by_folder(capsys):
    files = ["r/b/z.png", "r/b/samples.npz", "r/a/t.gif", "r/b/a.png", "r/a/t.timing.json"]
    show_pictures(files)
    assert capsys.readouterr().err == "r/a: t.gif\nr/b: a.png, z.png\n"


def test_nothing_is_said_where_no_picture_was_made(capsys):
    show_pictures(["results/tiny/data.npz"])
    assert capsys.readouterr().err == ""


def test_a_build_ends_with_the_pictures_that_it_made(copied):
    (copied / "results" / "tiny" / "forward.png").unlink()
    done = snakemake(copied, "--quiet", "all")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "results/tiny: forward.png"
    again = snakemake(copied, "--quiet", "all")
    assert "forward.png" not in again.stderr
