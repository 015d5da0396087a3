# The workflow is in workflow/; this file is for people who call `snakemake` here.


include: "workflow/Snakefile"


# An included file has no say in what a bare call builds.
workflow.default_target = "all"
