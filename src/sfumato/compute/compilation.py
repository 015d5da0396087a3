"""Programs that give the same bits each time: on any number of cores, and on a GPU.

On a CPU XLA leaves convolutions, products and sums to a library that cuts a long sum into as many
parts as there are threads, so its last bits change with the machine. XLA's own sums are as fast in
these networks and do not. The barriers that `fusion` sets must last until operations are fused;
XLA's CPU backend removes them earlier unless it is told not to.

On a GPU XLA tries several kernels for an operation and takes the one that was fastest this time;
and some kernels add in whatever order their threads arrive. It does neither where it is told so.
That may cost time, which XLA_FLAGS=--xla_gpu_deterministic_ops=false saves.
"""

import os
from collections.abc import Callable
from functools import cache, cached_property
from typing import Any

import jax

from sfumato.compute.backend import xla_flags

_FUSIONS = "xla_cpu_experimental_ynn_fusion_type"
_PASSES_LEFT_OUT, _BARRIERS = "xla_disable_hlo_passes", "cse_barrier_expander"
_ALL_BUT_SUMS = ("DOT", "INDIVIDUAL_DOT", "INDIVIDUAL_CONVOLUTION")
_DETERMINISTIC = "xla_gpu_deterministic_ops"


class CompiledFunction:
    """A function of a module, compiled as `compiled` says when it is first called."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        """Take a function and what jax.jit takes."""
        self._function, self._options = function, options

    def __call__(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        """Call the compiled function."""
        return self._jitted(*arguments, **named)

    @property
    def programs(self) -> int:
        """How many programs have been compiled: one for each set of shapes and static arguments."""
        return self._jitted._cache_size()

    @cached_property
    def _jitted(self) -> Any:  # noqa: ANN401 (what jax.jit returns)
        return jax.jit(self._function, compiler_options=compiler_options(), **self._options)


def compiled(function: Callable[..., Any], **options: Any) -> CompiledFunction:  # noqa: ANN401
    """Compile a function of a module with jax.jit, and with the options of this module.

    Unlike jax.jit it does not ask for the backend before the first call, so a module that is
    imported leaves the choice of devices open.

    Args:
        function: what to compile.
        options: those of jax.jit.
    """
    return CompiledFunction(function, options)


@cache
def compiler_options() -> dict[str, str | bool] | None:
    """Return XLA's options on this device, or None where there are none or XLA does not know them.

    What the user's XLA_FLAGS say of an option counts instead.
    """
    backend, flags = jax.default_backend(), xla_flags(os.environ.get("XLA_FLAGS", ""))
    ours: dict[str, dict[str, str | bool]] = {
        "cpu": {
            _FUSIONS: ",".join(f"LIBRARY_FUSION_TYPE_{name}" for name in _ALL_BUT_SUMS),
            _PASSES_LEFT_OUT: _BARRIERS,
        },
        "gpu": {_DETERMINISTIC: True},
    }
    options = {key: value for key, value in ours.get(backend, {}).items() if key not in flags}
    if not options:
        return None
    try:
        jax.jit(lambda: 0, compiler_options=options).lower().compile()
    except jax.errors.JaxRuntimeError:
        return None
    return options
