"""Edits of entries of `samples`: how they are said, what they need, and what is wrong with them."""

import json

import numpy as np
import pytest
from conftest import tiny_experiment
from PIL import Image

from sfumato.data.folders import load_folder
from sfumato.editing import Edit, edit_class, names
from sfumato.editing._images import read_picture
from sfumato.editing.inpaint import Inpaint
from sfumato.editing.vary import Vary
from sfumato.errors import InputError
from sfumato.workflow.lookup import stage
from sfumato.workflow.picking import settings_of

WALK = {"sampler": "ddim", "steps": 5, "n_samples": 4}


def entry(edit, **settings):
    """Return an entry of the tiny experiment, which has four test images of eight by eight."""
    samples = {"mine": {**WALK, **settings, "edit": edit}}
    return tiny_experiment({"samples": samples}).samples["mine"]


def refused(edit, **settings):
    with pytest.raises(InputError) as caught:
        entry(edit, **settings)
    said = str(caught.value)
    assert said.startswith("experiments.tiny.samples.mine.")
    return said.removeprefix("experiments.tiny.samples.mine.")


def test_an_edit_is_dumped_and_read_again():
    found = entry({"kind": "inpaint", "mask": {"random": 0.5}, "resample": 3})
    assert found.edit == Inpaint(mask={"random": 0.5}, resample=3)
    assert type(found).model_validate(found.model_dump(mode="json")) == found
    assert entry(None).edit is None and entry(None).inputs == {}


def test_an_override_changes_one_knob_and_another_kind_drops_them():
    base = {"samples": {"mine": {**WALK, "edit": {"kind": "inpaint", "resample": 3}}}}
    for override, expected in {
        '{"resample": 4}': Inpaint(resample=4),
        '{"mask": "box"}': Inpaint(resample=3, mask="box"),
        '{"kind": "vary"}': Vary(),
        '{"kind": "vary", "strength": 0.5}': Vary(strength=0.5),
        "null": None,
    }.items():
        own = {"samples": {"mine": {"edit": json.loads(override)}}}
        merged = merge(base, own)
        assert merged.samples["mine"].edit == expected


def merge(base, own):
    from conftest import TINY

    from sfumato.config.resolve import resolve

    defaults = {**TINY, "samples": TINY["samples"] | base["samples"]}
    raw = {"targets": ["tiny"], "defaults": defaults, "experiments": {"tiny": own}}
    return resolve(raw)[1]["tiny"]


@pytest.mark.parametrize(
    ("edit", "settings", "said"),
    [
        ({"kind": "inpant"}, {}, "edit.kind: 'inpant' must be one of "),
        ({}, {}, "edit.kind: is missing; it must be one of 'inpaint', "),
        (3, {}, "edit: 3 must be a mapping with the key kind, or null"),
        (
            {"kind": "vary", "strength": 0},
            {},
            "edit.strength: 0 must be greater than 0 and at",
        ),
        (
            {"kind": "vary", "strength": 1.1},
            {},
            "edit.strength: 1.1 must be at most 1 and great",
        ),
        ({"kind": "vary", "strength": "0.5"}, {}, "edit.strength: '0.5' must be a number; write"),
        ({"kind": "vary", "strength": 0.1}, {}, "edit.strength: 0.1 starts below time 3, where"),
        ({"kind": "vary"}, {"n_samples": 5}, "n_samples: 5 must be at most 4, the number of test"),
        ({"kind": "vary", "image": 4}, {}, "edit.image: 4 must be less than 4, the number of test"),
        ({"kind": "vary", "image": 0, "file": "a.png"}, {}, "edit.image: 0 is a test image, and"),
        ({"kind": "invert"}, {}, "clip: must be false: what is clipped cannot be walked backwards"),
        ({"kind": "invert"}, {"clip": False, "eta": 0.5}, "sampler: must be ddim, with eta 0: no"),
        ({"kind": "invert"}, {"clip": False, "sampler": "heun"}, "sampler: must be ddim, with eta"),
    ],
    ids=str,
)
def test_what_is_wrong_with_an_edit(edit, settings, said):
    found = refused(edit, **settings)
    assert found.startswith(said), found
    assert "\n" not in found


def test_every_test_image_may_be_asked_for():
    assert entry({"kind": "vary", "image": 3}, n_samples=9).n_samples == 9
    assert entry({"kind": "vary", "strength": 0.2}).edit == Vary(strength=0.2)


def test_a_trajectory_leads_from_noise():
    with pytest.raises(InputError, match=r"trajectory.of: 'mine' has an edit"):
        samples = {"mine": {**WALK, "edit": {"kind": "vary"}}}
        tiny_experiment({"samples": samples, "trajectory": {"of": "mine", "snapshots": 3}})


def test_names():
    assert {"inpaint", "vary", "invert"} <= set(names())
    assert all(issubclass(edit_class(name), Edit) for name in names())
    with pytest.raises(InputError, match="edit 'paint' is not known; choose one of inpaint"):
        edit_class("paint")


def picture(path, array):
    Image.fromarray(np.asarray(array, np.uint8)).save(path)
    return str(path)


def drawn_from(edit):
    """Return the settings of the job, which has looked at the files."""
    samples = {"ddpm": None, "ddim": None, "mine": {**WALK, "edit": edit}}
    experiment = tiny_experiment({"samples": samples, "figures": ["mine_samples.png"]})
    return settings_of(stage("sample"), experiment).samples["mine"].edit


def test_of_a_user_s_file_the_content_counts(tmp_path):
    mask = np.zeros((8, 8))
    mask[:, :4] = 255
    found = [
        drawn_from({"kind": "inpaint", "mask": {"file": picture(tmp_path / name, array)}})
        for name, array in (("a.png", mask), ("b.png", mask), ("c.png", 255 - mask))
    ]
    assert found[0] == found[1] != found[2]
    assert found[0].mask["file"].startswith("sha256:") and "png" not in str(found)


def test_a_picture_is_read_as_those_of_a_folder_are(tmp_path):
    """Of 16 bits, with transparency, turned by its EXIF data."""
    exif = Image.Exif()
    exif[274] = 6
    ramp = np.linspace(0, 1, 8 * 8).reshape(8, 8)
    white = np.stack([np.full((8, 8), 255), 255 * ramp], axis=-1).astype(np.uint8)
    for name, array, options in (
        ("deep.png", (65_535 * ramp).astype(np.uint16), {}),
        ("clear.png", white, {}),
        ("turned.jpg", (255 * ramp).astype(np.uint8), {"exif": exif}),
    ):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        Image.fromarray(array).save(folder / name, **options)
        levels = load_folder(folder, (8, 8, 1), "crop")[0][0]
        found = read_picture("edit.file", folder / name, (8, 8, 1))
        np.testing.assert_allclose(found, levels / 127.5 - 1, atol=1e-6, err_msg=name)
        assert len(np.unique(levels)) > 50


def test_grey_pixels_of_a_mask_are_said(tmp_path, caplog):
    """Those of a JPEG, nearly black and nearly white, are not."""
    levels = np.repeat([[0, 60, 100, 130, 140, 200, 250, 255]], 8, axis=0)
    edit = Inpaint(mask={"file": "mine.png"})
    known = edit.arrays({"mask": picture(tmp_path / "mine.png", levels)}, (8, 8, 1))["mask"]
    np.testing.assert_array_equal(known[0, 0, :, 0], levels[0] > 127)
    (said,) = (record.getMessage() for record in caplog.records)
    assert said.startswith("edit.mask.file: 24 of 64 pixels are neither black nor white; ")
    caplog.clear()
    levels = np.where(levels > 127, 200, 60)
    edit.arrays({"mask": picture(tmp_path / "mine.png", levels)}, (8, 8, 1))
    assert not caplog.records


GREY, COLOUR = np.full((8, 8), 90), np.zeros((8, 8, 3))
COLOUR[..., 0] = 255


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.full((8, 9), 255), "is 9 pixels wide and 8 high, and must be 8 wide and 8 high"),
        (COLOUR, "is in colour, and must be grey: images have 1 channel"),
        (np.zeros((8, 8)), "the mask knows nothing; 1, white, is a known pixel"),
        (np.full((8, 8), 255), "the mask knows everything, so there is nothing to draw"),
        (b"no picture", "cannot be read: it is no picture, or is damaged"),
        (None, "cannot be read: No such file or directory"),
    ],
    ids=["size", "colour", "nothing", "everything", "no picture", "no file"],
)
@pytest.mark.parametrize("what", ["mask", "file"])
def test_files_that_are_wrong(array, said, what, tmp_path):
    path = tmp_path / "mine.png"
    if isinstance(array, bytes):
        path.write_bytes(array)
    elif array is not None:
        picture(path, array)
    edit = {"kind": "inpaint", **({"mask": {"file": str(path)}} if what == "mask" else {})}
    edit |= {"file": str(path)} if what == "file" else {}
    if what == "file" and "the mask" in said:
        assert drawn_from(edit).file.startswith("sha256:")
        return
    with pytest.raises(InputError) as caught:
        drawn_from(edit)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert str(caught.value).startswith("samples.mine")
