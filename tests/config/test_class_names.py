"""Methods by the names of their classes, as a notebook imports them."""

import importlib

import pytest


@pytest.mark.parametrize(
    ("room", "named"),
    [
        ("samplers", {"DDIM": "ddim", "UniPC": "unipc"}),
        ("guidance", {"ClassifierFree": "classifier_free", "Classifier": "classifier"}),
        ("editing", {"Inpaint": "inpaint", "Restore": "restore"}),
    ],
)
def test_a_method_is_imported_from_its_room_by_the_name_of_its_class(room, named):
    module = importlib.import_module(f"sfumato.{room}")
    for name, file in named.items():
        assert getattr(module, name).__module__ == f"sfumato.{room}.{file}"
    for unknown in ("Nothing", "__wrapped__"):
        assert not hasattr(module, unknown)
