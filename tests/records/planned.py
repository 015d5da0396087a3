"""What the workflow would write of each of its results, without building any."""

import json
import re

from conftest import ROOT
from snakemake.iocontainers import Wildcards

from sfumato.config.points import points_of_convergence
from sfumato.errors import InputError
from sfumato.figures import figure, names
from sfumato.records.manifest import read_manifest
from sfumato.records.provenance import Record, provenance
from sfumato.workflow.lookup import stage
from sfumato.workflow.picking import settings_of
from sfumato.workflow.reruns import seen_by

NAME = "mine"
WEIGHTS = {"fresh": "initialise", "trained": "train", "pretrained": "adopt", "finetuned": "train"}
RUN = r"evaluation/(?P<run>.+)/(?P<k>\d+)"
JOBS = {
    r"data\.npz": "prepare_data",
    r"forward\.npz": "forward",
    r"trajectory\.npz": "trajectory",
    r"initial_checkpoint": "initialise",
    r"guidance_classifier\.npz": "train_guidance_classifier",
    r"(?P<name>.+)_samples\.(npz|timing\.json)": "sample",
    r"speed\.json": "compare_speed",
    r"sweep_(?P<sweep>.+)\.csv": "compare_points",
    r"convergence\.json": "converge",
    r"likelihood\.json": "likelihood",
    r"quality\.json": "compare_quality",
    r"evaluation/classifier\.npz": "train_classifier",
    r"evaluation/floor/(?P<k>\d+)\.metrics\.json": "evaluate",
    rf"{RUN}\.metrics\.json": "evaluate",
    rf"{RUN}\.(npz|timing\.json)": "sample",
    **{
        re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(each.file)): f"render_{each.name}"
        for each in map(figure, names())
    },
}
"""For the pattern of a file the stage that makes it; the first that fits counts."""


def job_of(plan, path, name=NAME):
    """Return the stage whose job makes a file of an experiment, and the job's wildcards."""
    if path in ("checkpoint", "history.csv"):
        found, values = WEIGHTS[plan.experiments[name].weights.source], {}
    elif path == "initial_checkpoint" and plan.experiments[name].weights.source == "finetuned":
        found, values = "adopt", {}
    else:
        pattern = next(pattern for pattern in JOBS if re.fullmatch(pattern, path))
        match = re.fullmatch(pattern, path)
        assert match
        found, values = JOBS[pattern], match.groupdict()
    return found, Wildcards(fromdict={"experiment": name, **values})


def asked(plan, path, name=NAME):
    """Return what Snakemake compares of the job that makes a file."""
    found, wildcards = job_of(plan, path, name)
    return plan.settings(found)(wildcards), plan.making(found)(wildcards)


def artifacts_of(plan, name=NAME):
    """Return the path of every file that can be built of an experiment, and says what made it."""
    experiment = plan.experiments[name]
    entries, trained = experiment.samples, experiment.weights.source in ("trained", "finetuned")
    runs = [f"evaluation/{run}/{k}" for run in experiment.runs for k in (0, 1)]
    files = [file for each in map(figure, names()) for file in each.files_for(experiment)]
    converges = _converges(experiment)
    points = drawn(plan, "converge", name) if converges else []
    points += [p for sweep in experiment.sweeps for p in drawn(plan, "compare_points", name, sweep)]
    files = [file for file in files if converges or file != "convergence.png"]
    if not any(hasattr(run.guidance, "scale") for run in experiment.runs.values()):
        files.remove("guidance.png")
    drawings = [*entries, *(each for each in dict.fromkeys(points) if each not in entries)]
    return [
        *("data.npz", "forward.npz", "checkpoint", "speed.json", "trajectory.npz"),
        *(f"{entry}_samples.{kind}" for entry in drawings for kind in ("npz", "timing.json")),
        *(f"sweep_{sweep}.csv" for sweep in experiment.sweeps),
        *(["convergence.json"] if converges else []),
        *(["initial_checkpoint", "history.csv"] if trained else []),
        *("evaluation/classifier.npz", "quality.json", "likelihood.json"),
        *(f"{run}.{kind}" for run in runs for kind in ("npz", "timing.json", "metrics.json")),
        *(f"evaluation/floor/{k}.metrics.json" for k in (0, 1)),
        *(file for file in files if trained or file != "training.png"),
    ]


def _converges(experiment):
    """Tell whether chains of the section's steps fit into the noise steps."""
    try:
        points_of_convergence(experiment)
    except InputError:
        return False
    return True


def drawn(plan, of, name, sweep=None):
    """Return the names of the sets of samples that a stage puts side by side."""
    wildcards = {"experiment": name} | ({"sweep": sweep} if sweep else {})
    files = plan.drawn(of, "")(Wildcards(fromdict=wildcards))
    return [file.removeprefix(f"results/{name}/").removesuffix("_samples") for file in files]


def inputs_of(plan, path, name=NAME):
    """Return the files from which one is made, by what its record calls them."""
    experiment = plan.experiments[name]
    found, wildcards = job_of(plan, path, name)
    match found:
        case "forward" | "train_classifier" | "train_guidance_classifier":
            return {"data": "data.npz"}
        case "train":
            return {"data": "data.npz", "initial": "initial_checkpoint"}
        case "likelihood":
            return {"checkpoint": "checkpoint", "data": "data.npz"}
        case "sample" | "trajectory":
            words = plan.files_read(found)(wildcards, None)
            read = dict(word.removeprefix("--read=").split("=", 1) for word in words)
            results = {n: each.partition(f"results/{name}/")[2] for n, each in read.items()}
            return {"checkpoint": "checkpoint"} | {n: f for n, f in results.items() if f}
        case "compare_speed":
            return {entry: f"{entry}_samples.timing.json" for entry in experiment.samples}
        case "compare_points" | "converge":
            suffix = ".npz" if found == "converge" else ".timing.json"
            files = plan.drawn(found, suffix)(wildcards)
            read = [file.removeprefix(f"results/{name}/") for file in files]
            return {file: file for file in read}
        case "compare_quality":
            scored = plan.evaluated(".metrics.json", "floor")(wildcards)
            files = [*scored, *plan.evaluated(".timing.json")(wildcards)]
            return {file: file.removeprefix(f"results/{name}/") for file in files}
        case "evaluate":
            judges = {"data": "data.npz", "classifier": "evaluation/classifier.npz"}
            samples = path.replace(".metrics.json", ".npz")
            return judges if "/floor/" in path else {**judges, "samples": samples}
    if found.startswith("render_"):
        files = plan.inputs(found.removeprefix("render_"))(wildcards)
        read = [file.removeprefix(f"results/{name}/") for file in files]
        inputs = figure(found.removeprefix("render_")).inputs
        named = dict(zip(inputs, read, strict=False))
        return named | {file: file for file in read[len(inputs) :]}
    return {}


def record_of(plan, path, name=NAME):
    """Return what a file says of itself, its keys sorted, as pictures have them."""
    found, wildcards = job_of(plan, path, name)
    of_stage = stage(found)
    seen = seen_by(of_stage, plan.experiments[name], wildcards)
    settings = settings_of(of_stage, seen)
    inputs = {
        key: {"digest": "0", "provenance": record_of(plan, file, name)}
        for key, file in inputs_of(plan, path, name).items()
    }
    if found == "likelihood" and (other := settings.likelihood.other):
        inputs["other"] = {"digest": "0", "provenance": record_of(plan, "data.npz", other)}
    if found == "adopt":
        manifest = read_manifest(ROOT / plan.experiments[name].weights.folder)
        inputs = {"pretrained": {key: manifest[key] for key in ("digest", "provenance")}}
    artifact = path
    if found == "evaluate":
        run = getattr(wildcards, "run", "floor")
        artifact = f"evaluation/{run}/{seen.seed}.metrics.json"
    elif path == "initial_checkpoint" and found == "initialise":
        artifact = "checkpoint"
    elif match := re.fullmatch(rf"{RUN}(\.npz|\.timing\.json)", path):
        artifact = f"{match['run']}_samples{match[3]}"
    made = provenance(of_stage, artifact, settings, inputs=inputs)
    return json.loads(json.dumps(Record.model_validate(made).model_dump(), sort_keys=True))


def outputs():
    """Return patterns of all files that the rules can build."""
    texts = [path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk")]
    blocks = re.findall(r"^    output:\n(.*?)^    \w+:", "\n".join(texts), re.M | re.S)
    files = {
        file for block in blocks for file in re.findall(r'"(results/\{experiment\}/[^"]+)"', block)
    }
    files |= {f"results/{{experiment}}/{each.file}" for each in map(figure, names())}
    files |= {file.replace("{name}", "points/{name}") for file in files}
    return [re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(file)) for file in files]
