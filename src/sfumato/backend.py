"""What jax computes on."""

import platform
from pathlib import Path

import jax

PARTITIONABLE, PRECISION = "jax_threefry_partitionable", "jax_default_matmul_precision"
_CPU_FEATURES = ("avx512f", "avx2", "avx", "sse4_2")
"""Which of them a processor has decides which kernels it gets, and so the last bits of a sum."""


def describe() -> dict[str, str]:
    """Return what decides the last bits of a result, for the provenance.

    The backend, the kind of device, the precision of its products, how random bits are made.
    """
    backend = jax.default_backend()
    partitionable = getattr(jax.config, PARTITIONABLE)
    return {
        "backend": backend,
        "kind": _processor() if backend == "cpu" else jax.local_devices()[0].device_kind,
        "precision": getattr(jax.config, PRECISION) or "default",
        "random": f"threefry2x32, {'' if partitionable else 'not '}partitionable",
    }


def _processor() -> str:
    """Return the architecture, and where Linux tells, the widest vectors: `x86_64 avx2`."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        flags = set()
    widest = [feature for feature in _CPU_FEATURES if feature in flags][:1]
    return " ".join([platform.machine(), *widest])
