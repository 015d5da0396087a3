# The path of sample 0 of one entry of `samples`.

from sfumato.workflow.guidance_files import guidance_inputs, guidance_places


rule trajectory_arrays:
    input:
        ckpt="results/{experiment}/checkpoint",
        history=plan.history,
        guidance=guidance_inputs(plan),
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
        guidance=guidance_places(plan),
    shell:
        "python {params.script:q} --config {params.config:q} --checkpoint {input.ckpt:q}"
        " --guidance {input.guidance:q} {params.guidance:q}"
        " --output {output.arrays:q} > {log:q} 2>&1"
