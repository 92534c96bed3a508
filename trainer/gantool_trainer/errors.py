"""Errors that a user of the trainer can act on; each message is one line that says what to do."""

from gantool.errors import GantoolError


class TrainingError(GantoolError):
    """Training cannot start or go on: bad recipe, bad data, or numbers that are no longer finite."""


class CheckpointError(GantoolError):
    """A checkpoint is missing, damaged, or does not fit the networks it is loaded into."""
