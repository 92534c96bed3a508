"""Errors that a user of the trainer can act on; each message is one line that says what to do."""

from collections.abc import Iterable, Sequence

from gantool.errors import GantoolError


class TrainingError(GantoolError):
    """Training cannot start or go on: bad recipe, bad data, or numbers that are no longer finite."""


class DataError(TrainingError):
    """Pictures cannot be used.

    Attributes:
        problems: a sentence for each of them, where the message names the first ones alone.
    """

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class CheckpointError(GantoolError):
    """A checkpoint is missing, damaged, or does not fit the networks it is loaded into."""


def some(texts: Iterable[str], joint: str = ", ") -> str:
    """The first five, and how many more there are."""
    texts = list(texts)
    return joint.join(texts[:5]) + (f"{joint}and {len(texts) - 5} more" if len(texts) > 5 else "")
