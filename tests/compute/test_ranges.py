"""Images of 0 .. 255 are refused where those in [-1, 1] are needed, and nothing else is."""

import jax
import numpy as np
import pytest
from flax import nnx

from sfumato.compute.ranges import check_range
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.training import TrainingConfig
from sfumato.diffusion.forward import forward
from sfumato.diffusion.schedule import make_schedule
from sfumato.errors import InputError
from sfumato.evaluation.classifier_training import Fit, train_classifier
from sfumato.evaluation.memorisation import memorisation
from sfumato.model import DDPMModel, ModelConfig
from sfumato.training.loop import train

LEVELS = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 1)).astype(np.uint8)
LABELS = np.arange(12) % 2
SIZE = {"channels": 4, "channel_multipliers": [1], "attention_levels": [], "norm_groups": 2}
KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def model():
    return DDPMModel(ModelConfig("any", input_dim=(8, 8, 1), parameters=SIZE), rngs=nnx.Rngs(0))


CALLS = {
    "forward": lambda x, model: forward(model.schedule, x, np.zeros(x.shape, np.float32), 3),
    "forward_diffusion": lambda x, model: model.forward_diffusion(x, 3),
    "train": lambda x, model: train(
        model.network,
        DiffusionConfig(),
        TrainingConfig(steps=1, warmup_steps=0),
        x,
        LABELS,
        key=KEY,
    ),
    "train_classifier": lambda x, model: train_classifier(x, LABELS, 2, Fit(1), key=KEY),
    "memorisation": lambda x, model: memorisation(x, x[:4], x[4:]),
}


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("call", CALLS)
def test_levels_are_refused_in_a_sentence(call, kind, model):
    said = r"run from \d+ to 255, and .* must be in \[-1, 1\]"
    with pytest.raises(InputError, match=said) as error:
        CALLS[call](LEVELS.astype(kind), model)
    assert "/ 127.5 - 1" in str(error.value) and "\n" not in str(error.value)


def test_other_values_pass():
    normal = np.random.default_rng(0).normal(size=(4, 8, 8, 1))
    for images in (normal, 30 * normal, LEVELS / 255, np.zeros((2, 2)), np.ones((2, 2), int), []):
        check_range("x", images)
    schedule = make_schedule(DiffusionConfig())
    jax.jit(forward)(schedule, LEVELS, normal[:1], 3)  # traced
