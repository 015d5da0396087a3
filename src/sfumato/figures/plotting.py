"""Figures from arrays. No jax, and no pyplot: a figure is an object that belongs to its caller."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

from sfumato.config.render import RenderConfig
from sfumato.errors import InputError
from sfumato.evaluation.tables import Quality, Row, label
from sfumato.records.arrays import PROVENANCE, write_whole
from sfumato.sampling.timing import Speed

BLUE, GREY = "#3b6ea5", "#9a9a9a"
SMALL, MEDIUM = 8, 10
MOST_PIXELS_A_SIDE, MOST_PIXELS = 2**16, 10**9  # of Agg, which draws the figures; of memory
HEADING_INCHES, LINE_INCHES, GAP_INCHES = 0.35, 0.16, 0.06


def image_rows(
    rows: Mapping[str, np.ndarray], titles: Sequence[str], heading: str, config: RenderConfig
) -> Figure:
    """Draw rows of images (N, H, W, C), named at the left, with a title above each column."""
    lines = max(title.count("\n") + 1 for title in titles)
    figure, axes = _panels(
        len(rows), len(titles), next(iter(rows.values())), config, lines / len(rows)
    )
    figure.suptitle(heading, fontsize=MEDIUM)
    for row, (name, images) in zip(axes, rows.items(), strict=True):
        for axis, image in zip(row, images, strict=True):
            draw_image(axis, image, config)
        if name:
            row[0].set_ylabel(name, fontsize=SMALL)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=SMALL)
    return figure


def image_grid(
    images: np.ndarray, heading: str, config: RenderConfig, n_samples: int | None = None
) -> Figure:
    """Draw the first `max_panels` of images (N, H, W, C) in a grid of `columns`, under indices.

    `n_samples` says how many there are, where not all of them are given.
    """
    n_samples = n_samples or len(images)
    images = images[: config.max_panels]
    if len(images) < n_samples:
        heading += f", the first {len(images)} of {n_samples} samples"
    columns = min(config.columns, len(images))
    rows = -(-len(images) // columns)
    figure, axes = _panels(rows, columns, images, config, lines=1)
    figure.suptitle(heading, fontsize=MEDIUM)
    for i, axis in enumerate(axes.flat):
        if i < len(images):
            draw_image(axis, images[i], config)
            axis.set_title(str(i), fontsize=SMALL)
        else:
            axis.set_axis_off()
    return figure


def speed_bars(speed: Speed) -> Figure:
    """Draw measured seconds of DDPM and DDIM, and the ratio of times beside that of steps."""
    figure = Figure(figsize=(7, 2.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    runs = [speed.ddpm, speed.ddim]
    compiling = [run.seconds.compile for run in runs]
    running = [run.seconds.run for run in runs]
    labels = [f"{run.sampler.upper()}\n{run.steps} steps" for run in runs]
    left.bar(labels, compiling, color=GREY, label="compile")
    bars = left.bar(labels, running, bottom=compiling, color=BLUE, label="run")
    left.bar_label(bars, [f"{seconds:.1f} s" for seconds in running], fontsize=SMALL)
    left.set_ylabel("seconds")
    left.set_title(f"{runs[0].n_samples} and {runs[1].n_samples} samples", fontsize=MEDIUM)
    left.margins(y=0.15)
    left.legend(fontsize=SMALL)
    ratios = [speed.steps_ratio, speed.seconds_ratio]
    bars = right.bar(["steps", "seconds per sample"], ratios, color=[GREY, BLUE])
    right.bar_label(bars, [f"{ratio:.1f}" for ratio in ratios], fontsize=SMALL)
    right.set_ylabel("DDPM / DDIM")
    right.set_title(f"measured on {speed.device.get('kind', 'one device')}", fontsize=MEDIUM)
    right.margins(y=0.15)
    return figure


def training_curves(history: Mapping[str, np.ndarray]) -> Figure:
    """Draw the history of a training run: loss, learning rate, norm of the gradient, by step."""
    figure = Figure(figsize=(9, 2.6), layout="constrained")
    axes = figure.subplots(1, 3)
    step, loss = history["step"], history["loss"]
    axes[0].plot(step, loss, color=GREY, linewidth=0.4)
    width = max(1, len(loss) // 50)
    smooth = np.convolve(loss, np.full(width, 1 / width), mode="valid")
    axes[0].plot(
        step[: len(smooth)] + (width - 1) / 2, smooth, color=BLUE, label=f"mean of {width}"
    )
    axes[0].legend(fontsize=SMALL)
    axes[1].plot(step, history["learning_rate"], color=BLUE)
    axes[2].plot(step, history["gradient_norm"], color=GREY, linewidth=0.4)
    for axis, name in zip(axes, ("loss", "learning rate", "gradient norm"), strict=True):
        axis.set_title(name, fontsize=MEDIUM)
        axis.set_xlabel("step")
        if name != "learning rate":
            axis.set_yscale("log")
    return figure


def quality_curves(quality: Quality) -> Figure:
    """Draw FD-LeNet against evaluations and seconds, and how often samples are told apart."""
    figure = Figure(figsize=(10, 3.1), layout="constrained")
    axes = figure.subplots(1, 3)
    panels = (
        ("nfe", "fd_lenet", "network evaluations", "FD-LeNet"),
        ("seconds_per_sample", "fd_lenet", "seconds per sample", "FD-LeNet"),
        ("nfe", "two_sample_accuracy", "network evaluations", "two-sample accuracy"),
    )
    for axis, (across, score, x_label, title) in zip(axes, panels, strict=True):
        for (name, eta), rows in _by_method(quality).items():
            axis.errorbar(
                [getattr(row, across) for row in rows],
                [row.mean[score] for row in rows],
                [row.spread[score] for row in rows],
                marker="o",
                markersize=4,
                capsize=2,
                linewidth=1,
                label=name.upper() + (f", eta {eta:g}" if eta else ""),
            )
        slowest = max(quality.rows, key=lambda row: row.nfe)
        axis.axhline(slowest.mean[score], color=GREY, linewidth=0.8, label=label(slowest))
        axis.axhline(quality.floor.mean[score], color=GREY, linestyle=":", label="real images")
        axis.set_xscale("log")
        axis.set_xlabel(x_label)
        axis.set_title(title, fontsize=MEDIUM)
        if score == "fd_lenet":
            axis.set_yscale("log")
    axes[0].legend(fontsize=SMALL)
    return figure


def _by_method(quality: Quality) -> dict[tuple[str, float], list[Row]]:
    """Sort the runs by sampler and eta, each by its number of evaluations."""
    methods: dict[tuple[str, float], list[Row]] = {}
    for row in sorted(quality.rows, key=lambda row: row.nfe):
        methods.setdefault((row.settings["sampler"], row.settings.get("eta", 0.0)), []).append(row)
    return methods


def _panels(
    rows: int, columns: int, images: np.ndarray, config: RenderConfig, lines: float
) -> tuple[Figure, np.ndarray]:
    """Make axes of the shape of the images, with `lines` of text above each row."""
    width = config.panel_inches
    height = width * images.shape[1] / images.shape[2] + lines * LINE_INCHES
    size = (columns * (width + GAP_INCHES), rows * (height + GAP_INCHES) + HEADING_INCHES)
    pad = GAP_INCHES / 2
    layout = ConstrainedLayoutEngine(w_pad=pad, h_pad=pad, hspace=0, wspace=0)
    figure = Figure(figsize=size, layout=layout)
    return figure, figure.subplots(rows, columns, squeeze=False)


def draw_image(axis: Axes, image: np.ndarray, config: RenderConfig) -> None:
    """Show one image (H, W, C) on the fixed range [-1, 1], never its own."""
    axis.imshow(to_rgb(image, config.colormap), interpolation="nearest")
    axis.set(xticks=[], yticks=[])
    for spine in axis.spines.values():
        spine.set_visible(False)


def to_rgb(image: np.ndarray, colormap: str) -> np.ndarray:
    """Turn values in [-1, 1], (H, W, C), into 8-bit colours (H, W, 3).

    Three channels are taken as red, green and blue; otherwise the first is coloured by the map.
    """
    share = (image.clip(-1, 1) + 1) / 2
    if image.shape[-1] != 3:
        share = colormaps[colormap](share[..., 0])[..., :3]
    return np.round(255 * share).astype(np.uint8)


def time_label(t: int) -> str:
    """Name a time: `t = 500`, or `x_0` for the data."""
    return "$x_0$" if t < 0 else f"$t$ = {t}"


def save_figure(
    path: Path, figure: Figure, config: RenderConfig, provenance: Mapping[str, Any]
) -> None:
    """Write a PNG that carries its provenance as a text chunk.

    Raises:
        InputError: if it would have more pixels than can be drawn.
    """
    FigureCanvasAgg(figure)
    _check_size(path, *figure.get_size_inches() * config.dpi)
    metadata = {PROVENANCE: json.dumps(provenance, sort_keys=True)}
    write_whole(path, lambda part: figure.savefig(part, dpi=config.dpi, metadata=metadata))


def save_animation(
    path: Path, images: np.ndarray, config: RenderConfig, provenance: Mapping[str, Any]
) -> None:
    """Write a GIF of images (F, H, W, C) that holds its last frame for a second."""
    side = round(2 * config.panel_inches * config.dpi)
    scale = max(1, side // max(images.shape[1:3]))
    _check_size(path, scale * images.shape[2], scale * images.shape[1], len(images))
    frames = [
        Image.fromarray(to_rgb(image, config.colormap).repeat(scale, 0).repeat(scale, 1))
        for image in images
    ]
    duration = round(1000 / config.frames_per_second)
    write_whole(
        path,
        lambda part: frames[0].save(
            part,
            save_all=True,
            append_images=frames[1:],
            duration=[duration] * (len(frames) - 1) + [1000],
            loop=0,
            comment=json.dumps(provenance, sort_keys=True).encode(),
        ),
    )


def _check_size(path: Path, width: float, height: float, frames: int = 1) -> None:
    if max(height, width) >= MOST_PIXELS_A_SIDE or width * height * frames > MOST_PIXELS:
        raise InputError(
            f"{path.name}: {width:.0f} x {height:.0f} pixels, {frames} times, are too many; lower "
            "render.dpi, render.panel_inches, render.max_panels or the number of panels or frames"
        )
