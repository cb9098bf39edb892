"""The errors of SlowFast Live: one root, a message a user can act on, and technical details on demand."""


class SlowFastLiveError(Exception):
    """Root of every error that a user may see.

    Args:
        message: One or two sentences: which file, URL or device; what was expected; what to do.
        details: Technical text behind a "Details" button; never needed to understand `message`.
    """

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class SourceError(SlowFastLiveError):
    """A camera, file or stream cannot be opened, read or searched."""


class ModelError(SlowFastLiveError):
    """A model folder is missing, broken, or does not fit what its description says."""


class DeviceError(SlowFastLiveError):
    """An inference device is absent or cannot run the model."""


class SettingsError(SlowFastLiveError):
    """The user's settings cannot be read or written."""


class UsageError(SlowFastLiveError):
    """A command line was given something that it cannot use."""


class ExportError(SlowFastLiveError):
    """A result cannot be written, or read back."""


class RuleError(SlowFastLiveError):
    """What a rule asked for could not be done."""
