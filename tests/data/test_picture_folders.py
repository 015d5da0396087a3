"""Which pictures a folder holds: links, odd names, and what is left out, which is always said."""

import os

import numpy as np
import pytest
from PIL import Image

from sfumato.config.data import DataConfig
from sfumato.config.paths import shown
from sfumato.data.folders import load_folder, picture_files, survey
from sfumato.data.images import load_images
from sfumato.data.pictures import find_pictures
from sfumato.errors import InputError


def write(path, level=100):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((4, 4), level, np.uint8)
    pixels[0, 0] = 1
    Image.fromarray(pixels).save(path)


def names_in(folder):
    return [path.relative_to(folder).as_posix() for path in picture_files(folder)]


def test_a_class_folder_that_is_a_link_is_followed(tmp_path):
    write(tmp_path / "store" / "1.png")
    write(tmp_path / "set" / "birds" / "2.png")
    (tmp_path / "set" / "cats").symlink_to(tmp_path / "store")
    assert names_in(tmp_path / "set") == ["birds/2.png", "cats/1.png"]
    pictures = find_pictures(tmp_path / "set")
    assert pictures.classes == ["birds", "cats"] and pictures.sentence == ""
    _, labels = load_folder(tmp_path / "set", (4, 4, 1), "crop")
    assert labels.tolist() == [0, 1]


def test_links_in_a_circle_end_and_no_picture_comes_twice(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / name / "1.png")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "other").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "other").symlink_to(tmp_path / "a")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    pictures = find_pictures(tmp_path)
    assert list(pictures.states) == ["a/1.png", "b/1.png"]
    assert "a/other, a/up, b/other (leads to a folder that is read under another" in (
        pictures.sentence
    )
    assert "self (" in pictures.sentence


def test_a_folder_under_two_links_counts_once(tmp_path):
    write(tmp_path / "store" / "1.png")
    for name in ("b", "a"):
        (tmp_path / "set").mkdir(exist_ok=True)
        (tmp_path / "set" / name).symlink_to(tmp_path / "store")
    pictures = find_pictures(tmp_path / "set")
    assert list(pictures.states) == ["a/1.png"] and "b (leads" in pictures.sentence


def test_what_is_left_out_is_said(tmp_path, caplog):
    write(tmp_path / "1.png")
    write(tmp_path / ".2.png")
    for name in ("notes.txt", "3.webp", "4.gif", "5.bmp", "6.tiff"):
        (tmp_path / name).write_text("")
    (tmp_path / "7.png").symlink_to(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "8.png")
    load_folder(tmp_path, (4, 4, 1), "crop")
    (said,) = (record.message for record in caplog.records)
    for part in (
        ".2.png (hidden, by the dot at the start)",
        "3.webp, 4.gif, 5.bmp and 2 more (not .jpeg, .jpg or .png)",
        "7.png (a link that leads nowhere)",
        "8.png (not a file)",
        "empty (an empty folder)",
    ):
        assert part in said
    assert "\n" not in said


@pytest.mark.parametrize("name", ["@eaDir", "#recycle", "$RECYCLE.BIN", "lost+found", "__MACOSX"])
def test_a_folder_of_a_file_server_is_no_class_and_no_part_of_one(name, tmp_path):
    for path in ("cat/1.png", f"cat/{name}/2.png", f"{name}/cat/3.png"):
        write(tmp_path / path)
    pictures = find_pictures(tmp_path)
    assert list(pictures.states) == ["cat/1.png"] and pictures.classes == ["cat"]
    assert f"{name} (of a file server" in pictures.sentence


def test_a_folder_that_cannot_be_read_is_said(tmp_path, monkeypatch):
    write(tmp_path / "cats" / "1.png")
    write(tmp_path / "dogs" / "1.png")
    scandir = os.scandir

    def refusing(path):
        if os.path.basename(path) in refused:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    refused = {"dogs"}
    pictures = find_pictures(tmp_path)
    assert list(pictures.states) == ["cats/1.png"]
    assert "dogs (cannot be read: Permission denied)" in pictures.sentence
    refused = {tmp_path.name}
    with pytest.raises(InputError, match=r"data\.folder: .* cannot be read: Permission denied"):
        find_pictures(tmp_path)
    refused = {"cats", "dogs"}
    with pytest.raises(InputError, match="no picture in .*cats, dogs .cannot be read"):
        find_pictures(tmp_path)


def test_a_picture_that_cannot_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    write(tmp_path / "1.png")

    def refusing(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.read_bytes", refusing)
    with pytest.raises(InputError, match=r"1\.png: this file cannot be read: Permission denied"):
        load_folder(tmp_path, (4, 4, 1), "crop")


ODD = ["{x}.png", "[1]*?.png", "a b.png", "-n.png", "a\nb.png", "é.png", "%s.png", "'$HOME'.png"]


def test_any_name_is_a_name(tmp_path):
    for i, name in enumerate(ODD):
        write(tmp_path / "{class}" / name, 10 * i + 10)
    odd = os.fsdecode(b"\xff.png")
    write(tmp_path / "{class}" / odd, 200)
    images, labels = load_folder(tmp_path, (4, 4, 1), "crop")
    assert len(images) == len(ODD) + 1 and set(labels) == {0}
    for name in ("a\nb.png", odd):
        (tmp_path / "{class}" / name).write_bytes(b"nothing")
    with pytest.raises(InputError) as error:
        survey(find_pictures(tmp_path))
    text = str(error.value)
    assert "\n" not in text and "a\\nb.png: this is not a whole PNG" in text
    assert text.endswith("1 more are not") and text.encode()
    assert shown(os.fsdecode(b"\xff\n\xc3\xa9\a.txt")) == r"\xff\né\x07.txt"


def test_the_digest_is_of_names_and_contents_and_not_of_places(tmp_path):
    for folder in ("one", "two"):
        write(tmp_path / folder / "cats" / "1.png")
    one, two = (survey(find_pictures(tmp_path / folder)) for folder in ("one", "two"))
    assert one == two
    os.utime(tmp_path / "two" / "cats" / "1.png", (0, 0))
    assert survey(find_pictures(tmp_path / "two")) == one
    write(tmp_path / "two" / "cats" / "1.png", 101)
    assert survey(find_pictures(tmp_path / "two")) != one
    write(tmp_path / "two" / "cats" / "1.png")
    (tmp_path / "two" / "cats").rename(tmp_path / "two" / "dogs")
    assert survey(find_pictures(tmp_path / "two")) != one
    load_folder(tmp_path / "one", (4, 4, 1), "crop", one)
    with pytest.raises(InputError, match=r"data\.digest: the pictures in .*two are others"):
        load_folder(tmp_path / "two", (4, 4, 1), "crop", one)


def test_blank_pictures_are_named_and_loaded(tmp_path, caplog):
    write(tmp_path / "1.png")
    for name in ("2.png", "3.png"):
        Image.new("L", (4, 4), 255).save(tmp_path / name)
    images, _ = load_folder(tmp_path, (4, 4, 1), "crop")
    assert (images[1] == 255).all()
    (said,) = (record.message for record in caplog.records)
    assert said == f"data.folder: 2 of 3 pictures are blank, {tmp_path / '2.png'} the first"


def test_a_linked_picture_counts_once_and_one_from_elsewhere_too(tmp_path):
    write(tmp_path / "set" / "a" / "1.png")
    write(tmp_path / "store" / "2.png")
    (tmp_path / "set" / "b").mkdir()
    (tmp_path / "set" / "a" / "0.png").symlink_to("1.png")
    (tmp_path / "set" / "b" / "2.png").symlink_to(tmp_path / "store" / "2.png")
    found = find_pictures(tmp_path / "set")
    assert [*found.states] == ["a/1.png", "b/2.png"]
    assert "a/0.png (leads to a picture that is there under another name)" in found.sentence
    assert found.sentence_of_classes == "data: 2 pictures; class 0 is a, 1; class 1 is b, 1"


@pytest.mark.parametrize("options", [{}, {"n_test": 30}, {"n_images": 50, "n_test": 10}], ids=str)
def test_every_part_has_its_share_of_each_class(options, tmp_path):
    """Of two classes of which one has nine times as many pictures."""
    for name, count in (("cats", 90), ("dogs", 10)):
        for i in range(count):
            write(tmp_path / name / f"{i}.png")
    config = DataConfig(source="images", folder=str(tmp_path), **options)
    loaded = load_images(config, (4, 4, 1))
    for split in ("train", "test"):
        labels = loaded[f"{split}_labels"]
        assert abs((labels == 1).sum() - len(labels) / 10) <= 1, labels
