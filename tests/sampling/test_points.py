"""The table of a sweep: what varies first, then what was measured, then all settings."""

import pytest

from sfumato.config.points import digest_of
from sfumato.config.samples import SampleConfig
from sfumato.errors import InputError
from sfumato.records.opening import open_record
from sfumato.records.provenance import provenance
from sfumato.records.stage import Stage
from sfumato.records.table import save_table
from sfumato.sampling.points import columns, rows
from sfumato.sampling.timing import Timing

pytestmark = pytest.mark.quick_compile

OVER = (("steps", (5, 10)), ("eta", (0.0, 0.5)), ("clip", (True,)))
NAMES = ("points/a", "ddim", "points/c", "points/d")
SETTINGS = [(5, 0.0), (5, 0.5), (10, 0.0), (10, 0.5)]
ENTRY = {
    name: SampleConfig.model_validate({"sampler": "ddim", "steps": steps, "eta": eta})
    for name, (steps, eta) in zip(NAMES, SETTINGS, strict=True)
}


def timing(name, seconds, kind="a processor"):
    return Timing.model_validate(
        {
            **{"entry": name, "sampler": "ddim", "steps": 5, "nfe": ENTRY[name].steps},
            **{"n_samples": 8, "micro_batch": 2, "device": {"kind": kind}},
            "seconds": {"compile": 1.0, "run": seconds},
            "provenance": provenance(Stage("sample"), f"{name}_samples.timing.json"),
        }
    )


TIMINGS = {name: timing(name, 8.0 * (i + 1)) for i, name in enumerate(NAMES)}


def test_the_columns_are_what_varies_what_was_measured_and_the_rest():
    found = columns(OVER, NAMES, ENTRY, TIMINGS)
    assert list(found)[:9] == [
        *("point", "steps", "eta", "clip", "nfe", "seconds_per_sample", "device", "file", "digest")
    ]
    assert found["point"] == list(NAMES) and found["eta"] == ["0.0", "0.5"] * 2
    assert found["nfe"] == [5, 5, 10, 10] and found["seconds_per_sample"] == [1, 2, 3, 4]
    assert found["file"][1] == "ddim_samples.npz" and found["file"][0] == "points/a_samples.npz"
    assert found["digest"] == [digest_of(ENTRY[name]) for name in NAMES]
    assert found["sampler"] == ["ddim"] * 4 and found["seed"] == [""] * 4
    assert all(len(column) == 4 for column in found.values())


def test_settings_within_settings_have_columns_of_their_own():
    entries = {name: each.model_copy(update={"guidance": None}) for name, each in ENTRY.items()}
    over = (("guidance", (None, {"method": "mine", "scale": 2.0})), ("steps", (5, 10)))
    found = columns(over, NAMES, entries, TIMINGS)
    assert found["guidance"] == ["", "", *['{"method": "mine", "scale": 2.0}'] * 2]


def test_a_table_is_read_with_what_varies(tmp_path):
    """A setting with one value tells no point from another."""
    path = tmp_path / "sweep_s.csv"
    settings = {"over": OVER, "points": NAMES}
    record = provenance(Stage("sample"), path.name) | {"settings": settings}
    save_table(path, columns(OVER, NAMES, ENTRY, TIMINGS), record)
    found = rows(open_record(path))
    assert list(found) == list(NAMES)
    assert found["ddim"].varied == {"steps": 5, "eta": 0.5}
    assert (found["points/d"].nfe, found["points/d"].seconds) == (10, 4.0)
    assert found["ddim"].device == "a processor"


def test_points_that_were_not_timed():
    some = {name: TIMINGS[name] for name in NAMES[:2]}
    with pytest.raises(InputError, match="these are of ddim, points/a, and the sweep has ddim, po"):
        columns(OVER, NAMES, ENTRY, some)
