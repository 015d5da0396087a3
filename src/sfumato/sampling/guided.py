"""A network's denoiser with what an entry of `samples` asks for around it."""

from sfumato.config.samples import ChainConfig
from sfumato.diffusion.prediction import Denoise
from sfumato.diffusion.schedule import Schedule
from sfumato.guidance.clipping import clipping


def guided(denoise: Denoise, schedule: Schedule, config: ChainConfig) -> Denoise:
    """Put guidance around a denoiser, and clipping outermost, as far as they are asked for.

    An edit may have something between the two.
    """
    denoise = config.guidance(denoise, schedule) if config.guidance else denoise
    around = clipping(config.clip, config.percentile)
    if config.edit:
        return config.edit.denoiser(denoise, schedule, around)
    return around(denoise, schedule) if around else denoise
