"""Samples in shards: the same bytes in any number of jobs, and memory that does not grow."""

import json

import numpy as np
import pytest
from conftest import artifacts, slow, snakemake, tiny_config, write_config

from sfumato.errors import InputError
from sfumato.records.arrays import Rows, save_arrays
from sfumato.records.provenance import provenance
from sfumato.records.stage import Stage
from sfumato.sampling.shards import gather, shard_count, shard_range

pytestmark = pytest.mark.quick_compile


@pytest.mark.parametrize("n_samples", [1, 4, 5, 50, 1000])
@pytest.mark.parametrize("unit", [1, 4, 8])
@pytest.mark.parametrize("shards", [1, 2, 7])
def test_shards_hold_every_sample_once(n_samples, unit, shards):
    count = shard_count(n_samples, unit, shards)
    ranges = [shard_range(n_samples, unit, f"{k}/{count}") for k in range(1, count + 1)]
    assert [i for indices in ranges for i in indices] == list(range(n_samples))
    assert all(ranges) and count <= shards
    assert all(indices.start % unit == 0 for indices in ranges)
    lengths = [len(indices) for indices in ranges]
    assert max(lengths) - min(lengths) <= 2 * unit


@pytest.mark.parametrize("shard", ["", "1", "0/2", "3/2", "1/3", "-1/2", "1/2/2", "a/b", "01/2"])
def test_there_is_no_such_shard(shard):
    with pytest.raises(InputError, match="must be K/N, the K-th of N shards, N at most 2"):
        shard_range(5, 4, shard)


MADE = provenance(Stage("sample"), "ddim_samples.npz")


def shard_file(folder, start, stop, value=0, **changes):
    """Write a shard whose image i is a ramp that begins at `value`."""
    path = folder / f"{start}-{stop}.npz"
    images = np.full((stop - start, 2, 2, 1), value, np.float32)
    images[:, 0, 0] += 0.5
    record = MADE | {"part": {"start": start, "stop": stop}} | changes
    save_arrays(path, {"images": images, "timesteps": np.arange(3, dtype=np.int32)}, record)
    return path


def test_gather_joins_in_order(tmp_path):
    parts = [shard_file(tmp_path, a, b, a) for a, b in ((4, 7), (0, 4), (7, 8))]
    arrays, record = gather(parts)
    assert record == MADE and isinstance(arrays["images"], Rows)
    values = arrays["images"].read()[:, 1, 0, 0]
    assert values.tolist() == [0] * 4 + [4] * 3 + [7]


def test_gather_takes_all_shards_of_one_array_and_nothing_else(tmp_path):
    first, last = shard_file(tmp_path, 0, 4), shard_file(tmp_path, 6, 8)
    with pytest.raises(InputError, match="begins with sample 6, not 4"):
        gather([first, last])
    with pytest.raises(InputError, match="begins with sample 6, not 0"):
        gather([last])
    with pytest.raises(InputError, match="not a shard"):
        gather([first, shard_file(tmp_path, 4, 5, part=None)])
    other = shard_file(tmp_path, 4, 5, settings={"seed": 2})
    with pytest.raises(InputError, match="made in another way"):
        gather([first, other])
    lying = shard_file(tmp_path, 4, 5, part={"start": 4, "stop": 9})
    with pytest.raises(InputError, match="this shard holds 1 samples"):
        gather([first, lying])


def test_the_joined_file_is_what_one_job_writes(tmp_path):
    paths = [shard_file(tmp_path, a, b, 0.25) for a, b in ((0, 4), (4, 6))]
    save_arrays(tmp_path / "joined.npz", *gather(paths))
    images = np.full((6, 2, 2, 1), 0.25, np.float32)
    images[:, 0, 0] += 0.5
    save_arrays(
        tmp_path / "one.npz", {"images": images, "timesteps": np.arange(3, dtype=np.int32)}, MADE
    )
    assert (tmp_path / "joined.npz").read_bytes() == (tmp_path / "one.npz").read_bytes()


def test_a_single_shard_is_the_whole(tmp_path):
    """As where all samples go through the network at once, however many shards there may be."""
    parts = [shard_file(tmp_path, 0, 4), shard_file(tmp_path, 4, 8)]
    whole = shard_file(tmp_path, 0, 8, part=None)
    for name, paths in (("joined.npz", parts), ("alone.npz", [whole])):
        save_arrays(tmp_path / name, *gather(paths))
    assert (tmp_path / "joined.npz").read_bytes() == (tmp_path / "alone.npz").read_bytes()


def test_damage_of_a_shard_is_found_when_it_is_joined(tmp_path):
    path = shard_file(tmp_path, 0, 4)
    with np.load(path) as written:
        np.savez(path, **{**written, "images": written["images"] + 1})
    with pytest.raises(InputError, match="images is not what was written"):
        save_arrays(tmp_path / "joined.npz", *gather([path]))
    assert not (tmp_path / "joined.npz").exists()


def sharded(shards, n_samples, eta=0.0):
    samples = {"ddim": {"n_samples": n_samples, "eta": eta}}
    return tiny_config({"figures": ["ddim_samples.png"], "shards": shards, "samples": samples})


@pytest.mark.parametrize(("shards", "n_samples"), [(2, 5), slow(7, 27)])
def test_any_number_of_shards_gives_the_same_bytes(shards, n_samples, copied):
    """As many as one job; nothing is left of the shards, and a second run has nothing to do."""
    place = copied / "results" / "tiny"
    write_config(copied, sharded(1, n_samples))
    if n_samples != 5:  # with which it is built
        assert snakemake(copied).returncode == 0
    whole = artifacts(copied)
    write_config(copied, sharded(shards, n_samples))
    done = snakemake(copied)
    output = done.stdout + done.stderr
    assert done.returncode == 0 and output.count("rule sample_shard:") == shards, output
    assert artifacts(copied) == whole
    assert not list(place.glob("shards/*"))
    timing = json.loads((place / "ddim_samples.timing.json").read_text())
    assert timing["n_samples"] == n_samples and "part" not in timing["provenance"]
    again = snakemake(copied, "-n")
    assert "Nothing to be done" in again.stdout + again.stderr
    write_config(copied, sharded(shards, n_samples, eta=0.5))  # they are gone, and drawn anew
    done = snakemake(copied, "-n")
    assert (done.stdout + done.stderr).count("rule sample_shard:") == shards
