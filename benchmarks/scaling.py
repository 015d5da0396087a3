"""Measure how sampling time grows with the images, the steps and the side, and draw it.

python benchmarks/scaling.py benchmarks/results/scaling.json
"""

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np

from sfumato.compute.backend import spread_over_cores
from sfumato.compute.randomness import stage_key
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.sampling import SamplingConfig
from sfumato.diffusion.schedule import make_schedule
from sfumato.diffusion.times import spaced_timesteps
from sfumato.guidance.clipping import Clipping
from sfumato.networks.denoiser import make_denoiser
from sfumato.networks.initialisation import initialise
from sfumato.networks.unet_config import UNetConfig
from sfumato.samplers import sampler_class
from sfumato.sampling.batches import sample

REPEAT = 5
IMAGES, STEPS, SIDE = 16, 25, 28  # what is not varied
CURVES = {
    "images": (4, 8, 16, 32, 64, 128),
    "steps": (5, 10, 25, 50, 100, 200),
    "side": (16, 28, 40, 64, 80),
}


def seconds(images: int = IMAGES, steps: int = STEPS, side: int = SIDE) -> list[float]:
    """Draw with DDIM and the default network; return how long the loop ran, each time."""
    diffusion = DiffusionConfig()
    schedule = make_schedule(diffusion)
    config = UNetConfig(input_dim=(side, side, 1), attention_levels=())
    network = initialise(config, stage_key(0, 1))
    denoise = Clipping()(make_denoiser(network, schedule, "epsilon"), schedule)
    runs = [
        sample(
            denoise,
            schedule,
            sampler_class("ddim")(),
            n_samples=images,
            timesteps=spaced_timesteps(diffusion.noise_steps, steps),
            key=stage_key(0, 3),
            image_shape=(side, side, 1),
            micro_batch=SamplingConfig().on(jax.default_backend()),
        )
        for _ in range(REPEAT + 1)
    ]
    return [run.seconds["run"] for run in runs[1:]]


def fit(work: np.ndarray, times: np.ndarray) -> dict[str, float]:
    """Fit times = fixed + slope work, each time weighted by its inverse."""
    slope, fixed = np.polyfit(work, times, 1, w=1 / times)
    off = np.abs(fixed + slope * work - times) / times
    return {"fixed": float(fixed), "slope": float(slope), "worst": float(off.max())}


def main() -> None:
    """Measure the curves; write the numbers, and the figure beside them."""
    import matplotlib.pyplot as plt

    spread_over_cores()
    path, results = Path(sys.argv[1]), {}
    for name, values in CURVES.items():
        measured = [seconds(**{name: value}) for value in values]
        medians = [statistics.median(times) for times in measured]
        work = np.array(values, float) ** (2 if name == "side" else 1)
        results[name] = {"values": values, "seconds": measured, "medians": medians}
        results[name]["line"] = fit(work, np.array(medians))
        print(name, results[name]["line"], file=sys.stderr)
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    figure, panels = plt.subplots(1, 3, figsize=(11, 3.5), layout="constrained")
    for axes, (name, result) in zip(panels, results.items(), strict=True):
        draw(axes, name, result)
    panels[0].set_ylabel("s")
    figure.savefig(path.with_suffix(".png"), dpi=120, metadata={"Software": None})


def draw(axes: Any, name: str, result: dict[str, Any]) -> None:  # noqa: ANN401 (of matplotlib)
    """Draw one curve: every measurement, and the line fitted to the medians."""
    power = 2 if name == "side" else 1
    work, line = np.array(result["values"], float) ** power, result["line"]
    axes.plot(work, result["seconds"], "o", color="0.3", markersize=3)
    ends = np.array([0, work.max()])
    axes.plot(ends, line["fixed"] + line["slope"] * ends, color="C3", linewidth=1)
    axes.set_xlabel("pixels of an image" if power == 2 else name)
    axes.set_title(f"at no work {1e3 * line['fixed']:.0f} ms, off by {line['worst']:.0%} at most")


if __name__ == "__main__":
    main()
