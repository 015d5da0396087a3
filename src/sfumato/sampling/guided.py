"""A network's denoiser with what an entry of `samples` asks for around it."""

from sfumato.config.samples import ChainConfig
from sfumato.diffusion.prediction import Denoise
from sfumato.diffusion.schedule import Schedule
from sfumato.guidance.clipping import Clipping


def guided(denoise: Denoise, schedule: Schedule, config: ChainConfig) -> Denoise:
    """Put guidance around a denoiser, and clipping outermost, as far as they are asked for.

    An edit may have something between the two.
    """
    denoise = config.guidance(denoise, schedule) if config.guidance else denoise
    if config.edit:
        return config.edit.denoiser(denoise, schedule, config.clip)
    return Clipping()(denoise, schedule) if config.clip else denoise
