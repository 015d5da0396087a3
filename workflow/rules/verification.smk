# Each experiment of the targets once more, in results/.verify, beside what was built before.
# Without an output, and a benchmark counts as one, the rule runs whenever it is asked for.


rule verify:
    input:
        script=script("verify.py"),
        modules=modules("verify.py"),
        rebuilt=[
            file
            for name in TARGETS
            for file in figures(f".verify/{name}")
            if Path(file).name not in TIMED
        ],
    log:
        "results/verify.log",
    conda:
        "../envs/sfumato.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
        gpu=0,
    params:
        golden=relative([ROOT / "workflow" / "golden"])[0],
        experiments=TARGETS,
    shell:
        "python {input.script:q} --experiments {params.experiments:q} --results results"
        " --golden {params.golden:q} 2>&1 | tee {log:q}"
