"""What jax computes on."""

import jax

PARTITIONABLE = "jax_threefry_partitionable"


def describe() -> dict[str, str]:
    """Return backend, kind of device, and how random bits are made, for the provenance."""
    partitionable = getattr(jax.config, PARTITIONABLE)
    return {
        "backend": jax.default_backend(),
        "kind": jax.local_devices()[0].device_kind,
        "random": f"threefry2x32, {'' if partitionable else 'not '}partitionable",
    }
