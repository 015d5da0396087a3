"""What figures are drawn from, in small: files with one, a few or many of what a figure shows."""

import json
from itertools import product

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from sfumato.config.render import RenderConfig
from sfumato.figures import figure
from sfumato.records.arrays import save_arrays
from sfumato.records.history import save_history
from sfumato.records.table import save_table

LOOK = RenderConfig(dpi=50)
DEVICE = {"backend": "cpu", "kind": "a processor"}


LINEAR = {"noise_steps": 1000, "beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02}
DIFFUSION = {**LINEAR, "prediction_type": "epsilon"}
DDIM = {"sampler": "ddim", "eta": 0.0, "steps": 20, "spacing": "trailing", "clip": True}
DDPM = {"sampler": "ddpm", "variance": "small", "steps": 1000, "spacing": "trailing", "clip": True}
ENTRIES = {
    name: {**entry, "guidance": None, "seed": None, "n_samples": 8}
    for name, entry in (("ddim", DDIM), ("ddpm", DDPM))
}
TRAINING = {"steps": 600, "batch_size": 64, "learning_rate": 1e-3, "warmup_steps": 50}


def made(artifact, script="a.py", inputs=None, **settings):
    """Return a record; `inputs` are the records of what it was made from."""
    origins = {name: {"digest": "0", "provenance": each} for name, each in (inputs or {}).items()}
    return {
        "artifact": artifact,
        "script": script,
        "settings": settings,
        "code": "",
        "versions": {},
        "inputs": origins,
        "device": DEVICE,
    }


def checkpoint(weights="fresh"):
    """Return the record of a network's weights: `fresh` or `trained`."""
    fresh = made("checkpoint", "initialise.py", diffusion=DIFFUSION)
    if weights == "fresh":
        return fresh
    data = made("data.npz", "prepare_data.py", data={"source": "mnist-5k"})
    inputs = {"data": data, "initial": fresh}
    return made("checkpoint", "train.py", inputs, diffusion=DIFFUSION, training=TRAINING)


def drawn(artifact, name, entry, weights="fresh", diffusion=DIFFUSION):
    """Return the record of what a network drew."""
    inputs = {"checkpoint": checkpoint(weights)}
    return made(artifact, "sample.py", inputs, samples={name: entry}, diffusion=diffusion)


def images(n, shape=(6, 6, 1)):
    """Return images whose first pixel says which one it is."""
    drawn = np.random.default_rng(n).uniform(-1, 1, (n, *shape)).astype(np.float32)
    drawn[:, 0, 0, 0] = np.linspace(-1, 1, n)
    return drawn


def forward_file(folder, n, shape=(6, 6, 1), diffusion=DIFFUSION):
    path, times = folder / "forward.npz", np.arange(n, dtype=np.int32)
    arrays = {
        "x_0": images(1, shape)[0],
        "images": images(n, shape),
        "timesteps": times,
        "alpha_bar": 1 / (times + 1.0),
    }
    settings = {"diffusion": diffusion, "forward": {"index": 5, "timesteps": times.tolist()}}
    save_arrays(path, arrays, made("forward.npz", "forward.py", **settings))
    return [path]


def samples_file(folder, n, name="ddim", shape=(6, 6, 1), weights="fresh", **settings):
    path = folder / f"{name}_samples.npz"
    arrays = {"images": images(n, shape), "timesteps": np.arange(20, dtype=np.int32)}
    entry = {**ENTRIES.get(name, ENTRIES["ddim"]), **settings}
    save_arrays(path, arrays, drawn(path.name, name, entry, weights))
    return [path]


def trajectory_file(folder, n, shape=(6, 6, 1), weights="fresh"):
    path, times = folder / "trajectory.npz", np.arange(n, dtype=np.int32)[::-1] - 1
    arrays = {
        "images": images(n, shape),
        "predicted_x_0": -images(n, shape),
        "timesteps": times,
        "frames": images(n, shape),
        "frame_timesteps": times,
    }
    save_arrays(path, arrays, drawn(path.name, "ddpm", ENTRIES["ddpm"], weights))
    return [path]


def history_file(folder, n):
    path, steps = folder / "history.csv", np.arange(1.0, n + 1)
    columns = ("loss", "learning_rate", "gradient_norm")
    record = checkpoint("trained")
    record["settings"]["training"] = {**TRAINING, "steps": n}
    rows = np.stack([steps, 1 / steps, steps**0.5], 1)
    save_history(path, columns, rows, {**record, "artifact": "history.csv"})
    return [path]


def speed_file(folder, n, names=("ddpm", "ddim", "fast", "faster", "fastest")):
    path, first = folder / "speed.json", 1000
    runs = {}
    for i, name in enumerate((*names, *(f"run_{i}" for i in range(len(names), n)))[:n]):
        steps, sampler = first // 20**i or 1, name if i < 2 else "ddim"
        entry = {**ENTRIES[sampler], "steps": steps}
        runs[name] = {
            "entry": name,
            "sampler": sampler,
            "steps": steps,
            "nfe": steps,
            "n_samples": 8,
            "micro_batch": 8,
            "seconds": {"compile": 1.5, "run": 20.25 / (i + 1)},
            "device": DEVICE,
            "provenance": drawn(f"{name}_samples.timing.json", name, entry),
        }
    content = {
        "runs": runs,
        "nfe_ratio": {name: first / run["nfe"] for name, run in runs.items()},
        "seconds_ratio": {name: i + 1.0 for i, name in enumerate(runs)},
        "device": DEVICE,
        "provenance": made("speed.json"),
    }
    path.write_text(json.dumps(content))
    return [path]


def row(run, nfe, quality, **settings):
    return {
        "run": run,
        "settings": settings,
        "nfe": nfe,
        "seconds_per_sample": nfe / 100,
        "seeds": 2,
        "mean": {"fd_lenet": quality, "two_sample_accuracy": 0.5 + quality / 100},
        "spread": {"fd_lenet": 1.0, "two_sample_accuracy": 0.01},
        "intervals": {},
    }


def quality_file(folder, n):
    """Write the quality of DDPM at 1000 steps, and n - 1 runs of DDIM at 10, 20, ... steps.

    Every third has an eta of its own.
    """
    path = folder / "quality.json"
    rows = [row("ddpm", 1000, 20.0, sampler="ddpm", steps=1000, variance="small", guidance=None)]
    for i in range(1, n):
        eta, steps = (i / 100 if i % 3 == 0 else 0.0), 10 * i
        knobs = {"sampler": "ddim", "steps": steps, "eta": eta, "clip": True, "guidance": None}
        rows.append(row(f"ddim_{i}", steps, 40.0 - i, **knobs))
    content = {
        "n_samples": 300,
        "classifier_accuracy": 0.97,
        "floor": row("floor", 0, 10.0),
        "rows": rows,
        "device": DEVICE,
        "provenance": made("quality.json", inputs={"samples": drawn("0.npz", "ddim", DDIM)}),
    }
    path.write_text(json.dumps(content))
    return [path]


def guidance_file(folder, n):
    """Write the quality of n runs of one guided entry, each with a scale of its own."""
    path, rows = folder / "quality.json", []
    for i in range(n):
        guidance = {"method": "classifier_free", "scale": i / 2}
        settings = {"sampler": "ddim", "steps": 20, "labels": [0, 1], "guidance": guidance}
        scores = {"class_accuracy": i / (i + 1), "precision": 0.7, "recall": 1 / (i + 1)}
        made_row = row(f"guided_{i}", 40, 20.0 + i, **settings)
        made_row["mean"] |= scores
        made_row["spread"] |= dict.fromkeys(scores, 0.01)
        rows.append(made_row)
    floor = row("floor", 0, 10.0)
    floor["mean"] |= {"precision": 0.9, "recall": 0.95}
    inputs = {"samples": drawn("0.npz", "ddim", DDIM)}
    content = {
        **{"n_samples": 300, "classifier_accuracy": 0.97, "floor": floor, "rows": rows},
        **{"device": DEVICE, "provenance": made("quality.json", inputs=inputs)},
    }
    path.write_text(json.dumps(content))
    return [path]


def nearest_files(folder, n, shape=(6, 6, 1)):
    data, metrics = folder / "data.npz", folder / "0.metrics.json"
    arrays = {"train_images": images(2 * n, shape), "train_labels": np.zeros(2 * n)}
    save_arrays(data, arrays, made("data.npz"))
    nearest = [{"sample": i, "train": 2 * i, "distance": 3 + i / 8} for i in range(n)]
    content = {
        **{"run": "ddpm", "settings": ENTRIES["ddpm"], "nfe": 1000, "n_samples": 300},
        **{"scores": {}, "intervals": {}, "nearest": nearest},
        "told": [{"sample": i, "probability": 1 - i / 100} for i in range(n)],
        "fooling": [{"sample": n - 1 - i, "probability": i / 100} for i in range(n)],
        **{"classifier_accuracy": 0.97, "provenance": made("evaluation/ddpm/0.metrics.json")},
    }
    metrics.write_text(json.dumps(content))
    return [data, *samples_file(folder, n, "ddpm", shape), metrics]


def told_files(folder, n, shape=(6, 6, 1)):
    return nearest_files(folder, n, shape)[1:]


def sizes_file(folder, n):
    """Write the scores of three runs for n sizes."""
    (path,) = quality_file(folder, 3)
    content = json.loads(path.read_text())
    for i, each in enumerate([content["floor"], *content["rows"]]):
        sizes = [100.0 * 2**k for k in range(n)]
        each["by_size"] = {"n_samples": sizes, "fd_lenet": [1000 / size + i for size in sizes]}
        each["by_size"] |= {"kid": [float(i)] * n}
        each["by_size"] |= {name: [1 - 1 / (i + 2)] * n for name in ("precision", "recall")}
    path.write_text(json.dumps(content))
    return [path]


def sweep_files(folder, n, shape=(6, 6, 1), over=(), weights="fresh"):
    """Write a sweep over n numbers of steps, or over what is given: its table and its points."""
    over = over or (("steps", tuple(range(5, 5 + n))),)
    combinations = list(product(*(values for _, values in over)))
    points = [f"points/{i:012x}" for i in range(len(combinations))]
    (folder / "points").mkdir(exist_ok=True)
    entries, files = {}, []
    for name, values in zip(points, combinations, strict=True):
        varied = dict(zip([key for key, _ in over], values, strict=True))
        entries[name] = {**ENTRIES["ddim"], **varied}
        files.append(folder / f"{name}_samples.npz")
        arrays = {"images": images(3, shape), "timesteps": np.arange(5, dtype=np.int32)}
        save_arrays(files[-1], arrays, drawn(f"{name}_samples.npz", name, entries[name], weights))
    columns = {
        "point": points,
        "nfe": [5 * (i + 1) for i in range(len(points))],
        "seconds_per_sample": [0.02 * (i + 1) for i in range(len(points))],
        "device": ["a processor"] * len(points),
    }
    settings = {"sweep": "ddim", "over": over, "samples": entries, "points": points}
    save_table(folder / "sweep_ddim.csv", columns, made("sweep_ddim.csv", **settings))
    return [folder / "sweep_ddim.csv", *files]


def convergence_file(folder, n, names=("ddim", "heun", "unipc")):
    """Write distances of n numbers of steps: of each sampler they fall with a power of its own."""
    path, steps = folder / "convergence.json", [5 * 2**i for i in range(n)]
    chosen = names[: max(1, min(n, len(names)))]
    curves = [
        {
            "of": name,
            "steps": steps,
            "nfe": steps,
            "distances": [each ** -(i + 1.0) for each in steps],
            "order": i + 1.0 if n > 1 else None,
        }
        for i, name in enumerate(chosen)
    ]
    entries = {name: {**ENTRIES["ddim"], "sampler": name, "clip": False} for name in chosen}
    settings = {
        "convergence": {"of": list(chosen), "clip": False, "spacing": "trailing"},
        "chains": {name: [name] for name in chosen},
        "samples": entries,
        "diffusion": DIFFUSION,
    }
    content = {
        "reference": 1000,
        "n_samples": 4,
        "curves": curves,
        "provenance": made("convergence.json", "converge.py", {"ddim": checkpoint()}, **settings),
    }
    path.write_text(json.dumps(content))
    return [path]


COSTS = {"bound": 2, "flow": 1.5, "prior": 0.1, "chain": 0.9, "pixels": 1}


def likelihood_file(folder, n):
    """Write n sets of images, each with n terms, that fall from the first time to the last."""
    names = ["training", "held out", *(f"other {i}" for i in range(n))][:n]
    sets = [
        {
            "name": name,
            "n_images": 10 * n,
            **{
                kind: {"mean": i + share, "error": 0.05}
                for kind, share in zip(
                    ("bound", "flow", "prior", "chain", "pixels"),
                    (2, 1.5, 0.1, 0.9, 1),
                    strict=True,
                )
            },
            "terms": [(i + 1) / (t + 1) for t in range(n)],
        }
        for i, name in enumerate(names)
    ]
    settings = {"diffusion": DIFFUSION}
    record = made("likelihood.json", "likelihood.py", {"checkpoint": checkpoint()}, **settings)
    path = folder / "likelihood.json"
    path.write_text(json.dumps({"sets": sets, "provenance": record}))
    return [path]


FILES = {
    "animation": trajectory_file,
    "convergence": convergence_file,
    "forward": forward_file,
    "guidance": guidance_file,
    "likelihood": likelihood_file,
    "nearest": nearest_files,
    "quality": quality_file,
    "samples": samples_file,
    "sizes": sizes_file,
    "speed": speed_file,
    "sweep": sweep_files,
    "told": told_files,
    "training": history_file,
    "trajectory": trajectory_file,
}
"""For each figure what writes its inputs, given how many of what it shows there are."""


def draw(name, paths, look=LOOK):
    return figure(name).draw(look, *figure(name).open(paths).values())


def titles(drawing):
    return [axis.get_title() for axis in drawing.axes]


def said(drawing):
    """Return what stands above a figure: its title, and its details in one line."""
    return [text.get_text().replace("\n", " ") for text in drawing.texts]


def written(drawing):
    """Return the texts that are drawn, of ticks those that are within their axis."""
    FigureCanvasAgg(drawing).draw()
    found = [*drawing.texts, *(text for each in drawing.legends for text in each.get_texts())]
    for axes in drawing.axes:
        found += [axes.title, *axes.texts]
        for axis in (axes.xaxis, axes.yaxis) if axes.axison else ():
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            found += [axis.label, *(tick.label1 for tick in ticks)]
    return [text for text in found if text.get_text() and text.get_visible()]
