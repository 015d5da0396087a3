"""Which folders may be replaced: those that hold a checkpoint, or what is left of one."""

import json
import re
from contextlib import suppress
from pathlib import Path

from sfumato.config.paths import shown
from sfumato.errors import InputError
from sfumato.records.arrays import PROVENANCE
from sfumato.records.manifest import MANIFEST, STATE, has_weights
from sfumato.records.outputs import check_removable, check_room, checkpoint_around, real

_OURS = re.compile(
    rf"{STATE}(\.orbax-checkpoint-tmp.*)?|{MANIFEST}|\.manifest\.\d+\.part\.json"
    r"|\.snakemake_timestamp|\.DS_Store|\.nfs.*"
)
"""What a folder may hold that a checkpoint replaces."""


def check_checkpoint_room(folder: str | Path) -> None:
    """Raise an InputError if a folder holds anything but an earlier checkpoint, whole or not.

    Names alone do not tell: a user may have a `manifest.json`, or a folder `state`.
    """
    folder = real(Path(folder))
    if outer := checkpoint_around(folder):
        raise InputError(
            f"{shown(folder)} lies in the checkpoint {shown(outer)}; name another place"
        )
    check_room(folder, _OURS, "a checkpoint")
    check_removable(folder, "a checkpoint")
    if has_weights(folder) or _says_what_made_it(folder / MANIFEST):
        return
    for name in (MANIFEST, STATE):
        path = folder / name
        if path.is_file() or (path.is_dir() and any(path.iterdir())):
            raise InputError(
                f"{shown(folder)}: this folder holds {name}, which is not that of a checkpoint; "
                "nothing was deleted: name another folder"
            )


def _says_what_made_it(path: Path) -> bool:
    with suppress(OSError, ValueError, RecursionError):
        return PROVENANCE in json.loads(path.read_text(encoding="utf-8"))
    return False
