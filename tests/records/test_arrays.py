"""Arrays on disk: whole, with their digests, in memory that does not grow."""

import hashlib
import json
import os
import tracemalloc
import zipfile

import numpy as np
import pytest

from sfumato.errors import InputError
from sfumato.records.arrays import (
    Rows,
    digest,
    digests,
    joint_digest,
    largest_difference,
    save_arrays,
)
from sfumato.records.npz import read_npz
from sfumato.records.outputs import file_aside

ARRAYS = {"images": np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 2, 2, 1)}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "some results" / "a.npz"
    save_arrays(path, ARRAYS, {"seed": 1})
    return path


def read(path, *names):
    return {name: rows.read() for name, rows in read_npz(path, *names)[0].items()}


def test_round_trip(file):
    arrays, provenance = read_npz(file)
    assert provenance == {"seed": 1, "arrays": digests(ARRAYS)}
    assert set(arrays) == {"images"} and arrays["images"].dtype == np.float32
    np.testing.assert_array_equal(arrays["images"].read(), ARRAYS["images"])
    with np.load(file) as plain:  # readable with numpy alone
        assert json.loads(str(plain["provenance"])) == provenance
        np.testing.assert_array_equal(plain["images"], ARRAYS["images"])


def test_equal_contents_equal_bytes(file):
    before = file.read_bytes()
    os.utime(file, (0, 0))
    save_arrays(file, dict(ARRAYS), {"seed": 1})
    assert file.read_bytes() == before
    save_arrays(file, ARRAYS, {"seed": 2})
    assert file.read_bytes() != before


@pytest.mark.parametrize("cut", [1, 7, 1000])
def test_bytes_do_not_depend_on_how_rows_are_cut(tmp_path, cut):
    array = np.random.default_rng(0).uniform(size=(3000, 100)).astype(np.float32)
    blocks = (array[first : first + cut] for first in range(0, len(array), cut))
    for name, each in (("whole", array), ("cut", Rows(array.shape, array.dtype, blocks))):
        save_arrays(tmp_path / name, {"x": each}, {})
    assert (tmp_path / "cut").read_bytes() == (tmp_path / "whole").read_bytes()


def test_a_file_may_be_larger_than_the_memory(tmp_path):
    """64 MB of rows pass through a few."""
    block = np.ones((1024, 1024), np.float32)
    rows = Rows((16 * 1024, 1024), block.dtype, (block for _ in range(16)))
    tracemalloc.start()
    save_arrays(tmp_path / "a.npz", {"x": rows}, {})
    first = read_npz(tmp_path / "a.npz", "x")[0]["x"].read(most=3)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert first.shape == (3, 1024) and most < 24 * 2**20


def test_only_what_is_named_is_read(tmp_path):
    """Damage of another array goes unseen; that of the named one does not."""
    arrays = {name: np.random.default_rng(0).uniform(size=2000) for name in ("a", "b")}
    save_arrays(tmp_path / "a.npz", arrays, {})
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[content.index(b"b.npy") + 4000] ^= 1
    (tmp_path / "a.npz").write_bytes(content)
    np.testing.assert_array_equal(read(tmp_path / "a.npz", "a")["a"], arrays["a"])
    with pytest.raises(InputError, match="not a whole .npz file"):
        read(tmp_path / "a.npz", "b")


def test_an_array_that_is_not_what_was_written_is_refused(file):
    """By its digest, where the file itself is in order; the first rows alone are checked too."""
    with np.load(file) as plain:
        written = dict(plain)
    np.savez(file, **{**written, "images": written["images"] + 1})
    for most in (None, 1):
        with pytest.raises(InputError, match="images is not what was written"):
            read_npz(file)[0]["images"].read(most)
    np.savez(file, **written, more=np.ones(2))
    with pytest.raises(InputError, match="other arrays than it says"):
        read_npz(file)


@pytest.mark.parametrize("keep", [0, 1, 100, -1, -30])
def test_cut_short(file, keep):
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(InputError, match="not a whole .npz file"):
        read(file)


@pytest.mark.parametrize("kind", ["header", "lzma"])
def test_members_that_only_numpy_or_lzma_would_complain_of(kind, file):
    """Of a bracket that is never closed numpy says a `TokenError`."""
    method = zipfile.ZIP_LZMA if kind == "lzma" else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if kind == "header":
        members["images.npy"] = members["images.npy"].replace(b"}", b" ")
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(InputError, match="not a whole .npz file"):
        read(file)


def test_any_flipped_byte_is_a_sentence_or_does_no_harm(file):
    content, refused = file.read_bytes(), 0
    for i in range(len(content)):
        file.write_bytes(content[:i] + bytes([content[i] ^ 0xFF]) + content[i + 1 :])
        try:
            np.testing.assert_array_equal(read(file)["images"], ARRAYS["images"])
        except InputError:
            refused += 1
    assert refused > len(content) / 2


def test_missing_foreign_and_locked_files(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "none.npz")
    np.savez(tmp_path / "foreign.npz", images=np.ones(3))
    with pytest.raises(InputError, match="does not say what made it"):
        read(tmp_path / "foreign.npz")
    np.save(tmp_path / "array.npy", np.ones(3))
    with pytest.raises(InputError, match="not a whole"):
        read(tmp_path / "array.npy")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read(tmp_path)


def test_the_digest_is_that_of_the_name_the_kind_and_the_bytes():
    array = np.arange(6, dtype="<f4").reshape(2, 3)
    of_array = hashlib.sha256(b"<f4\0(2, 3)\0" + array.tobytes()).hexdigest()
    assert digests({"a": array}) == {"a": of_array}
    both = hashlib.sha256(f"a\0{of_array}\nb\0{of_array}\n".encode()).hexdigest()
    assert digest({"b": array, "a": array}) == both == joint_digest({"b": of_array, "a": of_array})


def test_the_digest_sees_names_shapes_types_and_values():
    a = np.arange(6, dtype=np.float32)
    others = [
        {"b": a},
        {"a": a.reshape(2, 3)},
        {"a": a.astype(np.float64)},
        {"a": a + 1},
        {"a": a, "b": a},
        {"a": a[::-1]},
    ]
    assert len({digest(arrays) for arrays in [{"a": a}, *others]}) == 7
    strided = np.zeros((6, 2), np.float32)
    strided[:, 0] = a
    assert digest({"a": strided[:, 0]}) == digest({"a": a})
    assert digest({"a": Rows(a.shape, a.dtype, [a[:2], a[2:]])}) == digest({"a": a})


def test_largest_difference():
    a = {"x": np.zeros((2, 3), np.uint8)}
    b = {"x": np.full((2, 3), 255, np.uint8)}
    assert largest_difference(a, b) == largest_difference(b, a) == 255
    assert largest_difference(a, {"x": np.zeros(3)}) == largest_difference(a, {}) == np.inf
    assert largest_difference({"x": np.zeros(0)}, {"x": np.zeros(0)}) == 0
    broken = a | {"y": np.array([np.nan])}
    assert np.isnan(largest_difference(broken, a | {"y": np.zeros(1)}))


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("whole")

    with pytest.raises(OSError, match="disk full"), file_aside(path) as part:
        part.write_text("ha")
        raise OSError("disk full")
    assert path.read_text() == "whole" and list(tmp_path.iterdir()) == [path]
