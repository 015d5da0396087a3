"""What is known of source files, kept between processes."""

import pytest

from sfumato.records import reading_code
from sfumato.records.reading_code import facts_of, keep_facts

TEXT = "import os\nfrom sfumato.config import fields\n\n\ndef f(x):\n    return x + 1\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Make a project with a folder for what is kept; return a function that starts a process."""
    monkeypatch.setattr(reading_code, "cache", lambda: tmp_path / ".cache")
    (tmp_path / ".cache").mkdir()

    def forget():
        for value in vars(reading_code).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()
        reading_code._kept.clear()

    forget()
    yield forget
    monkeypatch.undo()
    forget()


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "some.py"
    path.write_text(TEXT)
    return path


def kept(tmp_path):
    return list((tmp_path / ".cache").rglob("*.json"))


def test_facts_are_found_again_without_parsing(project, source, tmp_path, monkeypatch):
    before = facts_of(source)
    keep_facts()
    assert before.names == ("os", "sfumato.config", "sfumato.config.fields") and kept(tmp_path)
    project()
    monkeypatch.setattr(reading_code, "meaning_of", None)  # which would have to be called
    assert facts_of(source) == before
    (written,) = kept(tmp_path)
    changed = written.stat().st_mtime_ns
    keep_facts()  # nothing new
    assert written.stat().st_mtime_ns == changed


def test_another_content_has_other_facts(project, source):
    before = facts_of(source)
    keep_facts()
    project()
    source.write_text(TEXT.replace("+", "-"))
    assert facts_of(source).meaning != before.meaning
    project()
    source.write_text(f"{TEXT}# words\n")
    assert facts_of(source) == before


@pytest.mark.parametrize("damage", [b"", b"garbage\n", b"\xff\xfe", "flip"])
def test_a_damaged_file_is_not_used(project, source, tmp_path, damage):
    before = facts_of(source)
    keep_facts()
    (written,) = kept(tmp_path)
    content = bytearray(written.read_bytes())
    content[-20] ^= 1
    written.write_bytes(content if damage == "flip" else damage)
    project()
    assert facts_of(source) == before
    keep_facts()
    project()
    assert facts_of(source) == before


def test_nothing_is_written_where_the_workflow_keeps_nothing(project, source, tmp_path):
    (tmp_path / ".cache").rmdir()
    facts_of(source)
    keep_facts()
    assert not (tmp_path / ".cache").exists()


def test_a_folder_that_cannot_be_written_is_no_fault(project, source, tmp_path):
    (tmp_path / ".cache" / "code").write_text("a file, where a folder is needed")
    facts_of(source)
    keep_facts()
