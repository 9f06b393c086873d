"""Stops at SIGTERM and SIGINT."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def on_stop_signals(on_first: Callable[[str], None]) -> Iterator[None]:
    """Calls ``on_first`` at the first signal and ends the process at the second.

    The exit code is the one that a shell expects. Outside of the main thread, where Python
    delivers no signals, it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    is_first = True

    def on_signal(number: int) -> None:
        nonlocal is_first
        if not is_first:
            os._exit(128 + number)
        is_first = False
        on_first(signal.Signals(number).name)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        try:
            loop.add_signal_handler(number, on_signal, number)
        except NotImplementedError:  # Windows: handlers run between two bytecodes instead.
            signal.signal(number, lambda n, _: loop.call_soon_threadsafe(on_signal, n))
    try:
        yield
    finally:
        for number, handler in before.items():
            with suppress(NotImplementedError):
                loop.remove_signal_handler(number)
            signal.signal(number, handler)
