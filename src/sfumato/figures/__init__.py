"""One figure a file, drawn from records; no jax."""
