"""Where a key belongs that stands in another place of the config."""

from collections.abc import Mapping
from typing import Any


def belongs(section: Any, path: str, key: object, value: object) -> str:  # noqa: ANN401
    """Return "; ..." on where an unknown key of an experiment belongs; nothing of other sections.

    Args:
        section: the class of the section that it stands in.
        path: of that section, `experiments.mine`.
        key: the key.
        value: what it is set to.
    """
    sections = getattr(section, "model_fields", {})
    if not {"samples", "training"} <= sections.keys():
        return ""
    from sfumato.config.listing import names  # for a mistake alone, as what follows

    level, _, name = path.rpartition(".")
    if level == "experiments" and name in sections:
        return f"; {name} is a section, and no experiment: indent it below an experiment"
    if isinstance(value, Mapping) and (key in names("samplers") or "sampler" in value):
        return f"; it is an entry of samples: write samples: {{{key}: ...}}"
    plain = {
        place: getattr(each.annotation, "model_fields", ()) for place, each in sections.items()
    }
    places = [*_methods(key), *(place for place, fields in plain.items() if key in fields)]
    return f"; it is a setting of {', '.join(places)}" if places else ""


def _methods(key: object) -> list[str]:
    """Return which of `samples` and `model`, whose methods have knobs, know a key."""
    from sfumato.config.model import ARCHITECTURE
    from sfumato.config.samples import SampleConfig

    known = {
        "samples.NAME": {*SampleConfig.model_fields},
        "model": {knob for each in ARCHITECTURE.known for knob in ARCHITECTURE.fields_of(each)},
    }
    return [place for place, fields in known.items() if key in fields]
