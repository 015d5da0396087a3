# The workflow is in workflow/; this file is for people who call `snakemake` here.


include: "workflow/Snakefile"
