"""XLA's options: on a GPU its deterministic kernels, unless the user says otherwise."""

import jax
import pytest
from compiling import as_users_do as compiler_options


@pytest.fixture
def on_a_gpu(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    compiler_options.cache_clear()
    yield
    compiler_options.cache_clear()


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        ("", {"xla_gpu_deterministic_ops": True}),
        ("--xla_gpu_autotune_level=2", {"xla_gpu_deterministic_ops": True}),
        ("--xla_gpu_deterministic_ops=false", None),
        ("--xla_gpu_deterministic_ops=true", None),
    ],
)
def test_kernels_are_deterministic_unless_the_user_says_otherwise(
    on_a_gpu, monkeypatch, flags, options
):
    monkeypatch.setenv("XLA_FLAGS", flags)
    assert compiler_options() == options


def test_flags_in_a_file_count(on_a_gpu, monkeypatch, tmp_path):
    (tmp_path / "flags").write_text("--xla_gpu_deterministic_ops=false")
    monkeypatch.setenv("XLA_FLAGS", str(tmp_path / "flags"))
    assert compiler_options() is None
