"""The version of the library, here alone."""

__version__ = "0.1.0"
