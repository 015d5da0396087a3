"""Tables on disk: texts come back as they were, and damage is told."""

import csv

import pytest

from sfumato.errors import InputError
from sfumato.records.opening import open_record
from sfumato.records.provenance import provenance
from sfumato.records.stage import Stage
from sfumato.records.table import save_table

COLUMNS = {
    "name": ["points/a", "b, with a comma", 'c "quoted"'],
    "steps": [1, 20, 300],
    "seconds": [0.1, 1 / 3, 1e-9],
    "empty": ["", "", ""],
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "table.csv"
    save_table(path, COLUMNS, provenance(Stage("sample"), "table.csv"))
    return path


def test_what_was_saved_comes_back(file):
    opened = open_record(file)
    assert list(opened.content) == COLUMNS["name"] and not opened.arrays
    assert [row["steps"] for row in opened.content.values()] == ["1", "20", "300"]
    assert [float(row["seconds"]) for row in opened.content.values()] == COLUMNS["seconds"]
    assert opened.record.artifact == "table.csv" and opened.digest


def test_any_reader_of_csv_reads_it(file):
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(lines))
    assert [row["name"] for row in rows] == COLUMNS["name"]


def test_other_rows_have_another_digest(file, tmp_path):
    other = tmp_path / "other.csv"
    save_table(other, COLUMNS | {"steps": [1, 20, 301]}, provenance(Stage("sample"), "table.csv"))
    assert open_record(other).digest != open_record(file).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [("300", "301"), ("# rows 3", "# rows 2"), ("b, with", "b with"), ("steps", "s")],
)
def test_damage_gets_a_sentence(file, old, new):
    text = file.read_text()
    head, _, rest = text.partition("\n")
    file.write_text(f"{head}\n{rest.replace(old, new, 1)}")
    with pytest.raises(InputError, match="this is not a whole") as caught:
        open_record(file)
    assert "\n" not in str(caught.value)


def test_a_table_that_was_cut_gets_a_sentence(file):
    content = file.read_bytes()
    for length in range(content.index(b"\n") + 1, len(content)):
        file.write_bytes(content[:length])
        with pytest.raises(InputError):
            open_record(file)
