"""Calls in Python: one sentence names the argument, what was given, and what may be."""

from typing import get_args

import numpy as np
import pytest
from pydantic import TypeAdapter
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError
from pydantic_core.core_schema import ErrorType

from sfumato.config.data import DataConfig
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.experiment import Experiment
from sfumato.config.samples import SampleConfig
from sfumato.config.training import TrainingConfig
from sfumato.config.validation import sentences
from sfumato.errors import InputError
from sfumato.guidance.clipping import Clipping
from sfumato.networks.unet_config import UNetConfig
from sfumato.samplers import DDIM, DDPM

CALLS = {
    "DDIM.eta: 2 must be at most 1 and at least 0": [lambda: DDIM(2), lambda: DDIM(eta=2)],
    "DDIM.eta: 'a' must be a number": [lambda: DDIM("a")],
    "DDIM.eta: '0,5' must be a number; write 0.5": [lambda: DDIM("0,5")],
    "DDIM.eat: unknown argument (its value: 1); did you mean 'eta'?": [lambda: DDIM(eat=1)],
    "DDIM: 0.2 is one too many: it takes eta": [lambda: DDIM(0.1, 0.2)],
    "DDIM.eta: 0.2 is given a second time, by name": [lambda: DDIM(0.1, eta=0.2)],
    "DDPM.variance: 'smal' must be one of 'small' or 'large'; did you mean 'small'?": [
        lambda: DDPM("smal")
    ],
    "Clipping: 3 is one too many: it takes none": [lambda: Clipping(3)],
    "DiffusionConfig.T: unknown key (its value: 10); known here: noise_steps": [
        lambda: DiffusionConfig(T=10)
    ],
    "DiffusionConfig.noise_steps: 0 must be at least 1 and at most 100000": [
        lambda: DiffusionConfig(noise_steps=0)
    ],
    "DiffusionConfig.noise_steps: '9' must be a whole number; write 9": [
        lambda: DiffusionConfig(noise_steps="9")
    ],
    "DiffusionConfig: takes its settings by name, as in DiffusionConfig(noise_steps=...)": [
        lambda: DiffusionConfig(10)
    ],
    "DiffusionConfig.noise_steps: is not changed; make a new section": [
        lambda: setattr(DiffusionConfig(), "noise_steps", 3)
    ],
    "UNetConfig.channels: 1 must be at least 2": [lambda: UNetConfig(channels=1)],
    "TrainingConfig.warmup_steps: 9 must be less than steps (5)": [
        lambda: TrainingConfig(steps=5, warmup_steps=9)
    ],
    "DataConfig.source: 'mnst' must be one of": [lambda: DataConfig(source="mnst")],
    "SampleConfig.sampler: is missing": [lambda: SampleConfig(steps=5)],
    "SampleConfig.eta: 2 must be at most 1": [lambda: SampleConfig(sampler="ddim", eta=2)],
    "Experiment.diffusion.noise_steps: 0 must": [lambda: Experiment(diffusion={"noise_steps": 0})],
    "Experiment.figures: 'a.png' must be a list; write ['a.png']": [
        lambda: Experiment(figures="a.png")
    ],
    "Experiment.trajectory.of: 3 must be text; in quotes, '3', it is": [
        lambda: Experiment(trajectory={"of": 3})
    ],
}


@pytest.mark.parametrize("said", CALLS)
def test_a_wrong_call(said):
    for call in CALLS[said]:
        with pytest.raises(InputError) as caught:
            call()
        assert str(caught.value).startswith(said) and "\n" not in str(caught.value)


def test_a_right_call():
    """What is inside a section is read by it, and what is wrong inside has its path."""
    assert DDIM(np.float32(0.5)) == DDIM(eta=0.5)
    entry = SampleConfig(sampler=DDIM(0.5))
    experiment = Experiment(samples={"a": entry}, diffusion=DiffusionConfig(noise_steps=9))
    assert experiment.samples["a"] is entry and experiment.model_copy() == experiment
    assert Experiment(**experiment.model_dump()) == experiment


@pytest.mark.parametrize("kind", get_args(ErrorType))
def test_no_sentence_is_in_pydantic_s_words(kind):
    """Whatever it finds, and also what no schema of ours asks for."""
    numbers = dict.fromkeys(("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length"), 3)
    more = {
        "actual_length": 1,
        "expected": "'a'",
        "field_type": "List",
        "error": "no",
        "class": "A",
    }
    try:
        details = InitErrorDetails(type=kind, loc=("eta",), input=4, ctx={**numbers, **more})
        error = ValidationError.from_exception_data("DDIM", [details])
    except (TypeError, KeyError):  # it needs a context of another kind, and is none of ours
        details = InitErrorDetails(type=PydanticCustomError(kind, "Input should"), loc=("eta",))
        error = ValidationError.from_exception_data("DDIM", [details])
    theirs = error.errors()[0]["msg"]
    said = sentences(DDIM, error, "DDIM")
    assert said.startswith(("DDIM.eta: ", "DDIM: ")) and "\n" not in said
    assert theirs not in said and "pydantic" not in said and "Input" not in said


def test_wrong_knobs_inside_a_section_keep_their_type():
    """The mistakes of a section are collected: one inside it must not end that."""
    with pytest.raises(ValidationError):
        TypeAdapter(DDIM).validate_python({"eta": 2})
