"""The version of the library, here alone."""

__version__ = "0.2.0"
