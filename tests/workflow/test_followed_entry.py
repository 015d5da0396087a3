"""The trajectory of another entry than the usual one is that of its sample 0, to the bit."""

import numpy as np
from tiny_build import build

from sfumato.records.opening import open_record


def test_the_trajectory_follows_the_entry_that_it_names(tmp_path):
    files = ["checkpoint", "ddim_samples.npz", "trajectory.npz"]
    build(files, tmp_path, {"trajectory": {"of": "ddim"}})
    path, samples = (open_record(tmp_path / file).read()["images"] for file in files[:0:-1])
    np.testing.assert_array_equal(path[-1], samples[0])
