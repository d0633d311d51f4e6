"""The tool's version: written here alone, where the build reads it, so that no start-up pays for looking it up."""

__version__ = "0.1.0"


def tool_version() -> str:
    """Return the tool's version, as plans are bound to it."""
    return __version__
