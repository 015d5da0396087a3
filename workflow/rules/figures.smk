# The figures: one rule for each file in src/sfumato/figures that declares one.

for each in map(figure, figure_names()):

    rule:
        name:
            "render_" + each.name
        input:
            plan.inputs(each.name),
        output:
            figure=report(
                "results/{experiment}/" + each.file,
                caption="../report/" + each.name + ".rst",
                category="{experiment}",
                labels={"figure": each.label},
            ),
        log:
            "results/{experiment}/logs/" + each.log_stem + ".log",
        benchmark:
            "results/{experiment}/benchmarks/" + each.log_stem + ".tsv"
        conda:
            "../envs/sfumato.yaml"
        localrule: True
        params:
            config=plan.settings("render_" + each.name),
            made=plan.making("render_" + each.name),
            figure=each.name,
        shell:
            "python {SCRIPTS:q}/render.py {params.figure} --config {params.config:q}"
            " --inputs {input:q} --output {output.figure:q} > {log:q} 2>&1"
