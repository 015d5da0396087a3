"""From settings and a checkpoint to samples: what the scripts that draw have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, Self

import jax

from sfumato.compute.backend import spread_over_cores
from sfumato.compute.randomness import stage_key
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.paths import shown
from sfumato.config.samples import ChainConfig
from sfumato.config.sampling import SamplingConfig
from sfumato.diffusion.prediction import Given
from sfumato.diffusion.schedule import make_schedule
from sfumato.errors import InputError
from sfumato.networks.base_config import NetworkConfig
from sfumato.networks.denoiser import make_denoiser
from sfumato.progress import Progress
from sfumato.records.checkpoint import load_checkpoint
from sfumato.records.opening import Opened, open_record
from sfumato.records.provenance import checkpoint_origin
from sfumato.sampling.calls import classes_of
from sfumato.sampling.labels import asked_labels
from sfumato.sampling.samples import Samples
from sfumato.sampling.walks import Walks


class DrawSettings(Protocol):
    """The sections that drawing reads; `samples` holds the one entry that is drawn."""

    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def model(self) -> NetworkConfig: ...  # noqa: D102
    @property
    def diffusion(self) -> DiffusionConfig: ...  # noqa: D102
    @property
    def sampling(self) -> SamplingConfig: ...  # noqa: D102
    @property
    def samples(self) -> Mapping[str, ChainConfig]: ...  # noqa: D102


@dataclass(frozen=True)
class Entry:
    """An entry of `samples` with a network: all that its chains need except the indices.

    Attributes:
        name: of the entry.
        walks: the chains that its samples walk.
        micro_batch: how many samples go through the network at once on each device.
        inputs: digest and provenance of what it was restored from, by name: the network's
            `checkpoint`, what its `guidance` reads, the `data` of an edit.
        num_classes: how many may be asked for.
    """

    name: str
    walks: Walks
    micro_batch: int
    inputs: dict[str, dict[str, Any]]
    num_classes: int = 0

    @classmethod
    def restore(
        cls,
        settings: DrawSettings,
        checkpoint: Path,
        stream: int,
        files: Mapping[str, Path] = MappingProxyType({}),
    ) -> Self:
        """Restore the network of a checkpoint, and let jax see each core as a device.

        Args:
            settings: what is drawn.
            checkpoint: the folder.
            stream: number of the random stream.
            files: where the files are that its guidance and its edit read, by the names in
                `ChainConfig.inputs`; the user's own may be left out.

        Raises:
            InputError: unless the settings name exactly one entry, and checkpoint and files fit
                them.
        """
        if len(settings.samples) != 1:
            raise InputError(f"samples: {len(settings.samples)} entries; one is drawn at a time")
        spread_over_cores()
        ((name, config),) = settings.samples.items()
        diffusion, shape = settings.diffusion, tuple(settings.model.input_dim)
        network, manifest = load_checkpoint(checkpoint, settings.model, diffusion)
        inputs = {"checkpoint": {key: manifest[key] for key in ("digest", "provenance")}}
        if config.guidance and config.guidance.reads:
            file = _place(config, "guidance", files)
            config, inputs["guidance"] = _restored(config, file, settings)
        schedule, read = make_schedule(diffusion), _opened(config, files)
        walks = Walks(
            config,
            make_denoiser(network, schedule, diffusion.prediction_type),
            schedule,
            stage_key(settings.seed if config.seed is None else config.seed, stream),
            shape,
            getattr(config, "n_samples", 1),
            config.edit.arrays(read, shape) if config.edit else {},
        )
        inputs |= {name: each.origin for name, each in read.items() if isinstance(each, Opened)}
        micro_batch = settings.sampling.on(jax.default_backend())
        return cls(
            name, walks, micro_batch, inputs, classes_of(config, settings.model.num_classes, shape)
        )

    def begin(self, indices: range) -> tuple[Given, Counter[str]]:
        """Return what is known of samples, and the seconds of all their chains but the last."""
        walks = self.walks
        labels = asked_labels(walks.config.labels, indices, walks.key, self.num_classes)
        asked = {} if labels is None else {"labels": labels}
        return self.walks.begin(indices, asked, micro_batch=self.micro_batch)

    @property
    def work(self) -> dict[str, int]:
        """Steps and network evaluations of a sample, as the record of its file has them."""
        return {"steps": len(self.walks.timesteps), "nfe": self.walks.nfe}

    def draw(
        self, indices: range, snapshots: Sequence[int] = (), given: Given | None = None
    ) -> Iterator[Samples]:
        """Draw samples, batch after batch, with a progress bar on stderr.

        Args:
            indices: which.
            snapshots: numbers of steps of the last chain at which states are kept.
            given: what `begin` says of them, if it was asked.
        """
        given = self.begin(indices)[0] if given is None else given
        total = len(indices) * self.walks.nfe_of_last
        with Progress(total, self.name, "evaluation") as bar:
            yield from self.walks.end(
                indices,
                given,
                micro_batch=self.micro_batch,
                snapshots=snapshots,
                progress=bar.update,
            )


def _opened(config: ChainConfig, files: Mapping[str, Path]) -> dict[str, Path | Opened]:
    """Open the results that an edit reads, and say where the user's files are, by name."""
    wanted = config.edit.inputs() if config.edit else {}
    places = {name: _place(config, name, files) for name in wanted}
    for name, place in places.items():
        if wanted[name].is_another(place):
            raise InputError(
                f"edit: {shown(place)} is another picture than when this was asked for; run the "
                "same command again"
            )
    return {n: open_record(place) if wanted[n].stage else place for n, place in places.items()}


def _place(config: ChainConfig, name: str, files: Mapping[str, Path]) -> Path:
    """Return the path of a file that an entry reads: as given, or as the settings name it."""
    path, stage = config.inputs[name]
    if name not in files and (stage or not path):
        raise InputError(f"--read: name the file of {name}, as in {name}={path or 'FOLDER'}")
    return files.get(name, Path(path))


def _restored(
    config: ChainConfig, file: Path, settings: DrawSettings
) -> tuple[ChainConfig, dict[str, Any]]:
    """Return an entry whose guidance has what it reads, and the origin of that."""
    from sfumato.sampling.restoring import restore

    guidance, origin = restore(config.guidance, file, settings.model, settings.diffusion)
    return config.model_copy(update={"guidance": guidance}), checkpoint_origin(file, origin)
