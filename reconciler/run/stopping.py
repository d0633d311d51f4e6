"""Ctrl-C during an apply: the first stops, the second gives up, the third is Python's own and ends at once."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_GENTLE: Final = 2
_MOMENT: Final = 0.01


@contextmanager
def stopping_on_interrupt() -> Iterator[None]:
    """Let a Ctrl-C cancel the current task, where it waits, in the place of raising KeyboardInterrupt wherever it is.

    A transaction of the state is never torn by it: it begins and ends without waiting. Where the system or the thread
    knows no such handlers, asyncio's own way stays: the first Ctrl-C cancels, the second raises.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as `nohup` and shells do for what runs in the background
        yield
        return
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    presses = 0

    def press() -> None:
        nonlocal presses
        presses += 1
        if presses >= _GENTLE:
            loop.remove_signal_handler(signal.SIGINT)
        cancel()

    def cancel() -> None:
        """Cancel the task, once for each press: the one before must have been taken note of."""
        if task is None or task.done():
            return
        if task.cancelling():
            loop.call_later(_MOMENT, cancel)
        else:
            task.cancel()

    try:
        loop.add_signal_handler(signal.SIGINT, press)
    except (NotImplementedError, RuntimeError, ValueError):
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
