"""One way to open any artifact, and what it says of itself."""

import builtins
import errno
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sfumato.config.fields import Section
from sfumato.errors import InputError
from sfumato.records.arrays import digest, save_arrays
from sfumato.records.damage import first_line
from sfumato.records.history import save_history
from sfumato.records.measurements import Measurement, load_measurement, save_measurement
from sfumato.records.opening import open_record
from sfumato.records.provenance import Record, provenance
from sfumato.records.stage import LOADING, Stage

ARRAYS = {"images": np.linspace(-1, 1, 48, dtype=np.float32).reshape(3, 4, 4, 1)}
ARRAYS |= {"labels": np.array([3, 1, 2])}
SUFFIXES = (".npz", ".png", ".gif", ".csv", ".json")


class Settings(Section):
    """What the stage reads."""

    seed: int = 0
    classes: int | None = None


class Length(Measurement):
    """A measurement."""

    metres: float


STAGE = Stage("forward", Settings, packages=LOADING)


def made(artifact, **inputs):
    return provenance(STAGE, artifact, Settings(), inputs=inputs)


def write(folder, suffix):
    """Write an artifact of some kind, and return where it lies."""
    path, record = folder / f"some{suffix}", made(f"some{suffix}")
    picture = Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))
    match suffix:
        case ".npz":
            save_arrays(path, ARRAYS, record)
        case ".csv":
            save_history(path, ["loss"], np.ones((4, 1)), record)
        case ".json":
            save_measurement(path, Length(metres=2.5, provenance=Record.model_validate(record)))
        case ".png":
            info = PngInfo()
            info.add_text("provenance", json.dumps(record))
            picture.save(path, pnginfo=info)
        case ".gif":
            picture.save(path, comment=json.dumps(record).encode())
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_kind_is_told_by_the_content(tmp_path, suffix):
    path = write(tmp_path, suffix).rename(tmp_path / "IMG_0001.dat")
    opened = open_record(path)
    assert opened.record.artifact == f"some{suffix}" and opened.record.script == "forward.py"
    assert len(opened.digest) == 64 and opened.path == path
    opened.check()
    expected = {".npz": {"images", "labels"}, ".csv": {"step", "loss"}, ".json": set()}
    assert set(opened.arrays) == expected.get(suffix, {"pixels"})


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_half_a_file_gets_a_sentence(tmp_path, suffix):
    """What made it is near the beginning of some; the rest must be there all the same."""
    path = write(tmp_path, suffix)
    content = path.read_bytes()
    for length in (0, len(content) // 2, len(content) * 9 // 10):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match="damaged|not a whole") as error:
            open_record(path).check()
        assert str(path) in str(error.value) and "\n" not in str(error.value)


def refused(path):
    """Open what cannot be opened, and return the one sentence about it."""
    with pytest.raises(InputError) as error:
        open_record(path).check()
    assert "\n" not in str(error.value) and str(path) in str(error.value)
    return str(error.value)


@pytest.fixture
def locked(monkeypatch):
    """Return a function after whose call opening some files fails; root can read any file."""

    def lock(lies_in, number=errno.EACCES, strerror="Permission denied"):
        def opening(original):
            def opened(file, *arguments, **named):
                if isinstance(file, str | Path) and lies_in in str(file):
                    raise OSError(number, strerror, str(file))
                return original(file, *arguments, **named)

            return opened

        for module in (io, builtins):
            monkeypatch.setattr(module, "open", opening(module.open))

    return lock


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_unreadable_and_foreign_are_three_things(tmp_path, suffix, locked):
    """Only what is surely of this workflow, and damaged, may be deleted."""
    path = write(tmp_path, suffix)
    content = path.read_bytes()
    if suffix in (".npz", ".csv"):  # a flipped bit among the numbers
        middle = content.index(b"loss") if suffix == ".csv" else content.index(b"images.npy") + 60
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    else:
        path.write_bytes(content[:-8])
    assert "it is damaged: delete it and build it again" in refused(path)
    path.write_bytes(b"PK\3\4" + b"x" * 40 if suffix == ".npz" else content[:6])
    assert refused(path).endswith("it is damaged or from elsewhere: copy or build it again")
    path.write_bytes(content)
    locked(str(path))
    said = refused(path)
    assert said == (
        f"{path}: this file cannot be read: Permission denied; it may be whole: change its "
        "permissions"
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failing_disk_is_no_damage(tmp_path, suffix, locked):
    path = write(tmp_path, suffix)
    opened = open_record(path)
    locked(str(path), errno.EIO, "Input/output error")
    for open_it in (lambda: open_record(path), opened.check if suffix != ".csv" else None):
        if open_it and not (suffix == ".json" and open_it == opened.check):
            with pytest.raises(InputError, match="this file cannot be read: Input/output error$"):
                open_it()


def test_of_a_long_error_the_reason_of_the_system_is_said():
    said = f"RESOURCE_EXHAUSTED: {300 * 'a path '}: Failed [os_error_code='{errno.ENOSPC}']"
    assert first_line(ValueError(said)) == "No space left on device"
    assert first_line(ValueError("it is full\nand so on")) == "it is full"


def test_a_link_to_nothing_and_a_file_taken_for_a_folder(tmp_path):
    (tmp_path / "link.npz").symlink_to("nowhere")
    assert refused(tmp_path / "link.npz").endswith("this link leads to no file")
    (tmp_path / "file").touch()
    assert "cannot be read: Not a directory" in refused(tmp_path / "file" / "a.npz")


FOREIGN_FOLDERS = {
    "empty": {},
    "an extension of a browser": {"manifest.json": '{"manifest_version": 3, "name": "x"}'},
    "a manifest of text": {"manifest.json": "Manifest-Version: 1.0"},
    "a list": {"manifest.json": "[1]"},
    "a state of something else": {"state/terraform.tfstate": "{}"},
}


@pytest.mark.parametrize("name", FOREIGN_FOLDERS)
def test_nobody_is_told_to_delete_a_folder_of_his_own(tmp_path, name):
    for file, text in FOREIGN_FOLDERS[name].items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    said = refused(tmp_path)
    assert "this folder is no checkpoint" in said and "delete it" not in said


def test_a_checkpoint_that_cannot_be_read_is_no_damage(built, locked):
    """Its manifest, then a file of its weights."""
    place = built[0] / "results" / "tiny" / "checkpoint"
    for part in ("_METADATA", "manifest.json"):
        locked(f"checkpoint/{part}" if part == "manifest.json" else part)
        said = refused(place)
        assert "cannot be read: Permission denied" in said and "delete it" not in said


def test_only_what_is_named_is_there(tmp_path):
    path = write(tmp_path, ".npz")
    whole, part = open_record(path), open_record(path, "labels")
    assert list(part.arrays) == ["labels"] and part.read()["labels"].tolist() == [3, 1, 2]
    assert whole.read(2)["images"].shape == (2, 4, 4, 1)
    assert part.digest == whole.digest == digest(ARRAYS)
    for kind, held in ((".npz", "images, labels"), (".csv", "loss, step"), (".json", "no arrays")):
        with pytest.raises(InputError, match=f"holds {held}, but no noise: it is of another kind"):
            open_record(write(tmp_path, kind), "noise")


def test_what_is_made_of_it_says_so(tmp_path):
    opened = open_record(write(tmp_path, ".npz"), "labels")
    record = Record.model_validate(made("another.npz", data=opened, same=opened.origin))
    assert record.inputs["data"] == record.inputs["same"]
    assert record.inputs["data"].digest == digest(ARRAYS)
    assert record.inputs["data"].provenance == opened.record.model_copy(update={"arrays": {}})
    assert record.settings == {"seed": 0, "classes": None}  # what is null is said as well


@pytest.mark.parametrize("add", [PngInfo.add_text, PngInfo.add_itxt])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_picture_has_the_digest_of_its_pixels(tmp_path, add, compressed):
    """And its text may be in any of the three kinds of chunks that there are for it."""
    path = write(tmp_path, ".png")
    before = open_record(path)
    with Image.open(path) as image:
        info = PngInfo()
        add(info, "provenance", image.text["provenance"], zip=compressed)  # type: ignore[attr-defined]
        image.save(tmp_path / "again.png", pnginfo=info, compress_level=1)
    after = open_record(tmp_path / "again.png")
    assert after.digest == before.digest and after.record == before.record
    assert before.path.read_bytes() != after.path.read_bytes()


def test_a_text_that_is_no_compressed_text_is_damage(tmp_path):
    info = PngInfo()
    info.add(b"zTXt", b"provenance\0\0not compressed")
    Image.new("L", (2, 2)).save(tmp_path / "some.png", pnginfo=info)
    with pytest.raises(InputError, match="cannot be decompressed"):
        open_record(tmp_path / "some.png")


def test_a_measurement_is_read_as_what_it_measures(tmp_path):
    path = write(tmp_path, ".json")
    length = load_measurement(Length, path)
    assert length.metres == 2.5 and open_record(path).content == {"metres": 2.5}
    assert length == Length.of(open_record(path)) and length.origin == open_record(path).origin

    class Weight(Measurement):
        """Another one."""

        grams: float

    with pytest.raises(InputError, match="is not a weight of this workflow .*grams.*another kind"):
        load_measurement(Weight, path)
    with pytest.raises(InputError, match="is not a length of this workflow"):
        load_measurement(Length, write(tmp_path, ".npz"))


def test_missing_foreign_and_locked_files(tmp_path):
    assert "there is no such file" in refused(tmp_path / "none.png")
    (tmp_path / "text.txt").write_text("hello")
    assert "this is no .png" in refused(tmp_path / "text.txt")
    (tmp_path / "text.png").write_text("hello")
    assert "not a whole .png file of this workflow" in refused(tmp_path / "text.png")
    (tmp_path / "folder").mkdir()
    assert "it has no manifest.json" in refused(tmp_path / "folder")
    Image.new("RGB", (4, 4)).save(tmp_path / "plain.png")
    np.savez(tmp_path / "plain.npz", a=np.ones(3))
    (tmp_path / "plain.json").write_text('{"provenance": {"artifact": 3}}')
    (tmp_path / "deep.json").write_text('{"provenance": ' + "[" * 500 + "]" * 500 + "}")
    for name in ("plain.png", "plain.npz", "plain.json", "deep.json"):
        assert "does not say what made it" in refused(tmp_path / name)


def test_nothing_of_the_machine_is_said(tmp_path, monkeypatch):
    """No path, clock, host or user: the record is that of any other place."""
    monkeypatch.chdir(tmp_path)
    text = json.dumps(made("some.npz"))
    assert text == json.dumps(made("some.npz"))
    assert not [word for word in (str(tmp_path), "/", "20", "root") if word in _words(text)]


def _words(text):
    record = json.loads(text)
    del record["versions"], record["code"]
    return json.dumps(record)


@pytest.mark.parametrize("key", ["versions", "settings", "code", "artifact", "device"])
def test_a_changed_key_deep_in_a_record_gets_a_sentence(tmp_path, key):
    path, inner = tmp_path / "a.timing.json", made("data.npz")
    outer = made("a", data={"digest": "0", "provenance": inner})
    inner[f"x{key}"] = inner.pop(key)
    path.write_text(json.dumps({"seconds": 1, "provenance": outer}))
    with pytest.raises(InputError, match="this file does not say what made it"):
        open_record(path)
