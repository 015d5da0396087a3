# One page with everything that was built: the targets, and whatever else there is of the experiments.
# Without an output the rule runs whenever it is asked for, since what there is may be new.


rule gallery:
    input:
        [plan.files(target) for target in plan.targets],
    log:
        "results/gallery.log",
    localrule: True
    conda:
        "../envs/sfumato.yaml"
    params:
        script=plan.script("gallery"),
        experiments=plan.names,
    shell:
        "python {params.script:q} --experiments {params.experiments:q}"
        ' --results "$(dirname {log:q})" --output "$(dirname {log:q})/gallery" 2>&1 | tee {log:q}'
