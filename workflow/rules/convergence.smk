# How fast images settle with more steps. The chains are drawn as points of sweeps are.


rule converge:
    input:
        samples=plan.drawn("converge", ".npz"),
    output:
        convergence="results/{experiment}/convergence.json",
    log:
        "results/{experiment}/logs/converge.log",
    benchmark:
        "results/{experiment}/benchmarks/converge.tsv"
    localrule: True
    conda:
        "../envs/sfumato.yaml"
    params:
        script=plan.script("converge"),
        config=plan.settings("converge"),
        made=plan.making("converge"),
    shell:
        "printf %s {params.config:q} | python {params.script:q} --config - --samples {input.samples:q}"
        " --output {output.convergence:q} > {log:q} 2>&1"
