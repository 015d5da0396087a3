"""Put the times that the entries of `samples` took side by side."""

from sfumato.records.stage import Stage

STAGE = Stage("compare_speed", after=("sample",))
