"""Follow sample 0 of an entry from noise to image."""

from sfumato.config.narrowing import followed
from sfumato.config.samples import ChainConfig
from sfumato.config.trajectory import SnapshotConfig
from sfumato.records.stage import COMPUTING, Stage
from sfumato.workflow.stages._drawing import STREAM, Drawing, after


class Settings(Drawing):
    """The network, the one entry that is followed, and how many of its states are kept."""

    samples: dict[str, ChainConfig]
    trajectory: SnapshotConfig


STAGE = Stage("trajectory", Settings, packages=COMPUTING, after=after, stream=STREAM, view=followed)
