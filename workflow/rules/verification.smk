# Each experiment of the targets once more, in results/.verify, beside what was built before.


rule verify_experiment:
    input:
        script=script("verify.py"),
        modules=modules("verify.py"),
        rebuilt=rebuilt_figures,
    output:
        report=temp("results/.verify/{experiment}.txt"),
    log:
        "results/{experiment}/logs/verify.log",
    benchmark:
        "results/{experiment}/benchmarks/verify.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
        gpu=0,
    params:
        golden=golden_file,
    shell:
        "python {input.script:q} --rebuilt results/.verify/{wildcards.experiment}"
        " --results results/{wildcards.experiment} --golden {params.golden:q}"
        " --output {output.report:q} 2>&1 | tee {log:q}"
