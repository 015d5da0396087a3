"""The whole workflow as a module of another one, under a prefix, with a config of its own."""

import json
import re
import shutil

from conftest import ROOT, artifacts, snakemake, tiny_config

IMPORTER = """
configfile: "config.yaml"


rule all:
    input:
        "diffusion/results/tiny/forward.png",


rule tiny:
    output:
        "mine.txt",
    shell:
        "touch {{output}}"


module pictures:
    snakefile:
        {snakefile!r}
    config:
        config["pictures"]
    prefix:
        "diffusion"


use rule * from pictures as pictures_*
"""


def test_a_module_draws_a_figure(built, tmp_path):
    """Its rules and its targets have the importer's names; a rule there may be named `tiny` too."""
    (tmp_path / "Snakefile").write_text(
        IMPORTER.format(snakefile=str(ROOT / "workflow" / "Snakefile"))
    )
    (tmp_path / "config.yaml").write_text(json.dumps({"pictures": tiny_config()}))
    done = snakemake(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    made = tmp_path / "diffusion" / "results" / "tiny" / "forward.png"
    assert made.read_bytes() == artifacts(built[0])["forward.png"]
    assert not (tmp_path / "results").exists()
    done = snakemake(tmp_path, "-n", "pictures_ddim_samples", "pictures_tiny", "tiny")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "diffusion/results/tiny/ddim_samples.png" in done.stdout


MODULE = """
module {name}:
    snakefile:
        {snakefile!r}
    config:
        config
    {prefix}


use rule * from {name} as {name}_*
"""


def import_twice(folder, config):
    """Make a workflow of two modules: results lie in `one/results`, and in `out/res`."""
    prefixes = {"one": 'prefix: "one"', "two": 'replace_prefix: {"results/": "out/res/"}'}
    modules = [
        MODULE.format(name=name, prefix=prefix, snakefile=str(ROOT / "workflow" / "Snakefile"))
        for name, prefix in prefixes.items()
    ]
    (folder / "Snakefile").write_text("".join(['configfile: "config.yaml"\n', *modules]))
    (folder / "config.yaml").write_text(json.dumps(config))


def test_modules_know_their_results_by_what_the_files_say(built, tmp_path):
    """Where Snakemake has no record; and each says once what is wrong."""
    places = [tmp_path / "one" / "results", tmp_path / "out" / "res"]
    for place in places:
        shutil.copytree(built[0] / "results" / "tiny", place / "tiny")
    import_twice(tmp_path, tiny_config())
    done = snakemake(tmp_path, "-n", "one_tiny", "two_tiny")
    assert "Nothing to be done" in done.stdout + done.stderr, done.stdout + done.stderr
    import_twice(tmp_path, tiny_config({"samples": {"ddim": {"steps": 4}}}))
    done = snakemake(tmp_path, "-n", "one_tiny", "two_tiny")
    said = re.findall(r"(\S+): it was made with samples.ddim.steps = 5", done.stdout + done.stderr)
    assert sorted(said) == [
        f"{place.relative_to(tmp_path)}/tiny/ddim_samples.{suffix}"
        for place in places
        for suffix in ("npz", "timing.json")
    ]


def test_a_module_deletes_no_file_of_the_user(built, tmp_path):
    shutil.copytree(built[0] / "results" / "tiny", tmp_path / "one" / "results" / "tiny")
    mine = tmp_path / "one/results/tiny/checkpoint/thesis.tex"
    mine.write_text("my only copy")
    import_twice(tmp_path, tiny_config({"seed": 3}))
    done = snakemake(tmp_path, "one/results/tiny/checkpoint", "--no-hooks")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "this folder holds thesis.tex" in done.stderr and mine.exists()


def test_a_mistake_in_the_config_of_a_module_names_the_module(tmp_path):
    import_twice(tmp_path, {"experiments": {"mine": {"seed": -1}}})  # and no targets: all of them
    done = snakemake(tmp_path, "-n")
    said = re.findall("^.*seed.*$", done.stdout + done.stderr, re.MULTILINE)
    assert len(said) == 1 and said[0].startswith("module one: experiments.mine.seed: -1 must be at")


def test_what_a_module_reads_besides_the_weights_has_its_prefix(tmp_path):
    inverted = {
        "sampler": "ddim",
        "steps": 4,
        "n_samples": 4,
        "clip": False,
        "edit": {"kind": "invert"},
    }
    import_twice(tmp_path, tiny_config({"samples": {"inverted": inverted}}))
    files = [f"{place}/tiny/inverted_samples.npz" for place in ("one/results", "out/res")]
    done = snakemake(tmp_path, "-n", "-p", *files)
    assert done.returncode == 0, done.stderr
    read = re.findall(r"--read=(?:\w+)=(\S+)", done.stdout)
    assert sorted(read) == ["one/results/tiny/data.npz", "out/res/tiny/data.npz"]
