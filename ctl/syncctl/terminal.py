"""The terminal as a whole screen: keys as they are pressed, frames in place of each other, and everything as it was afterwards."""

import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import NoReturn, Self

from syncctl import keys

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[0m\x1b[?25h\x1b[?1049l"
_HOME, _END_OF_LINE, _REST = "\x1b[H", "\x1b[K", "\x1b[J"
_ENDS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Let signals that end the process end it as an exception does, so that the terminal is put back."""
    with ExitStack() as stack:
        for number in _ENDS:
            stack.callback(signal.signal, number, signal.signal(number, _leave))
        yield


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    raise SystemExit(128 + number)


class Terminal:
    """Standard input and output, which have to be a terminal; its own until the end of the block."""

    def __init__(self) -> None:
        self._keyboard = sys.stdin.fileno()
        self._woken, self._waker = os.pipe()
        self._before = termios.tcgetattr(self._keyboard)
        self._stack = ExitStack()
        self._drawn: list[str] = []
        self._stopping = False

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self._silence)
            for end in (self._woken, self._waker):
                os.set_blocking(end, False)
            stack.enter_context(ending_in_order())
            stack.callback(self._leave)
            self._enter()
            self._on(stack, signal.SIGWINCH, self._resized)
            self._on(stack, signal.SIGTSTP, self._stopped)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *reason: object) -> None:
        self._stack.close()

    def draw(self, lines: list[str]) -> None:
        """Put a frame in the place of the one before, if it is another one."""
        if lines != self._drawn:
            self._drawn = lines
            self._write(_HOME + f"{_END_OF_LINE}\n".join(lines) + _END_OF_LINE + _REST)

    def wake(self) -> None:
        """End the wait for keys; from any thread, and from a signal."""
        try:
            os.write(self._waker, b".")
        except BlockingIOError:
            return  # it wakes already

    def pressed(self, seconds: float) -> list[str] | None:
        """Keys; none if somebody woke us or the time is up before. None when the terminal is gone."""
        ready, _, _ = select.select([self._keyboard, self._woken], [], [], seconds)
        if self._woken in ready:
            os.read(self._woken, 4096)
        if self._stopping:
            self._stop()
            return []  # what was typed before is gone
        if self._keyboard not in ready:
            return []
        raw = os.read(self._keyboard, 4096)
        return keys.named(raw.decode(errors="ignore")) if raw else None

    def _silence(self) -> None:
        ends = self._woken, self._waker
        self._woken = self._waker = -1  # whoever wakes us now must not write into what has the number next
        for end in ends:
            os.close(end)

    def _enter(self) -> None:
        tty.setcbreak(self._keyboard)
        self._write(_ENTER)
        self._drawn = []

    def _leave(self) -> None:
        try:
            self._write(_LEAVE)
        finally:
            termios.tcsetattr(self._keyboard, termios.TCSAFLUSH, self._before)

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    @staticmethod
    def _on(stack: ExitStack, number: signal.Signals, act: Callable[[], None]) -> None:
        stack.callback(signal.signal, number, signal.signal(number, lambda *_: act()))

    def _resized(self) -> None:
        self._drawn = []
        self.wake()

    def _stopped(self) -> None:
        self._stopping = True  # a frame may be half written at this moment
        self.wake()

    def _stop(self) -> None:
        """Ctrl-Z: the shell gets its terminal as it was, and we ours when we go on."""
        self._stopping = False
        self._leave()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._enter()
