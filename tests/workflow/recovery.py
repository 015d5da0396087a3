"""What the tests of faults and of damage share: an artifact taken away, what comes back."""

import shutil

from conftest import artifacts, snakemake, tiny_config

from sfumato.records.opening import open_record

NOISY = tiny_config({"samples": {"ddim": {"eta": 0.5}}})


def remove(place, name):
    """Delete an artifact, whatever kind it is."""
    path = place / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def assert_completes(folder, *targets):
    """Run the same command again, and compare every artifact with an undisturbed build's."""
    done = snakemake(folder, *targets)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not list(folder.glob("results/tiny/.*.part*")), "something half-written is left"


def same(ours, theirs):
    """Tell whether two folders of results hold the same weights and bytes."""
    weights = {open_record(each / "results/tiny/checkpoint").digest for each in (ours, theirs)}
    return artifacts(ours) == artifacts(theirs) and len(weights) == 1
