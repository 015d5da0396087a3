"""Arrays on disk."""

import os

import numpy as np
import pytest

from sfumato.errors import InputError
from sfumato.records.arrays import check_images, digest, load_arrays, save_arrays, write_whole

ARRAYS = {"images": np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 2, 2, 1)}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "some results" / "a.npz"
    save_arrays(path, ARRAYS, {"seed": 1})
    return path


def test_round_trip(file):
    arrays, provenance = load_arrays(file)
    assert set(arrays) == {"images"} and provenance == {"seed": 1}
    np.testing.assert_array_equal(arrays["images"], ARRAYS["images"])
    assert arrays["images"].dtype == np.float32
    with np.load(file) as plain:  # readable with numpy alone
        assert str(plain["provenance"]) == '{"seed": 1}'


def test_equal_contents_equal_bytes(file):
    before = file.read_bytes()
    os.utime(file, (0, 0))
    save_arrays(file, dict(ARRAYS), {"seed": 1})
    assert file.read_bytes() == before
    save_arrays(file, ARRAYS, {"seed": 2})
    assert file.read_bytes() != before


@pytest.mark.parametrize("keep", [0, 1, 100, -1, -30])
def test_cut_short(file, keep):
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(InputError, match="not a whole .npz file"):
        load_arrays(file)


def test_a_flipped_byte(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 4] ^= 0xFF
    file.write_bytes(bytes(content))
    with pytest.raises(InputError, match="not a whole .npz file"):
        load_arrays(file)


def test_any_flipped_byte_is_a_sentence_or_does_no_harm(file):
    content, refused = file.read_bytes(), 0
    for i in range(len(content)):
        file.write_bytes(content[:i] + bytes([content[i] ^ 0xFF]) + content[i + 1 :])
        try:
            load_arrays(file)
        except InputError:
            refused += 1
    assert refused > len(content) / 2


def test_missing_and_foreign_files(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_arrays(tmp_path / "none.npz")
    np.savez(tmp_path / "foreign.npz", images=np.ones(3))
    np.save(tmp_path / "array.npy", np.ones(3))
    for name in ("foreign.npz", "array.npy"):
        with pytest.raises(InputError, match="not a whole"):
            load_arrays(tmp_path / name)


def test_digest_sees_names_shapes_types_and_values():
    a = np.arange(6, dtype=np.float32)
    others = [
        {"b": a},
        {"a": a.reshape(2, 3)},
        {"a": a.astype(np.float64)},
        {"a": a + 1},
        {"a": a, "b": a},
        {"a": a[::-1]},
    ]
    digests = {digest(arrays) for arrays in [{"a": a}, *others]}
    assert len(digests) == 7
    strided = np.zeros((6, 2), np.float32)
    strided[:, 0] = a
    assert digest({"a": strided[:, 0]}) == digest({"a": a})


def test_blank_and_broken_images():
    images = np.array(ARRAYS["images"])
    check_images("x", images)
    check_images("x", np.ones((2, 1, 1, 1)))  # one pixel is no picture, and not blank either
    for value in (np.nan, np.inf, -np.inf):
        broken = images.copy()
        broken[1, 0, 0, 0] = value
        with pytest.raises(InputError, match=r"x: 8.3% of the values are NaN or infinite"):
            check_images("x", broken)
    images[2] = 0.5
    with pytest.raises(InputError, match=r"x: image 2 is blank, every value is about 0.5"):
        check_images("x", images)


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("whole")

    def fail(part):
        part.write_text("ha")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(path, fail)
    assert path.read_text() == "whole" and list(tmp_path.iterdir()) == [path]
