"""The Python half of the Snakefile: what can be typed and tested; no jax.

`stages` says what each job reads, `plan` answers what the rules ask, `views` narrows an experiment to
one job, `making` says what counts for a result besides its settings.
"""
