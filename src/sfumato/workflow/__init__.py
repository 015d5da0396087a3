"""The Python half of the Snakefile: what can be typed and tested; no jax."""
