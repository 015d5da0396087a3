"""Draw one entry of `samples` from a checkpoint."""

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Section, Seed
from sfumato.config.model import Model
from sfumato.config.samples import SampleConfig
from sfumato.config.sampling import SamplingConfig
from sfumato.records.stage import COMPUTING, Stage
from sfumato.workflow.weights import weights


class Settings(Section):
    """The network, and the one entry that is drawn."""

    seed: Seed
    model: Model
    diffusion: DiffusionConfig
    sampling: SamplingConfig
    samples: dict[str, SampleConfig]


STAGE = Stage("sample", Settings, packages=COMPUTING, after=weights, stream=3)
