"""Runs side by side."""

from sfumato.records.provenance import Record
from sfumato.sampling.timing import Seconds, Timing, compare

DEVICE = {"backend": "cpu", "kind": "a processor"}
RECORD = Record(
    **{"artifact": "speed.json", "script": "compare_speed.py", "settings": {}, "code": ""},
    **{"versions": {}, "inputs": {}, "device": DEVICE},
)


def timing(sampler, steps, nfe, seconds):
    """Return what 10 samples took."""
    return Timing(
        **{"entry": sampler, "sampler": sampler, "steps": steps, "nfe": nfe},
        **{"n_samples": 10, "micro_batch": 5, "device": DEVICE, "provenance": RECORD},
        seconds=Seconds(compile=1, run=seconds),
    )


def test_seconds_are_compared_with_evaluations_and_not_with_steps():
    """Heun asks twice a step, so that with half of the steps it takes as long."""
    runs = {"ddim": timing("ddim", 20, 20, 4.0), "heun": timing("heun", 10, 19, 3.8)}
    speed = compare(runs, RECORD)
    assert speed.nfe_ratio == {"ddim": 1, "heun": 20 / 19}
    assert speed.seconds_ratio == {"ddim": 1, "heun": 4.0 / 3.8}
