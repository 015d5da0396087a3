# The figures: one rule for each file in src/sfumato/figures that declares one.

for each in map(figure, figure_names()):

    rule:
        name:
            f"render_{each.name}"
        input:
            plan.inputs(each.name),
        output:
            figure=report(
                f"results/{{experiment}}/{each.file}",
                caption=plan.caption(each.name),
                category="{experiment}",
                labels=plan.labels(each.name),
            ),
        log:
            f"results/{{experiment}}/logs/{each.log_stem}.log",
        benchmark:
            f"results/{{experiment}}/benchmarks/{each.log_stem}.tsv"
        localrule: True
        conda:
            "../envs/sfumato.yaml"
        params:
            script=plan.script("render"),
            config=plan.settings(f"render_{each.name}"),
            made=plan.making(f"render_{each.name}"),
            figure=each.name,
        shell:
            "python {params.script:q} {params.figure} --config {params.config:q}"
            " --inputs {input:q} --output {output.figure:q} > {log:q} 2>&1"
