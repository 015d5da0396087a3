"""The whole workflow as a module of another one, under a prefix, with a config of its own."""

import json

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
