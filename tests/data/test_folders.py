"""Folders of pictures: upright, opaque, fitted, in order, or refused in a sentence."""

import zlib
from struct import pack

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sfumato.data.folders import load_folder, picture_files, survey
from sfumato.data.pictures import find_pictures
from sfumato.editing._images import read_picture
from sfumato.errors import InputError

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def one_sentence(error):
    """Return the text of an error, which is one line with no trace of the machinery."""
    text = str(error.value)
    assert "\n" not in text and "0x7f" not in text and "Traceback" not in text
    return text


def bands(width, height):
    """Return a picture of three vertical bands: red, green, blue."""
    colours = np.array([RED, GREEN, BLUE], np.uint8)
    return np.tile(np.repeat(colours, width // 3, axis=0), (height, 1, 1))


def write(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


def load_one(folder, shape, fit="stretch"):
    images, _ = load_folder(folder, shape, fit)
    assert images.shape == (1, *shape) and images.dtype == np.uint8
    return images[0]


@pytest.mark.parametrize("turned", [False, True])
def test_crop_pad_and_stretch_of_three_bands(tmp_path, turned):
    def turn(image):
        return image.swapaxes(0, 1) if turned else image

    write(tmp_path / "a.png", np.ascontiguousarray(turn(bands(90, 30))))
    crop, pad, stretch = (
        turn(load_one(tmp_path, (15, 15, 3), fit)) for fit in ("crop", "pad", "stretch")
    )
    assert (crop[:, 1:-1] == GREEN).all()  # the middle third is the square in the middle
    whole = turn(load_one(tmp_path, (45, 15, 3) if turned else (15, 45, 3)))
    np.testing.assert_allclose(crop, whole[:, 15:30], atol=1)
    assert (pad[:5] == 0).all() and (pad[10:] == 0).all()
    for image in (pad[5:10], stretch):
        assert (image == image[0]).all()
        # 6 pixels become one: away from the borders of the bands they have one colour
        assert (image[0, [1, 2, 3]] == RED).all()
        assert (image[0, [6, 7, 8]] == GREEN).all()
        assert (image[0, [11, 12, 13]] == BLUE).all()


def test_the_right_size_is_left_as_it_is_and_pixels_are_averaged(tmp_path):
    rng = np.random.default_rng(0)
    array = rng.integers(0, 256, (12, 18, 3), np.uint8)
    write(tmp_path / "a.png", array)
    for fit in ("crop", "pad", "stretch"):
        np.testing.assert_array_equal(load_one(tmp_path, (12, 18, 3), fit), array)
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    write(tmp_path / "a.png", board)
    image = load_one(tmp_path, (8, 8, 1))
    assert np.abs(image.astype(float) - 127.5).max() < 3  # one in two is white


# Where the stored top left and top right corner belong: EXIF 2.32, tag 274.
CORNERS = {1: "TL TR", 2: "TR TL", 3: "BR BL", 4: "BL BR"}
CORNERS |= {5: "TL BL", 6: "TR BR", 7: "BR TR", 8: "BL TL"}


@pytest.mark.parametrize("suffix", [".png", ".jpeg"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright(tmp_path, orientation, suffix):
    stored = np.zeros((16, 32), np.uint8)
    stored[:8, :8], stored[:8, 24:] = 255, 128
    exif = Image.Exif()
    exif[274] = orientation
    write(tmp_path / f"a{suffix}", stored, exif=exif)
    image = load_one(tmp_path, (16, 32, 1) if orientation < 5 else (32, 16, 1))[..., 0]
    corners = {"TL": image[3, 3], "TR": image[3, -4], "BL": image[-4, 3], "BR": image[-4, -4]}
    white, grey = CORNERS[orientation].split()
    expected = dict.fromkeys(corners, 0) | {white: 255, grey: 128}
    for corner, value in expected.items():
        assert abs(int(corners[corner]) - value) < 4  # JPEG keeps about the value


@pytest.mark.parametrize("key", [(0x1234,) * 3, (0, 0, 0)])
def test_a_transparent_colour_of_16_bits_is_refused(key, tmp_path):
    """In the 8 bits that Pillow reads, opaque colours would be transparent too."""
    row = pack(">6H", 0x1234, 0x1234, 0x1234, 0x12FF, 0, 9)
    (tmp_path / "a.png").write_bytes(png(16, 2, row, pack(">3H", *key)))
    with pytest.raises(InputError, match="a.png: one of its colours of 16 bits is transp") as error:
        load_one(tmp_path, (1, 2, 3))
    one_sentence(error)
    with pytest.raises(InputError, match="edit.file: .*a.png: one of its colours of 16 bits is"):
        read_picture("edit.file", tmp_path / "a.png", (1, 2, 3))
    (tmp_path / "a.png").write_bytes(png(8, 2, bytes((1, 2, 3, 4, 5, 6)), pack(">3H", 1, 2, 3)))
    np.testing.assert_array_equal(load_one(tmp_path, (1, 2, 3))[0], [(0, 0, 0), (4, 5, 6)])


def test_transparent_is_black(tmp_path):
    colours = np.zeros((1, 3, 4), np.uint8)
    colours[0] = [(255, 100, 0, 255), (255, 100, 0, 51), (255, 100, 0, 0)]  # alpha 1, 1/5, 0
    write(tmp_path / "a.png", colours)
    image = load_one(tmp_path, (1, 3, 3))
    np.testing.assert_array_equal(image[0], [(255, 100, 0), (51, 20, 0), (0, 0, 0)])
    grey = np.array([[[200, 255], [200, 51], [200, 0]]], np.uint8)
    write(tmp_path / "a.png", grey)
    np.testing.assert_array_equal(load_one(tmp_path, (1, 3, 1))[0, :, 0], [200, 40, 0])
    palette = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    palette.putpalette([255, 255, 255, 10, 20, 30])
    palette.save(tmp_path / "a.png", transparency=0)
    np.testing.assert_array_equal(load_one(tmp_path, (1, 2, 3))[0], [(0, 0, 0), (10, 20, 30)])
    deep = Image.fromarray(np.array([[60_000, 60_001]], np.uint16))
    deep.save(tmp_path / "a.png", transparency=60_000)
    np.testing.assert_array_equal(load_one(tmp_path, (1, 2, 1))[0, :, 0], [0, 233])


def png(bits, colour_type, row, transparent):
    """Return a PNG of two pixels."""
    header = pack(">IIBBBBB", 2, 1, bits, colour_type, 0, 0, 0)
    chunks = {b"IHDR": header, b"tRNS": transparent, b"IDAT": zlib.compress(b"\0" + row)}
    file = b"\x89PNG\r\n\x1a\n"
    for name, body in {**chunks, b"IEND": b""}.items():
        file += pack(">I", len(body)) + name + body + pack(">I", zlib.crc32(name + body))
    return file


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_transparent_grey_of_few_bits_is_black(bits, tmp_path):
    """Of two pixels, the brightest level and 0, the first is transparent."""
    brightest = 2**bits - 1
    row = brightest << (8 - bits) if bits < 8 else brightest << 8
    row = row.to_bytes(1 if bits < 8 else 2, "big")
    (tmp_path / "a.png").write_bytes(png(bits, 0, row, pack(">H", brightest)))
    np.testing.assert_array_equal(load_one(tmp_path, (1, 2, 1))[0, :, 0], [0, 0])


def test_grey_and_colours(tmp_path):
    write(tmp_path / "a.png", np.array([[[30] * 3, [200] * 3]], np.uint8))
    np.testing.assert_array_equal(load_one(tmp_path, (1, 2, 1))[0, :, 0], [30, 200])
    write(tmp_path / "a.png", np.array([[30, 200]], np.uint8))
    np.testing.assert_array_equal(load_one(tmp_path, (1, 2, 3))[0], [[30] * 3, [200] * 3])
    write(tmp_path / "a.png", np.array([[True, False]]))
    np.testing.assert_array_equal(load_one(tmp_path, (1, 2, 1))[0, :, 0], [255, 0])
    write(tmp_path / "a.png", bands(3, 1))
    luma = np.round(255 * np.array([0.299, 0.587, 0.114]))  # ITU-R BT.601
    np.testing.assert_allclose(load_one(tmp_path, (1, 3, 1))[0, :, 0], luma, atol=1)


def test_sixteen_bits_keep_their_range(tmp_path):
    levels = np.array([[0, 257, 32_768, 65_278, 65_535]], np.uint16)
    write(tmp_path / "a.png", levels)
    for channels in (1, 3):
        image = load_one(tmp_path, (1, 5, channels))
        for channel in range(channels):
            np.testing.assert_array_equal(image[0, :, channel], [0, 1, 128, 254, 255])


@pytest.mark.parametrize("shape", [(1, 2000), (2000, 1), (3, 100), (20, 2)], ids=str)
def test_of_a_very_long_picture_a_line_is_left(tmp_path, shape):
    write(tmp_path / "a.png", np.full(shape, 255, np.uint8))
    image = load_one(tmp_path, (8, 8, 1), "pad")[..., 0]
    line = image.max(axis=0 if shape[0] < shape[1] else 1)
    assert (line == 255).all() and image.mean() < 64


def test_a_long_text_in_a_picture_is_no_damage(tmp_path):
    text = PngInfo()
    text.add_text("workflow", "a" * 2_000_000, zip=True)
    write(tmp_path / "a.png", bands(9, 3), pnginfo=text)
    assert (load_one(tmp_path, (3, 9, 3)) == bands(9, 3)).all()
    survey(find_pictures(tmp_path))
    np.testing.assert_allclose(
        read_picture("file", tmp_path / "a.png", (3, 9, 3)), bands(9, 3) / 127.5 - 1, atol=1e-6
    )
    with pytest.raises(ValueError, match="too large"), Image.open(tmp_path / "a.png") as picture:
        picture.load()  # others keep Pillow's limit


def test_copies_are_said(tmp_path, caplog):
    for i in range(4):
        write(tmp_path / f"{i}.png", bands(3, 2) // (i + 1))
        write(tmp_path / "again" / f"{i}.png", bands(3, 2) // (i % 2 + 1))
    load_folder(tmp_path, (2, 3, 3), "stretch")
    (said,) = [each.message for each in caplog.records]
    assert said.startswith("data.folder: at this size 4 of 8 pictures look as others do, ")
    assert said.count(str(tmp_path)) == 2


def test_order_and_labels(tmp_path):
    names = ["b.png", "cats/2.JPG", "cats/10.png", "ants/deep/er/x.jpeg", "a.png", "dogs/z.png"]
    for i, name in enumerate(names):
        write(tmp_path / name, np.full((2, 2), 40 * i, np.uint8))
    for name in (".a.png", "cats/.b.png", ".hidden/c.png"):
        write(tmp_path / name, np.zeros((2, 2), np.uint8))
    (tmp_path / "notes.txt").write_text("not a picture, and does not say it is")
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder.png").mkdir()
    expected = ["a.png", "ants/deep/er/x.jpeg", "b.png", "cats/10.png", "cats/2.JPG", "dogs/z.png"]
    assert picture_files(tmp_path) == [tmp_path / name for name in expected]
    images, labels = load_folder(tmp_path, (2, 2, 1), "crop")
    values = [40 * names.index(name) for name in expected]
    np.testing.assert_allclose(images.mean((1, 2, 3)), values, atol=2)
    assert labels.tolist() == [-1, 0, -1, 1, 1, 2]


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_every_cut_picture_is_named(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write(path, bands(12, 8))
    content = path.read_bytes()
    for length in [*range(0, len(content) // 2, 7), len(content) // 2]:
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match="not a whole PNG or JPEG picture") as error:
            load_folder(tmp_path, (8, 8, 3), "crop")
        assert str(path) in one_sentence(error)


@pytest.mark.filterwarnings("ignore")  # Pillow warns of what it can read nevertheless
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_any_flipped_byte_is_a_picture_or_a_sentence(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    exif = Image.Exif()
    exif[274] = 6
    write(path, bands(12, 8), exif=exif)
    content = path.read_bytes()
    for i in range(len(content)):
        path.write_bytes(content[:i] + bytes([content[i] ^ 0xFF]) + content[i + 1 :])
        try:
            load_one(tmp_path, (8, 8, 3))
        except InputError:
            continue


def test_what_is_no_picture_or_no_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="data.folder: there is no picture in") as error:
        load_folder(tmp_path, (8, 8, 3), "crop")
    assert str(tmp_path) in one_sentence(error)
    (tmp_path / "a.png").write_text("<html>not found</html>")
    with pytest.raises(InputError, match="a.png: this is not a whole PNG or JPEG"):
        load_folder(tmp_path, (8, 8, 3), "crop")
    for missing in (tmp_path / "none", tmp_path / "a.png"):
        with pytest.raises(InputError, match="there is no folder") as error:
            picture_files(missing)
        assert str(missing) in one_sentence(error)
    with pytest.raises(InputError, match="model.input_dim: 2 channels"):
        load_folder(tmp_path, (8, 8, 2), "crop")
    Image.fromarray(bands(12, 8)).save(tmp_path / "a.png", format="GIF")
    with pytest.raises(InputError, match="not a whole PNG or JPEG"):
        load_folder(tmp_path, (8, 8, 3), "crop")
