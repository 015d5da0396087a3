# Sweeps: their points are drawn by the rules of samples, under the name points/DIGEST, unless they
# are entries of `samples` already. Times are measured, so they differ each time.


rule compare_points:
    input:
        timings=plan.drawn("compare_points", ".timing.json"),
        samples=plan.drawn("compare_points", ".npz", edit="invert"),
    output:
        table="results/{experiment}/sweep_{sweep}.csv",
    log:
        "results/{experiment}/logs/compare_points_{sweep}.log",
    benchmark:
        "results/{experiment}/benchmarks/compare_points_{sweep}.tsv"
    localrule: True
    conda:
        "../envs/sfumato.yaml"
    params:
        script=plan.script("compare_points"),
        config=plan.settings("compare_points"),
        made=plan.making("compare_points"),
    shell:
        "printf %s {params.config:q} | python {params.script:q} --config - --timings {input.timings:q}"
        " --samples {input.samples:q} --output {output.table:q} > {log:q} 2>&1"
