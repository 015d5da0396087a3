"""Put the scores of all runs side by side."""

from sfumato.config.narrowing import all_runs
from sfumato.records.stage import Stage

STAGE = Stage("compare_quality", after=("evaluate",), view=all_runs)
