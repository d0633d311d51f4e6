"""The tool's version, from the installed distribution."""

from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "identity-reconciler"


def tool_version() -> str:
    """Return the version of the installed distribution, or `0+source` in a tree that was never installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "0+source"
