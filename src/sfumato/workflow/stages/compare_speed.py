"""Compare the times that the entries of `samples` took."""

from sfumato.records.stage import Stage

STAGE = Stage("compare_speed", after=("sample",))
