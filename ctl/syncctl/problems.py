"""What went wrong, as one or two lines and an exit code."""

from enum import IntEnum

START = "start it: `systemctl start syncd`, or `syncd --settings FILE`; elsewhere: --address or $SYNCD_ADDRESS"
"""What to do where no daemon is."""


class Exit(IntEnum):
    """Exit codes, stable for scripts."""

    DONE = 0
    FAILED = 1
    """The run failed or found drift; also any error without a code of its own."""
    USAGE = 2
    UNREACHABLE = 3
    NOT_FOUND = 4
    NOT_ALLOWED = 5
    REFUSED = 6
    TIMED_OUT = 124
    INTERRUPTED = 130
    BROKEN_PIPE = 141


MEANINGS = {
    Exit.DONE: "done",
    Exit.FAILED: "the run failed or found drift; also any error without a code of its own",
    Exit.USAGE: "wrong usage",
    Exit.UNREACHABLE: "the daemon cannot be reached",
    Exit.NOT_FOUND: "not found",
    Exit.NOT_ALLOWED: "not allowed",
    Exit.REFUSED: "refused: not now, or it conflicts with something",
    Exit.TIMED_OUT: "`--timeout` passed; a run that was started goes on",
    Exit.INTERRUPTED: "interrupted; a run that was started goes on",
    Exit.BROKEN_PIPE: "the reader of the output has gone",
}


class Problem(Exception):
    """Ends the command: the message says what happened, the hint what to do."""

    label = "error"

    def __init__(self, message: str, *, hint: str = "", code: Exit = Exit.FAILED, debug: str = "") -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code
        self.debug = debug
        """What the wire said, for `--debug`."""


class Broken(Problem):
    """The connection failed, not the request: the same call may succeed once the daemon is there again."""

    def __init__(self, message: str, *, hint: str = "", code: Exit = Exit.UNREACHABLE, debug: str = "") -> None:
        super().__init__(message, hint=hint, code=code, debug=debug)


class Left(Problem):
    """The person stopped looking; what was looked at goes on."""

    label = "stopped"
