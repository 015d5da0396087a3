"""The Python half of the Snakefile: what can be typed and tested; no jax.

`stages` says what each job reads, `making` what counts for its result besides; `plan` answers what
the rules ask.
"""
