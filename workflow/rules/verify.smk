# Each experiment of the targets once more, in results/.verify, beside what was built before.
# Without an output, and a benchmark counts as one, the rule runs whenever it is asked for.


rule verify:
    input:
        plan.rebuilt(),
    log:
        "results/verify.log",
    localrule: True
    conda:
        "../envs/sfumato.yaml"
    params:
        script=plan.script("verify"),
        golden=relative(ROOT / "workflow" / "golden"),
        experiments=plan.targets,
    shell:
        "python {params.script:q} --experiments {params.experiments:q}"
        ' --results "$(dirname {log:q})"'
        " --golden {params.golden:q} --rebuilt {input:q} 2>&1 | tee {log:q}"
