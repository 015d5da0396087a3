"""What the runs of an evaluation are called: by what tells them apart."""

import pytest

from sfumato.evaluation.quality import Row
from sfumato.evaluation.run_names import labels, methods


def rows(*entries):
    fixed = {"seconds_per_sample": 1.0, "seeds": 1, "mean": {}, "spread": {}, "intervals": {}}
    each = [{"sampler": "ddim", "steps": 10, "eta": 0.0, "labels": None} | e for e in entries]
    return [
        Row.model_validate({"run": f"r{i}", "settings": entry, "nfe": entry["steps"], **fixed})
        for i, entry in enumerate(each)
    ]


@pytest.mark.parametrize(
    ("entries", "names"),
    [
        ([{}, {"eta": 0.5}], ["DDIM-10", "DDIM-10, eta 0.5"]),
        ([{"eta": 0.5}, {}], ["DDIM-10, eta 0.5", "DDIM-10, eta 0"]),
        ([{"eta": 0.5}, {"eta": 0.5, "steps": 20}], ["DDIM-10", "DDIM-20"]),
        ([{"labels": "random"}, {}], ["DDIM-10, labels random", "DDIM-10, no labels"]),
        (
            [{"labels": "random"}, {"labels": "random", "steps": 20}, {}],
            ["DDIM-10, labels random", "DDIM-20, labels random", "DDIM-10, no labels"],
        ),
        ([{"eta": 0.5}, {"sampler": "heun"}], ["DDIM-10", "Heun-10"]),
        ([{"seed": 0}, {"seed": 1}], ["DDIM-10, seed 0", "DDIM-10, seed 1"]),
    ],
    ids=str,
)
def test_names(entries, names):
    """The first run of a sampler says what the others do not share, and is not the default."""
    measured = rows(*entries)
    assert list(labels(measured).values()) == names
    assert sum(map(len, methods(measured).values())) == len(entries)
