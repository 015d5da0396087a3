"""What figures are drawn from, in small: files with one, a few or many of what a figure shows."""

import json

import numpy as np

from sfumato.config.render import RenderConfig
from sfumato.figures import figure
from sfumato.records.arrays import save_arrays
from sfumato.records.history import save_history

LOOK = RenderConfig(dpi=50)
DEVICE = {"backend": "cpu", "kind": "a processor"}


def made(artifact, **settings):
    """Return the provenance of an input."""
    return {
        "artifact": artifact,
        "script": "a.py",
        "settings": settings,
        "code": "",
        "versions": {},
        "inputs": {},
        "device": DEVICE,
    }


def images(n, shape=(6, 6, 1)):
    """Return images whose first pixel says which one it is."""
    drawn = np.random.default_rng(n).uniform(-1, 1, (n, *shape)).astype(np.float32)
    drawn[:, 0, 0, 0] = np.linspace(-1, 1, n)
    return drawn


def forward_file(folder, n):
    path, times = folder / "forward.npz", np.arange(n, dtype=np.int32)
    arrays = {
        "x_0": images(1)[0],
        "images": images(n),
        "timesteps": times,
        "alpha_bar": 1 / (times + 1.0),
    }
    save_arrays(path, arrays, made("forward.npz"))
    return [path]


def samples_file(folder, n, name="ddim", shape=(6, 6, 1), sampler="ddim"):
    path = folder / f"{name}_samples.npz"
    arrays = {"images": images(n, shape), "timesteps": np.arange(20, dtype=np.int32)}
    entries = {name: {"sampler": sampler, "eta": 0.0}}
    save_arrays(path, arrays, made(path.name, samples=entries))
    return [path]


def trajectory_file(folder, n):
    path, times = folder / "trajectory.npz", np.arange(n, dtype=np.int32)[::-1] - 1
    arrays = {
        "images": images(n),
        "predicted_x_0": -images(n),
        "timesteps": times,
        "frames": images(n),
    }
    save_arrays(path, arrays, made("trajectory.npz", samples={"ddpm": {"sampler": "ddpm"}}))
    return [path]


def history_file(folder, n):
    path, steps = folder / "history.csv", np.arange(1.0, n + 1)
    columns = ("loss", "learning_rate", "gradient_norm")
    save_history(path, columns, np.stack([steps, 1 / steps, steps**0.5], 1), made("history.csv"))
    return [path]


def speed_file(folder, n, names=("ddpm", "ddim", "fast", "faster", "fastest")):
    path, first = folder / "speed.json", 1000
    runs = {
        name: {
            "entry": name,
            "sampler": name if i < 2 else "ddim",
            "steps": first // 20**i or 1,
            "nfe": first // 20**i or 1,
            "n_samples": 8,
            "micro_batch": 8,
            "seconds": {"compile": 1.5, "run": 20.25 / (i + 1)},
            "device": DEVICE,
            "provenance": made(f"{name}_samples.timing.json"),
        }
        for i, name in enumerate(names[:n])
    }
    content = {
        "runs": runs,
        "steps_ratio": {name: first / run["steps"] for name, run in runs.items()},
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
        "provenance": made("quality.json"),
    }
    path.write_text(json.dumps(content))
    return [path]


def nearest_files(folder, n):
    data, metrics = folder / "data.npz", folder / "0.metrics.json"
    save_arrays(
        data, {"train_images": images(2 * n), "train_labels": np.zeros(2 * n)}, made("data.npz")
    )
    nearest = [{"sample": i, "train": 2 * i, "distance": 3 + i / 8} for i in range(n)]
    content = {
        **{"run": "ddpm", "settings": {"sampler": "ddpm"}, "nfe": 1000, "n_samples": 300},
        **{"scores": {}, "intervals": {}, "nearest": nearest},
        **{"classifier_accuracy": 0.97, "provenance": made("evaluation/ddpm/0.metrics.json")},
    }
    metrics.write_text(json.dumps(content))
    return [data, *samples_file(folder, n, "ddpm"), metrics]


FILES = {
    "animation": trajectory_file,
    "forward": forward_file,
    "nearest": nearest_files,
    "quality": quality_file,
    "samples": samples_file,
    "speed": speed_file,
    "training": history_file,
    "trajectory": trajectory_file,
}
"""For each figure what writes its inputs, given how many of what it shows there are."""


def draw(name, paths, look=LOOK):
    return figure(name).draw(look, *figure(name).open(paths).values())


def titles(drawing):
    return [axis.get_title() for axis in drawing.axes]
