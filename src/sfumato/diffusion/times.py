"""Which of the noise steps a shorter chain visits, whatever schedule and sampler it is for."""

from numbers import Integral

import numpy as np

from sfumato.errors import InputError


def spaced_timesteps(noise_steps: int, steps: int, spacing: str = "trailing") -> np.ndarray:
    """Choose `steps` of the times 0 .. T - 1, T = noise_steps, from late to early.

    leading   t_i = i floor(T / N),                  i = N - 1 .. 0  (DDIM, arXiv:2010.02502)
    linspace  t_i = round(i (T - 1) / (N - 1)),      i = N - 1 .. 0
    trailing  t_i = round(T - i T / N) - 1,          i = 0 .. N - 1  (Lin et al., arXiv:2305.08891,
                                                                     table 2)

    Returns:
        (N,) int32, strictly falling. The chain ends with the step from the last of them to the
        data, s = -1. With N = T all three are T - 1 .. 0.

    Raises:
        InputError: if one of the two is no whole number from 1 up, there are more steps than
            noise_steps, or the spacing is not known.
    """
    if not _is_whole(noise_steps) or noise_steps < 1:
        raise InputError(f"noise_steps: {noise_steps!r} must be a whole number from 1 up")
    if not _is_whole(steps) or not 1 <= steps <= noise_steps:
        raise InputError(
            f"steps: {steps!r} must be from 1 to {noise_steps}, the number of noise steps"
        )
    count = np.arange(steps)
    match spacing:
        case "leading":
            times = count[::-1] * (noise_steps // steps)
        case "linspace":
            times = np.linspace(0, noise_steps - 1, steps).round()[::-1]
        case "trailing":
            times = np.round(noise_steps - count * noise_steps / steps) - 1
        case _:
            raise InputError(f"spacing {spacing!r} must be one of leading, linspace, trailing")
    return times.astype(np.int32)


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
