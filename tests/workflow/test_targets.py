"""What is asked for on the command line, and where it is to be built."""

import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import snakemake, tiny_config

from sfumato.config.resolve import resolve
from sfumato.errors import InputError
from sfumato.workflow import session
from sfumato.workflow.mistakes import WorkflowError
from sfumato.workflow.places import ROOT, config_files, spare_experiments, unread_configs
from sfumato.workflow.plan import Plan
from sfumato.workflow.session import check_places
from sfumato.workflow.targets import Asked, check_folders, overruled_options, watch

RULES = ("all", "forward", "ddim_samples", "tiny", "other")


def a_plan(tiny=None):
    config = tiny_config(tiny)
    config["experiments"]["other"] = {"training": {"steps": 300}}
    return Plan(*resolve(config)), config


def a_workflow(*targets, main=True):
    """Return as much of Snakemake's workflow as is looked at; its rules make pictures."""
    made = re.compile(r"results/(tiny|other|\.verify/tiny)/(forward|ddim_samples)\.png")
    fixed = {"is_producer": lambda path: False, "has_wildcards": lambda: False}
    rules = [SimpleNamespace(name=name, **fixed) for name in RULES]
    several = {"has_wildcards": lambda: True, "output": ["results/{experiment}/{name,x{1,3}}.png"]}
    rules.append(SimpleNamespace(name="render", is_producer=made.fullmatch, **several))
    return SimpleNamespace(
        dag_settings=SimpleNamespace(targets=set(targets)),
        rules=rules,
        is_main_process=main,
        execute=lambda *arguments: ("executed", *arguments),
    )


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("tinny", "there is no such target; did you mean 'tiny'?"),
        ("dim_samples", "there is no such target; did you mean 'ddim_samples'?"),
        ("zzzz", "there is no such target; snakemake --list-target-rules lists them"),
        ("seed=3", "this is no target; a setting comes after the last target, as --config key=v"),
        (
            "results/tinny/forward.png",
            "'tinny' is no experiment of the config; did you mean 'tiny'?",
        ),
        ("results/tiny", "this is a folder; the experiment is the target tiny"),
        ("results/tiny/", "this is a folder; the experiment is the target tiny"),
        (
            "results/tiny/dim_samples.png",
            "nothing makes this file; did you mean 'ddim_samples.png'?",
        ),
        ("results/tiny/q", "nothing makes this file; known: "),
        # training.png would be nearer, but nothing is trained
        ("results/tiny/nothing.png", "nothing makes this file; did you mean 'nearest.png'?"),
        ("forward.png", "this is no target; did you mean 'results/tiny/forward.png'?"),
        (
            os.path.abspath("results/tiny/forward.png"),
            "write a target from the working directory: ",
        ),
        ("config.yaml", "there is no such target"),
        ("tiny/forward.png", "this is no target; did you mean 'results/tiny/forward.png'?"),
        ("sizes", "this is no target; did you mean 'results/tiny/sizes.png'?"),
        (
            "render",
            "this rule makes a file of any experiment; ask for the file, as in "
            "results/tiny/NAME.png",
        ),
        ("rende", "there is no such target; snakemake --list-target-rules lists them"),
    ],
)
def test_a_target_that_there_is_not(target, said):
    with pytest.raises(InputError) as caught:
        Asked(a_workflow(target)).check(a_plan()[0])
    assert str(caught.value).startswith(f"{target}: {said}")


def test_the_workflow_s_own_folder_is_no_place_to_build_in(monkeypatch):
    monkeypatch.chdir(ROOT / "workflow")
    with pytest.raises(InputError, match="would be built in this folder; call it from one above"):
        check_places()


@pytest.mark.parametrize(
    ("targets", "experiments", "as_listed"),
    [
        ([], ["tiny"], True),
        (["all"], ["tiny"], True),
        (["other"], ["other"], True),
        (["other", "all"], ["tiny", "other"], True),
        (["ddim_samples"], ["tiny"], False),
        (["results/other/forward.png"], ["other"], False),
        (["./results/other//forward.png"], ["other"], False),
        (["results/.verify/tiny/forward.png"], ["tiny"], False),
        (["forward", "other"], ["tiny", "other"], False),
    ],
    ids=str,
)
def test_targets_that_there_are(targets, experiments, as_listed):
    plan, asked = a_plan()[0], Asked(a_workflow(*targets))
    asked.check(plan)
    assert list(asked.experiments(plan)) == experiments and asked.as_listed(plan) is as_listed


def test_what_is_said_is_said_once_of_what_is_asked_for(capsys):
    plan, config = a_plan({"diffusion": {"beta_schedule": "cosine"}})
    for targets, said in (([], ""), (["other"], "experiments.other.training: is ignored")):
        workflow = a_workflow(*targets)
        watch(workflow, plan, config)
        assert workflow.execute(3) == ("executed", 3)
        out, err = capsys.readouterr()
        assert out == "" and err.count("warning: ") == (2 if said else 0) and said in err
    assert "experiments.other.diffusion: alpha_bar_T is 0.817 after 20 noise_steps" in err


def test_a_job_says_nothing(capsys):
    workflow = a_workflow("other", main=False)
    watch(workflow, *a_plan())
    workflow.execute()
    assert capsys.readouterr().err == ""


def test_nothing_is_executed_for_a_wrong_target(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    workflow = a_workflow("tinny")
    watch(workflow, *a_plan())
    with pytest.raises(WorkflowError, match="did you mean 'tiny'"):
        workflow.execute()


@pytest.mark.parametrize("path", ["results/tiny", "results/tiny/logs", "results/tiny/benchmarks"])
def test_a_file_where_a_folder_is_to_be(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    check_folders(["tiny"])
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text("")
    with pytest.raises(InputError, match=f"^{path}: this is no folder, and one is needed; move"):
        check_folders(["tiny"])
    check_folders(["other"])
    (tmp_path / path).unlink()
    (tmp_path / path).symlink_to(tmp_path)
    check_folders(["tiny"])


def test_results_that_are_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_places()
    place = tmp_path / "results"
    place.write_text("")
    with pytest.raises(InputError, match="^results: this is a file, and a folder is needed here"):
        check_places()
    place.unlink()
    place.symlink_to("elsewhere")
    with pytest.raises(InputError, match="^results: this is a link to nothing, and a folder"):
        check_places()
    (tmp_path / "elsewhere").mkdir()
    check_places()


def test_a_folder_whose_name_is_not_utf_8(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sfumato.workflow.session.ROOT", tmp_path / os.fsdecode(b"bad\xff"))
    with pytest.raises(InputError, match=r"bad\\xff: jax compiles nothing whose source is in a f"):
        check_places()


@pytest.mark.parametrize("name", ["{x}", "a{b", "{0}", "{experiment}"])
def test_braces_in_the_folder_s_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "ROOT", tmp_path / name)
    with pytest.raises(
        InputError, match="Snakemake takes braces in the name of the workflow's fol"
    ):
        check_places()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("-n --config a=1 -C b=2", "-C is given more than once, and the last counts alone"),
        ("-n --configfile a --configfiles=b", "--configfiles is given more than once"),
        ("-n --config a=1 b=2 --configfile a b -- --config --config", ""),
    ],
)
def test_settings_that_snakemake_drops_are_said(typed, said):
    sentences = list(overruled_options(typed.split()))
    assert len(sentences) == bool(said)
    assert not said or sentences[0].startswith(said)


def test_the_config_of_another_folder_is_laid_over_ours(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ours = str(ROOT / "config.yaml")
    assert config_files() == [ours]
    (tmp_path / "config.yaml").write_text("")
    assert config_files() == [ours, "config.yaml"]
    assert config_files(standalone=False) == ["config.yaml"]  # a module, as it always was
    (tmp_path / "config.yaml").unlink()
    (tmp_path / "config.yaml").symlink_to(ours)
    assert config_files() == ["config.yaml"]
    monkeypatch.chdir(ROOT)
    assert config_files() == ["config.yaml"]


def test_a_config_of_another_name_is_said_not_to_be_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert list(unread_configs([])) == []
    Path("config").mkdir()
    Path("config.yml").touch()
    Path("config/config.yaml").touch()
    said = "config/config.yaml is not read: name it config.yaml, or give it as --configfile config/"
    assert [each.startswith(said) for each in unread_configs([tmp_path / "config.yml"])] == [True]
    assert len(list(unread_configs([]))) == 2


def test_of_the_project_s_experiments_those_are_spare_of_which_nothing_is_said(tmp_path):
    files = [tmp_path / name for name in ("ours.yaml", "theirs.yaml")]
    files[0].write_text("experiments: {a: {}, b: {}, c: {}}")
    files[1].write_text("experiments: {b: {}, mine: {}}")
    ours, theirs = map(str, files)
    assert spare_experiments([ours, theirs, ours], ["experiments={c: {}}"]) == {"a"}
    for odd in ("3", "true", "[{b: {}}]", "[[b]]", "abc"):  # which `resolve` refuses
        files[1].write_text(f"experiments: {odd}")
        assert spare_experiments([ours, theirs], []) == {"a", "b", "c"}


def test_snakemake_says_all_this(tmp_path):
    """A config.yaml with an experiment alone, beside nothing, and the workflow elsewhere."""
    (tmp_path / "config.yaml").write_text("experiments: {few: {diffusion: {noise_steps: 1000}}}")
    call = ["-n", "--snakefile", str(ROOT / "workflow" / "Snakefile")]
    dropped = ["--config", "targets=[cosine]"]
    few = ["--config", "experiments={few: {training: {steps: 300}}}"]
    done = snakemake(tmp_path, *call, *dropped, *few)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count("warning: experiments.few.training: is ignored, since weights.so") == 1
    assert done.stderr.count("warning: --config is given more than once, and the last counts") == 1
    assert "results/few/ddim_samples.png" in done.stdout
    assert "results/diffusion_mnist" not in done.stdout
    done = snakemake(tmp_path, *call, "ddim_02")
    assert "ddim_02: there is no such target; did you mean 'ddim_20'?" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr and done.returncode == 1
