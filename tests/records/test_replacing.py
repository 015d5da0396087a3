"""A folder is replaced only if it holds a checkpoint: names alone do not tell."""

import json
import os

import pytest

from sfumato.errors import InputError
from sfumato.records.replacing import check_checkpoint_room


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("state/notes.txt", "thesis"),
        ("manifest.json", '{"my": 1}'),
        ("manifest.json", "not JSON"),
        ("manifest.json", "[1]"),
        ("state", "a file"),
        ("thesis.tex", "years of work"),
    ],
)
def test_what_is_the_user_s_is_not_replaced(name, content, tmp_path):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match="this folder holds .*nothing was deleted: name another"):
        check_checkpoint_room(tmp_path)
    assert (tmp_path / name).read_text() == content


def test_what_is_left_of_a_checkpoint_is(tmp_path):
    check_checkpoint_room(tmp_path / "none")
    check_checkpoint_room(tmp_path)
    (tmp_path / "state").mkdir()
    check_checkpoint_room(tmp_path)
    (tmp_path / "state" / "_METADATA").touch()
    check_checkpoint_room(tmp_path)  # never finished
    (tmp_path / "manifest.json").write_text("cut sh")
    check_checkpoint_room(tmp_path)
    (tmp_path / "state" / "_METADATA").unlink()
    (tmp_path / "manifest.json").write_text(json.dumps({"provenance": {}}))
    check_checkpoint_room(tmp_path)


@pytest.mark.parametrize("protected", [".", "state", "state/d"])
def test_what_is_read_only_is_not_replaced(protected, tmp_path, monkeypatch):
    (tmp_path / "state" / "d").mkdir(parents=True)
    (tmp_path / "state" / "_METADATA").touch()
    check_checkpoint_room(tmp_path)
    # to root, no folder is read-only
    monkeypatch.setattr(os, "access", lambda path, mode: bool(os.stat(path).st_mode & 0o200))
    (tmp_path / protected).chmod(0o555)
    with pytest.raises(InputError, match="this folder is read-only.* change its permissions"):
        check_checkpoint_room(tmp_path)
    (tmp_path / protected).chmod(0o755)
    check_checkpoint_room(tmp_path)
