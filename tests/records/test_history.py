"""The history of a training run on disk."""

import json

import numpy as np
import pytest

from sfumato.errors import InputError
from sfumato.records.arrays import digests
from sfumato.records.history import read_history, save_history

COLUMNS = ("loss", "learning_rate", "gradient_norm")
HISTORY = np.float32([[1, 0, 0.1], [1 / 3, 1e-3, 2e-9], [0.25, 5e-4, 1e20]])
MADE = {"seed": 1, "artifact": "history.csv", "settings": {"training": {"steps": 3}}}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "some results" / "history.csv"
    save_history(path, COLUMNS, HISTORY, MADE)
    return path


def refused(path):
    """Return the one sentence with which a file is refused."""
    with pytest.raises(InputError) as error:
        read_history(path)
    said = str(error.value)
    assert said.startswith(f"{path}: ") and "\n" not in said
    return said


def test_what_was_saved_comes_back(file):
    columns, made = read_history(file)
    assert list(columns) == ["step", *COLUMNS] and made == MADE | {"arrays": digests(columns)}
    assert columns["step"].tolist() == [0, 1, 2]
    for name, column in zip(COLUMNS, HISTORY.T, strict=True):
        np.testing.assert_array_equal(columns[name].astype(np.float32), column)


def test_it_comes_back_to_the_last_bit(tmp_path):
    """Any bits that are a finite float32: tiny, huge, negative, minus zero."""
    bits = np.random.default_rng(0).integers(0, 2**32, 30_000, np.uint32)
    values = np.append(bits.view(np.float32), np.float32([-0.0, 1e-45, 3.4028235e38]))
    values = values[np.isfinite(values)]
    history = values[: len(values) // 3 * 3].reshape(-1, 3)
    save_history(tmp_path / "history.csv", COLUMNS, history, MADE)
    columns, _ = read_history(tmp_path / "history.csv")
    again = np.stack([columns[name] for name in COLUMNS], axis=1).astype(np.float32)
    np.testing.assert_array_equal(again.view(np.uint32), history.view(np.uint32))


def test_any_reader_of_csv_reads_it(file):
    """A line of comment, a line of names, a line a step."""
    table = np.genfromtxt(file, delimiter=",", skip_header=1, names=True)
    assert table.dtype.names == ("step", *COLUMNS)
    np.testing.assert_array_equal(table["loss"].astype(np.float32), HISTORY[:, 0])


def test_equal_contents_give_equal_bytes(file, tmp_path):
    again = tmp_path / "again.csv"
    save_history(again, list(COLUMNS), HISTORY.copy(), dict(reversed(MADE.items())))
    assert again.read_bytes() == file.read_bytes()
    save_history(again, COLUMNS, HISTORY, MADE | {"seed": 2})
    assert again.read_bytes() != file.read_bytes()
    save_history(again, COLUMNS, np.nextafter(HISTORY, np.float32(9)), MADE)
    assert again.read_bytes() != file.read_bytes()


def test_a_failed_write_leaves_what_was_there(file):
    before = file.read_bytes()
    broken = np.array([[1.0, 0.0, 0.0], [1.0, "no number", 0.0]], object)
    with pytest.raises(ValueError, match="format code"):
        save_history(file, COLUMNS, broken, MADE)
    assert file.read_bytes() == before and list(file.parent.iterdir()) == [file]
    save_history(file, COLUMNS, HISTORY[:1], MADE)
    assert read_history(file)[0]["step"].tolist() == [0]


def test_missing_and_foreign_files(file, tmp_path):
    assert "there is no such file" in refused(tmp_path / "none.csv")
    assert "cannot be read: Is a directory" in refused(tmp_path)
    foreign = tmp_path / "foreign.csv"
    for content in (
        b"",
        b"step,loss\n0,1\n",
        b"# a comment\nstep\n0\n",
        b"\xff\xfe\x00",
        b"\x89PNG",
    ):
        foreign.write_bytes(content)
        assert "does not say what made it" in refused(foreign) or "decode" in refused(foreign)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{", "{{"),
        ('"seed": 1', '"seed": '),
        ("1,0.333", "1,many"),
        ("1,0.333", "1,0,0.333"),
        ("0.00100000005,", ""),
        ("2,0.25", "2,0.25\n"),
        ("2,0.25", '2,"0.25'),
        ("2,0.25", "2,0.25\0"),
        ("loss,", ""),
        ("loss,", "loss,more,"),
    ],
)
def test_damage_gets_a_sentence(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    assert "this is not a whole history of training" in refused(file)
    assert "delete it and build it again" in refused(file)


def test_a_file_cut_within_its_first_line_gets_a_sentence(file):
    content = file.read_bytes()
    for length in range(content.index(b"\n")):
        file.write_bytes(content[:length])
        refused(file)


def test_any_flipped_byte_is_a_sentence_or_leaves_the_numbers(file):
    content, refusals = file.read_bytes(), 0
    for i in range(len(content)):
        for flip in (0x80, 0xFF, 0x01):
            file.write_bytes(content[:i] + bytes([content[i] ^ flip]) + content[i + 1 :])
            try:
                columns, _ = read_history(file)
                for name, column in zip(COLUMNS, HISTORY.T, strict=True):
                    np.testing.assert_array_equal(columns[name].astype(np.float32), column)
            except InputError as error:
                assert "\n" not in str(error)
                refusals += 1
    assert refusals > 2 * len(content)


def test_a_line_that_nests_too_deep_gets_a_sentence(file):
    file.write_text("# provenance " + "[" * 100_000 + "\nstep\n0\n")
    assert "this is not a whole history" in refused(file)


@pytest.mark.parametrize("made", ["3", "[1]", '"text"', "null"])
def test_what_made_it_must_be_a_mapping(file, made):
    _, rest = file.read_text().split("\n", 1)
    file.write_text(f"# provenance {made}\n{rest}")
    refused(file)


def test_a_file_cut_after_its_first_line_gets_a_sentence(file):
    """Each cut loses a step, a part of a number, or the end of the last line."""
    content = file.read_bytes()
    for length in range(content.index(b"\n"), len(content)):
        file.write_bytes(content[:length])
        refused(file)


def test_the_provenance_stands_in_the_first_line(file):
    mark, text = file.read_text().splitlines()[0].split("provenance", 1)
    assert mark == "# " and MADE.items() <= json.loads(text).items()
