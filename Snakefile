# sfumato: from a model to figures that anyone can rebuild.
#
#   snakemake --cores 1                                            the experiments in `targets`
#   snakemake --cores 1 cosine                                     one experiment
#   snakemake --cores 1 ddim_samples                               one figure of the targets
#   snakemake --cores 1 results/diffusion_mnist/ddim_samples.png   one file
#   snakemake --cores 1 verify                                     build again, and compare

from snakemake.utils import min_version

min_version("9.27")


include: "workflow/rules/common.smk"


configfile: config_file()


include: "workflow/rules/experiments.smk"


or_exit(check_results)


onstart:
    or_exit(check_python)


onerror:
    explain_failure()


rule all:
    input:
        [figures(experiment) for experiment in TARGETS],


include: "workflow/rules/data.smk"
include: "workflow/rules/checkpoint.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/forward.smk"
include: "workflow/rules/sampling.smk"
include: "workflow/rules/trajectory.smk"
include: "workflow/rules/speed.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/verification.smk"
include: "workflow/rules/targets.smk"
