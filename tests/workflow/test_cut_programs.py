"""Compiled programs that a kill cut short are written again."""

import warnings
import zlib

import pytest

from sfumato.workflow.cut_programs import cut_programs_removed


def test_what_jax_cannot_read_is_removed_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    whole = zlib.compress(b"a program")
    for name, content in {
        "whole-cache": whole,
        "cut-cache": whole[:-5],
        "empty-cache": b"",
        "zstd-cache": b"\x28\xb5\x2f\xfd...",
        "of-the-user": b"",
    }.items():
        (tmp_path / name).write_bytes(content)
    with pytest.warns(UserWarning, match="another") as seen, cut_programs_removed():
        warnings.warn("Error reading persistent compilation cache entry for 'jit_f'", stacklevel=1)
        warnings.warn("another", stacklevel=1)
    assert len(seen) == 1
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["of-the-user", "whole-cache", "zstd-cache"]
