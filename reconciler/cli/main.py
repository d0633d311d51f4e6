"""Where the command starts and ends: whatever goes wrong becomes a message and an exit code here, and nowhere else."""

import gc
import sys
from collections.abc import Sequence

PROGRAM = "reconciler"
_GARBAGE = 200_000
"""A run makes many values that stay until its end: looking through them for garbage again and again is wasted."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave with its exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code; whatever goes wrong is told on stderr."""
    if list(arguments) == ["--version"]:
        print(version_line())
        return 0
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    gc.set_threshold(_GARBAGE, 50, 100)
    return _run_group(arguments)


def version_line() -> str:
    """Return what `--version` prints."""
    from reconciler.version import tool_version

    return f"{PROGRAM} {tool_version()}"


def _run_group(arguments: Sequence[str]) -> int:
    from reconciler.cli.options import Common
    from reconciler.cli.root import group

    common = Common()
    try:
        code = group.main(list(arguments), prog_name=PROGRAM, standalone_mode=False, obj=common)
        sys.stdout.flush()
    except Exception as error:  # noqa: BLE001 - the one place where anything becomes a message and a code
        from reconciler.cli.failures import tell_failure

        return tell_failure(error, common)
    except KeyboardInterrupt:
        from reconciler.cli.failures import tell_interruption

        return tell_interruption()
    return int(code) if isinstance(code, int) else 0


if __name__ == "__main__":
    main()
