"""Knobs that only multiply: taken out of a method and put back."""

from dataclasses import dataclass

import jax
import pytest

from sfumato.compute.knobs import is_exactly, put_back, split
from sfumato.samplers import DDIM, DDPM


@dataclass(frozen=True)
class Around:
    """A method with a method inside."""

    traced = ("strength",)

    inside: DDIM
    strength: float
    repeats: int = 3


@pytest.mark.parametrize(
    "method",
    [DDIM(eta=0.5), DDIM(), DDPM(), Around(DDIM(eta=0.3), 0.5), Around(DDIM(eta=1), 2.0)],
)
def test_the_two_parts_make_the_whole(method):
    static, knobs = split(method)
    assert put_back(static, knobs) == method


def test_methods_that_differ_in_what_is_traced_are_one_program():
    assert split(DDIM(eta=0.5))[0] == split(DDIM(eta=0.7))[0]
    assert hash(split(DDIM(eta=0.5))[0]) == hash(split(DDIM(eta=0.7))[0])
    first, second = (split(Around(DDIM(eta=eta), 2 * eta)) for eta in (0.1, 0.9))
    assert first[0] == second[0]
    assert first[1] == {"inside": {"eta": 0.1}, "strength": 0.2}


def test_what_leaves_something_out_is_another_program():
    assert len({split(DDIM(eta=eta))[0] for eta in (0, 0.5, 1)}) == 3
    assert split(Around(DDIM(), 1.0, repeats=2)) == (Around(DDIM(), 1.0, repeats=2), {})


def test_what_jax_traces_is_neither_0_nor_1():
    assert is_exactly(0, 0) and is_exactly(1.0, 1) and not is_exactly(0.5, 0)
    told = []
    jax.jit(lambda knob: told.append((is_exactly(knob, 0), is_exactly(knob, 1))))(1.0)
    assert told == [(False, False)]
