# The path of sample 0 of one entry of `samples`.


rule trajectory_arrays:
    input:
        ckpt="results/{experiment}/checkpoint",
        history=plan.history,
        read=plan.results_read("trajectory"),
    output:
        arrays="results/{experiment}/trajectory.npz",
    log:
        "results/{experiment}/logs/trajectory.log",
    benchmark:
        "results/{experiment}/benchmarks/trajectory.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 8
    resources:
        mem_mb=4000,
        runtime=120,
        gpu=1,
    params:
        script=plan.script("trajectory"),
        config=plan.settings("trajectory"),
        made=plan.making("trajectory"),
        read=plan.files_read("trajectory"),
    shell:
        "python {params.script:q} --config {params.config:q} --checkpoint {input.ckpt:q}"
        " {params.read:q} --output {output.arrays:q} > {log:q} 2>&1"
