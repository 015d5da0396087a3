"""The Python half of the Snakefile: what can be typed and tested; no jax.

`stages` says what each job reads, `reruns` what else counts for its result; `plan` answers what
the rules ask.
"""
