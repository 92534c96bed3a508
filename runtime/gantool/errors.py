"""Every error that gantool raises on purpose. The message is one line that says what to do."""


class GantoolError(Exception):
    """Base of all of gantool's own errors."""


class ModelError(GantoolError):
    """A model file is missing, damaged, of a newer format, or describes itself wrongly."""


class UnknownModelError(ModelError):
    """No model has this name, and no file lies at this path."""


class DeviceError(GantoolError):
    """The device that was asked for cannot be had, or the runtime package is missing."""


class ImageError(GantoolError):
    """A picture cannot be read, is of a kind that is not supported, or cannot be written."""


class PoseError(GantoolError):
    """A pose cannot be read, or is not one that a model can take."""


class Cancelled(GantoolError):
    """The caller's cancel token stopped the work; nothing was written."""
