"""Draw one entry of `samples` from a checkpoint."""

from sfumato.config.samples import SampleConfig
from sfumato.records.stage import COMPUTING, Stage
from sfumato.workflow.stages._drawing import STREAM, Drawing, after


class Settings(Drawing):
    """The network, and the one entry that is drawn."""

    samples: dict[str, SampleConfig]


STAGE = Stage("sample", Settings, packages=COMPUTING, after=after, stream=STREAM)
