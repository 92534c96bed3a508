"""Every error that gantool raises on purpose. The message is one line that says what to do."""

import re

_SHOWN, _TOLD = 80, 300
"""Characters of a value, and of a reason, that a message repeats."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class GantoolError(Exception):
    """Base of all of gantool's own errors."""

    def __init__(self, message: str = "", *, option: str | None = None) -> None:
        """``option`` is the one that the error is about; where its name belongs, the message says ``{option}``."""
        super().__init__(message)
        self.option = option

    def __str__(self) -> str:
        return self.said(f"{self.option}=")

    @property
    def template(self) -> str:
        """The message as it was given, for an error of another kind that says the same of the same option."""
        return super().__str__()

    def said(self, option: str) -> str:
        """The message, with the option spelled as those who read it write it. It is one line: names that are in it may
        hold line breaks, and what moves a terminal's cursor."""
        return _CONTROLS.sub("?", super().__str__().replace("{option}", option))


class ModelError(GantoolError):
    """A model file is missing, damaged, of a newer format, or describes itself wrongly."""


class UnknownModelError(ModelError):
    """No model has this name, and no file lies at this path."""


class DownloadError(GantoolError):
    """A file cannot be fetched, or is another than the one that was meant."""


class DeviceError(GantoolError):
    """The device that was asked for cannot be had, or the runtime package is missing."""


class ImageError(GantoolError):
    """A picture cannot be read, is of a kind that is not supported, or cannot be written."""


class TableError(GantoolError):
    """A CSV file cannot be read, or its lines do not fit its columns."""


class PoseError(GantoolError):
    """A pose cannot be read, or is not one that a model can take."""


class Cancelled(GantoolError):
    """The caller's cancel token stopped the work; nothing was written."""


def described(value: object) -> str:
    """A value that is not as it should be, on one short line, for a message."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a caller's object may raise anything; a whole number of thousands of digits does
        text = f"a {type(value).__name__}"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def reason(error: BaseException) -> str:
    """What an error of a library or of the system says first, on one line, for a message."""
    lines = str(getattr(error, "strerror", None) or error).strip().splitlines()
    text = " ".join(lines[0].split()) if lines else type(error).__name__
    return text if len(text) <= _TOLD else f"{text[:_TOLD]}..."
