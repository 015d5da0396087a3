"""Join the shards of one set of samples."""

from sfumato.records.stage import Stage

STAGE = Stage("gather", after=("sample",))
