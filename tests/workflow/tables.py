"""What is made from what, and what reads a setting: the table of reruns, known without the code."""

# What is made from what, in the tiny experiment.
MADE_INTO = {
    "data.npz": ["forward.npz"],
    "forward.npz": ["forward.png"],
    "checkpoint": ["ddpm_samples.npz", "ddim_samples.npz", "trajectory.npz"],
    "ddpm_samples.npz": ["ddpm_samples.png", "speed.json"],
    "ddim_samples.npz": ["ddim_samples.png", "speed.json"],
    "trajectory.npz": ["trajectory.png", "trajectory.gif"],
    "speed.json": ["speed.png"],
}
IMAGES = ["forward.png", "ddpm_samples.png", "ddim_samples.png", "trajectory.png", "trajectory.gif"]
CHAINS = ["ddpm_samples.npz", "ddim_samples.npz", "trajectory.npz"]

# What reads a setting; the longest path that begins a setting's own path counts.
READERS = {
    "figures": [],
    "shards": ["ddpm_samples.npz", "ddim_samples.npz"],
    "seed": ["data.npz", "checkpoint", "forward.npz", *CHAINS],
    "data": ["data.npz"],
    **dict.fromkeys(["data.folder", "data.url", "data.digest", "convergence", "likelihood"], []),
    "model": ["checkpoint", *CHAINS],
    "model.input_dim": ["data.npz", "checkpoint", *CHAINS],
    "diffusion": ["checkpoint", "forward.npz", *CHAINS],
    "weights": [],
    "weights.source": ["initial_checkpoint", "checkpoint"],
    "training": [],
    "evaluation": [],
    "guidance_classifier": [],
    "forward": ["forward.npz"],
    "sampling": CHAINS,
    "samples.ddpm": ["ddpm_samples.npz", "trajectory.npz"],
    "samples.ddpm.n_samples": ["ddpm_samples.npz"],
    "samples.ddim": ["ddim_samples.npz"],
    "trajectory": ["trajectory.npz"],
    "render": IMAGES,
    **dict.fromkeys(["render.dpi", "render.title"], [*IMAGES, "speed.png"]),
    "render.columns": ["ddpm_samples.png", "ddim_samples.png"],
    "render.max_panels": ["ddpm_samples.png", "ddim_samples.png"],
    "render.frames_per_second": ["trajectory.gif"],
}

# The same where a network is trained and its samples are scored.
RUNS = ("ddpm_steps_10", "ddim_steps_5")
CLASSIFIER, NOISY = "evaluation/classifier.npz", "guidance_classifier.npz"
DRAWN, MORE_DRAWN = ([f"evaluation/{run}/{k}.npz" for run in RUNS] for k in range(2))
SCORED, MORE_SCORED = (
    [f"evaluation/{run}/{k}.metrics.json" for run in ("floor", *RUNS)] for k in range(2)
)
FLOOR = SCORED[0]
SCORED_INTO = {
    "data.npz": ["checkpoint", CLASSIFIER, NOISY, *SCORED, "nearest.png", "likelihood.json"],
    "initial_checkpoint": ["checkpoint"],
    "checkpoint": [
        *("training.png", "ddim_samples.npz", "steered_samples.npz", "likelihood.json"),
        *DRAWN,
    ],
    "likelihood.json": ["likelihood.png"],
    "ddim_samples.npz": ["ddim_samples.png"],
    "steered_samples.npz": ["steered_samples.png"],
    NOISY: ["steered_samples.npz"],
    CLASSIFIER: SCORED,
    **{name: [name.replace(".npz", ".metrics.json")] for name in DRAWN},
    DRAWN[0]: [SCORED[1], "nearest.png"],
    **{name: ["quality.json"] for name in SCORED},
    SCORED[1]: ["quality.json", "nearest.png"],
    "quality.json": ["quality_vs_nfe.png"],
}
WEIGHTS = ["checkpoint"]
SAMPLES = ["ddim_samples.png", "steered_samples.png"]
FIGURES = [*SAMPLES, "training.png", "likelihood.png", "quality_vs_nfe.png", "nearest.png"]
# For each setting another value, and what reads it.
SCORED_READERS = {
    "training.steps": (13, WEIGHTS),
    "training.loss": ("l1", WEIGHTS),
    "training.times": ("logit_normal", WEIGHTS),
    "data.n_test": (21, ["data.npz"]),
    "diffusion.beta_end": (0.03, ["initial_checkpoint", *WEIGHTS, NOISY, *DRAWN]),
    "model.channels": (8, ["initial_checkpoint"]),
    "seed": (1, ["initial_checkpoint", *WEIGHTS, CLASSIFIER, NOISY, *DRAWN, *SCORED]),
    "evaluation.n_samples": (11, [*DRAWN, *SCORED]),
    "evaluation.micro_batch": (5, DRAWN),
    "evaluation.neighbours": (2, SCORED),
    "evaluation.two_sample_steps": (3, SCORED),
    "evaluation.classifier_steps": (6, [CLASSIFIER]),
    "samples.ddim.eta": (0.5, ["ddim_samples.npz", *DRAWN[1:]]),
    "samples.ddim.labels": (7, ["ddim_samples.npz", *DRAWN[1:]]),
    "samples.ddim.guidance": (None, ["ddim_samples.npz", *DRAWN[1:]]),
    "samples.ddim.guidance.scale": (3.0, ["ddim_samples.npz", *DRAWN[1:]]),
    "samples.ddim.guidance.interval": ([3, 8], ["ddim_samples.npz", *DRAWN[1:]]),
    "samples.steered.guidance.scale": (3.0, ["steered_samples.npz"]),
    "likelihood.n_images": (3, ["likelihood.json"]),
    "likelihood.steps": (4, ["likelihood.json"]),
    "likelihood.probes": (1, ["likelihood.json"]),
    "likelihood.micro_batch": (2, ["likelihood.json"]),
    "guidance_classifier.steps": (4, [NOISY]),
    "guidance_classifier.learning_rate": (0.01, [NOISY]),
    "render.colormap": ("magma", [*SAMPLES, "nearest.png"]),
    "render.dpi": (41, FIGURES),
    "render.title": ("another", FIGURES),
}


# The same where an entry is varied.
SWEEP, CONVERGENCE = ["sweep_s.csv", "sweep_s.png"], ["convergence.json", "convergence.png"]
# For each setting another value; which of the table's files change; and how many points are drawn
# that were not there, of the sweep, and of convergence.
SWEPT_READERS = {
    "sweeps.s.over.steps": ([5, 2, 3, 4], SWEEP, 1, 0),
    "sweeps.s.over.steps ": ([3, 2, 5], SWEEP, 0, 0),
    "sweeps.s.over": ({"steps": [5, 2, 3], "eta": [0, 0.5]}, SWEEP, 3, 0),
    "convergence.steps": ([2, 5, 7], CONVERGENCE, 0, 2),
    "convergence.reference": (11, CONVERGENCE, 0, 2),
    "convergence.n_samples": (3, CONVERGENCE, 0, 6),
    "convergence.clip": (True, CONVERGENCE, 0, 6),
    "convergence.spacing": ("leading", CONVERGENCE, 0, 6),
    "convergence.of": (["ddim", "heun", "unipc"], CONVERGENCE, 0, 3),
    "samples.ddim.eta": (0.5, ["ddim_samples.npz", *SWEEP, *CONVERGENCE], 2, 3),
    "samples.ddim.spacing": ("leading", ["ddim_samples.npz", *SWEEP], 2, 0),
    "samples.ddpm.steps": (9, [], 0, 0),
    "render.columns": (2, [SWEEP[1]], 0, 0),
    "render.dpi": (41, [SWEEP[1], CONVERGENCE[1]], 0, 0),
    "trajectory.frames": (7, [], 0, 0),
    "shards": (2, [], 0, 0),
}
SWEPT = {
    "sweeps": {"s": {"of": "ddim", "over": {"steps": [5, 2, 3]}}},
    "convergence": {"of": ["ddim", "heun"], "steps": [2, 5], "reference": 10, "n_samples": 2},
}


def downstream(names, made_into=None):
    """Return `names` and all that is made from them."""
    made_into, names = made_into or MADE_INTO, set(names)
    while (more := names | {into for name in names for into in made_into.get(name, [])}) != names:
        names = more
    return names


ALL = downstream(MADE_INTO)
SCORED_ALL = downstream(["initial_checkpoint", *SCORED_INTO, *FIGURES], SCORED_INTO)


def row_of(path):
    """Return the row of READERS that holds for a setting."""
    return max((row for row in READERS if f"{path}.".startswith(f"{row}.")), key=len)
