"""The one kind of error that a user is meant to read."""


class InputError(ValueError):
    """Something the user gave is wrong: a setting, a file, a checkpoint.

    Its text is whole sentences that name the thing, its value and the remedy. The scripts and the
    Snakefile print it as it is, without a traceback.
    """
