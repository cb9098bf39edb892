"""Exceptions of SlowFast Live: a common base class, actionable messages, and technical details on demand."""

from slowfast_live.messages import Message
from slowfast_live.text_safety import encodable


class SlowFastLiveError(Exception):
    """Base class of all errors that a user may see.

    Args:
        message: One or two sentences: which file, URL or device; what was expected; what to do. A `Message`, if the
            window may show it.
        details: Technical text behind a "Details" button; never needed to understand `message`.
    """

    def __init__(self, message: str, details: str = "") -> None:
        self.message = message if isinstance(message, Message) else encodable(message)
        self.details = encodable(details)
        super().__init__(self.message)


class SourceError(SlowFastLiveError):
    """A camera, file or stream cannot be opened, read or searched."""


class ModelError(SlowFastLiveError):
    """A model folder is missing or damaged, or does not match its description."""


class DeviceError(SlowFastLiveError):
    """An inference device is not available or cannot run the model."""


class SettingsError(SlowFastLiveError):
    """The user's settings cannot be read or written."""


class UsageError(SlowFastLiveError):
    """A command-line argument cannot be used."""


class ExportError(SlowFastLiveError):
    """A result cannot be written or read."""


class SessionError(SlowFastLiveError):
    """A session cannot be stored, read or exported."""


class RuleError(SlowFastLiveError):
    """The action of a rule failed."""


class TeachingError(SlowFastLiveError):
    """Examples cannot be stored, read or learned from."""


class PublishError(SlowFastLiveError):
    """What is recognized cannot be passed on to another program."""
