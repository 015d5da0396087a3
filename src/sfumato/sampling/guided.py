"""A network's denoiser with what an entry of `samples` asks for around it."""

from sfumato.config.samples import ChainConfig
from sfumato.diffusion.prediction import Denoise
from sfumato.diffusion.schedule import Schedule
from sfumato.guidance.clipping import Clipping


def guided(denoise: Denoise, schedule: Schedule, config: ChainConfig) -> Denoise:
    """Put guidance around a denoiser, and clipping outermost, as far as they are asked for."""
    for method in (config.guidance, Clipping() if config.clip else None):
        denoise = method(denoise, schedule) if method else denoise
    return denoise
