"""Classes that are called in Python: what is wrong with a call is said in a sentence."""

from abc import ABCMeta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from sfumato.errors import InputError


def in_a_sentence(called: type, error: ValidationError) -> InputError:
    """Return what is wrong with the arguments of a class, a line for each that is wrong."""
    from sfumato.config.validation import sentences

    return InputError(sentences(called, error, called.__name__))


if TYPE_CHECKING:
    InputErrorMeta = ABCMeta
else:

    class InputErrorMeta(ABCMeta):
        """Makes `DDIM(eta=2)` raise an InputError, and not pydantic's own."""

        def __call__(cls, *arguments: object, **named: object) -> object:
            """Make an instance; an InputError says which argument is wrong, and what it may be."""
            try:
                return super().__call__(*arguments, **named)
            except ValidationError as error:
                raise in_a_sentence(cls, error) from None
