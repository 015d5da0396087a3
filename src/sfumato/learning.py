"""What a model learns, and where its weights are kept. `DDPMModel` is one that learns."""

from __future__ import annotations

import json
import logging
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from sfumato.compute.arguments import warn, whole
from sfumato.compute.backend import describe
from sfumato.compute.identity import Known
from sfumato.compute.modes import in_own_modes
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.labels import NO_CLASS
from sfumato.config.paths import user_path
from sfumato.config.training import TrainingConfig
from sfumato.config.validation import nearest, one_of, validate
from sfumato.drawing import Drawing
from sfumato.errors import InputError
from sfumato.networks.base import Network
from sfumato.networks.classes import with_classes
from sfumato.project import PRETRAINED, PROJECT
from sfumato.records.arrays import digest
from sfumato.records.checkpoint import load_whole, save_checkpoint, stored
from sfumato.records.code import meaning_digest
from sfumato.records.facts import INITIAL, depth_of
from sfumato.records.provenance import Record, checkpoint_origin, versions
from sfumato.records.stage import TRAINING
from sfumato.training.loop import train
from sfumato.training.progress import TrainingBar
from sfumato.training.state import HISTORY

_LOG = logging.getLogger("sfumato")
_CODE = meaning_digest(Path(__file__))
"""Of the code that was imported: its files may be edited while a notebook goes on."""
SHIPPED = PROJECT / PRETRAINED
"""Where the checkpoints are that come with the library."""
AS_BEGUN = Known()
"""Weights as they were drawn or loaded: no loop of the user's has trained them."""
MOST_TRAININGS = 50
"""So many that differ are remembered, one before another."""
WARMUP = 200
"""Most steps of warm-up, where a run does not say how many; at most a tenth of it."""


class Learning(Drawing):
    """A network that is trained, saved and loaded; its checkpoints are those of the workflow."""

    training: TrainingConfig | None = None
    _origin: str = ""
    """Of the weights that were loaded, or that a training began with: their digest and provenance,
    as JSON text."""
    _calls: int = 1
    """In how many calls `training` was done."""

    @in_own_modes
    def fit(
        self,
        images: jax.typing.ArrayLike,
        labels: jax.typing.ArrayLike | None = None,
        *,
        steps: int = 5000,
        rngs: nnx.Rngs | None = None,
        bar: bool = True,
        **settings: Any,  # noqa: ANN401
    ) -> dict[str, np.ndarray]:
        """Train the network, from the weights that it has, and keep the EMA of the weights.

        It drops no features afterwards, as after `eval()`; `train()` is for a loop of your own.

        Args:
            images: (N, H, W, C) in [-1, 1].
            labels: (N,) or one for all, classes 0 .. num_classes - 1 of a network that knows any,
                -1 for none; left out, no image has a class.
            steps: updates of the weights.
            rngs: stream `fit`.
            bar: show a progress bar on stderr.
            settings: any other setting of section `training`, such as `batch_size` or
                `learning_rate`; left out, `warmup_steps` is 200, or a tenth of a shorter run.

        Returns:
            `loss`, `learning_rate` and `gradient_norm` of each step, (steps,).

        Raises:
            InputError: if an argument does not fit, or loss or weights are no longer finite; the
                weights then stay as they were, as they do after Ctrl-C.
        """
        steps = whole("steps", steps)
        warmup = {"warmup_steps": min(WARMUP, steps // 10)} | settings
        training = validate(TrainingConfig, {"steps": steps} | warmup, "fit")
        given = self._pictures("images", images)
        self._say_doubts(training, given, labels)
        known = self._labels(labels, len(given))
        classes = np.full(len(given), NO_CLASS) if known is None else np.asarray(known)
        said = self._after(training)
        key, options = self._key(rngs, "fit"), (self.diffusion, training, given, classes)
        with TrainingBar(steps) if bar else nullcontext(lambda step, loss: None) as report:
            trained, history = train(self.network, *options, key=key, report=report)
        self.network, (self.training, self._calls, self._origin) = trained, said
        self.eval()
        return dict(zip(HISTORY, history.T, strict=True))

    def _say_doubts(self, training: TrainingConfig, images: np.ndarray, labels: object) -> None:
        """Warn of what can be learnt from, and was hardly meant."""
        if images.min() >= 0 and images.max() > 0:
            warn("images: none is below 0, which is grey; of images in [0, 1] make 2 * images - 1")
        pixels = images.reshape(len(images), -1)
        if pixels.shape[1] > 1 and (blank := np.sum(np.ptp(pixels, axis=1) == 0)):
            _LOG.warning("images: %d of %d are blank, each of one value", blank, len(images))
        if deaf := self.network.config.deaf():
            _LOG.warning("norm_groups: %s", deaf)
        if unweighted := training.unweighted(self.diffusion):
            _LOG.warning("weighting: %s", unweighted)
        if labels is None and self.network.config.num_classes:
            _LOG.warning("labels: none are given, so no class is learnt; give those of the images")

    def with_classes(self, num_classes: int, *, rngs: nnx.Rngs | None = None) -> Self:
        """Return a model that begins with the weights of this one, and can learn other classes.

        It is in eval mode, and computes in float32.

        Each of them, and none, begins as what this model draws without a class: p(x | y) = p(x).
        With as many classes as this model knows, they are the same ones.

        Args:
            num_classes: how many the new model can be asked for; 0 for none.
            rngs: from which it draws; left out, `nnx.Rngs(0)`.

        Raises:
            InputError: if there cannot be so many.
        """
        settings = self.network.config.model_dump() | {"num_classes": num_classes}
        config = validate(type(self.network.config), settings, "with_classes")
        network = with_classes(self.network, config)
        model = self._around(network, self.diffusion, "model", rngs)
        model._begin_with(self._beginning())
        return model

    def save(self, folder: str | Path) -> None:
        """Write a checkpoint, which `load` reads, and the workflow as `weights.folder`.

        Raises:
            InputError: if a weight is not finite, if it cannot be written, or if the folder holds
                anything but a checkpoint.
        """
        weights = self._weights()
        if broken := sum(not bool(jnp.isfinite(weight).all()) for weight in weights):
            raise InputError(f"save: {broken} of {len(weights)} weights hold NaN or infinities")
        made = self._record(self._is_as_begun()).model_dump(mode="json")
        save_checkpoint(user_path(folder, "folder"), self.network, self.diffusion, made)

    @classmethod
    def load(cls, folder: str | Path, *, rngs: nnx.Rngs | None = None) -> Self:
        """Return the model of a checkpoint, in eval mode: one of `save`, or of the workflow.

        Args:
            folder: where it is.
            rngs: from which the model draws; left out, `nnx.Rngs(0)`.

        Raises:
            InputError: if there is none, or it is damaged.
        """
        folder = user_path(folder, "folder")
        network, diffusion, manifest = load_whole(folder)
        model = cls._around(network, diffusion, folder.name, rngs)
        model._begin_with(json.dumps(checkpoint_origin(folder, manifest)))
        return model

    @classmethod
    def pretrained(cls, name: str, *, rngs: nnx.Rngs | None = None) -> Self:
        """Return a model that comes with the library, `mnist`, `digits` or `fashion`.

        Raises:
            InputError: if there is none of that name.
        """
        known = sorted(path.name for path in SHIPPED.glob("[!.]*/"))
        if name not in known:
            raise InputError(f"pretrained: {name!r} {one_of(known)}{nearest(name, known)}")
        return cls.load(SHIPPED / name, rngs=rngs)

    def _begin_with(self, origin: str) -> None:
        """Take the weights for those that come from a checkpoint."""
        self.eval()
        self._origin = origin
        AS_BEGUN.add(self._weights())

    def _weights(self) -> list[jax.Array]:
        return jax.tree.leaves(nnx.state(self.network, nnx.Param))

    def _digest(self) -> str:
        return digest(jax.device_get(stored(self.network)))

    def _is_as_begun(self) -> bool:
        """Tell whether nothing trained the weights since they were drawn or loaded."""
        if self.training:
            return False
        if all(weight in AS_BEGUN for weight in self._weights()):
            return True
        return bool(self._origin) and self._digest() == json.loads(self._origin)["digest"]

    def _after(self, training: TrainingConfig) -> tuple[TrainingConfig, int, str]:
        """Return what will be known after another training; one like that before counts as more."""
        last = self.training
        if last and training.model_copy(update={"steps": last.steps}) == last:
            both = training.model_copy(update={"steps": last.steps + training.steps})
            return both, self._calls + 1, self._origin
        return training, 1, self._beginning()

    def _beginning(self) -> str:
        """Return the origin of a training that begins with the weights as they are now."""
        if self._is_as_begun():
            return self._origin
        record = self._record(as_begun=False)
        if depth_of(record) >= MOST_TRAININGS:
            record = record.model_copy(update={"inputs": {}})
        made = record.model_dump(mode="json")
        return json.dumps({"digest": self._digest(), "provenance": made})

    def _record(self, as_begun: bool) -> Record:
        """Say how the weights came to be, as far as it is known."""
        sections = {"model": self.network.config, "diffusion": self.diffusion}
        settings = {name: each.model_dump(mode="json") for name, each in sections.items()}
        origin = json.loads(self._origin) if self._origin else None
        if self.training:
            settings["training"] = self.training.model_dump(mode="json")
            settings["training"] |= {"calls": self._calls} if self._calls > 1 else {}
        elif origin and not as_begun:
            settings["training"] = {}  # by a loop of the user's
        elif as_begun and not origin:
            settings["weights"] = {"source": "fresh"}
        name = INITIAL if "training" in settings else "pretrained"
        return Record(
            artifact="checkpoint",
            script="DDPMModel.save",
            settings=settings,
            code=_CODE,
            versions=versions(TRAINING),
            inputs={name: origin} if origin else {},
            device=describe(),
        )

    @classmethod
    def _around(
        cls, network: Network, diffusion: DiffusionConfig, name: str, rngs: nnx.Rngs | None
    ) -> Self:
        """Return the model around a network that there is."""
        raise NotImplementedError
