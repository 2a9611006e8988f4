"""How the daemon ends when a part of it dies."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from syncd.domain.errors import PermanentError, SyncdError
from syncd.kit import systemd
from syncd.kit.tasks import TaskDied
from syncd.runtime.pulse import tell

log = structlog.get_logger()


@contextmanager
def one_reason() -> Iterator[None]:
    """Whatever ends the daemon leaves as one `SyncdError`: what was wrong, or which part died of what. The log has the traceback."""
    try:
        yield
    except SyncdError:
        raise
    except (TaskDied, ExceptionGroup) as error:
        reason = _reason(error)
        tell(systemd.status(str(reason)))
        raise reason from None


def _reason(error: TaskDied | ExceptionGroup) -> SyncdError:
    cause = _first(error)
    if isinstance(cause, SyncdError) and not isinstance(error, TaskDied):
        return cause
    part = str(error) if isinstance(error, TaskDied) else "a task"
    log.critical("a part of the daemon died", part=part, exc_info=error)
    why = f"{type(cause).__name__}: {cause}" if cause else "it ended by itself"
    return PermanentError(f"the daemon died: {part}: {why}", hint="the log has the traceback", code="daemon.died")


def _first(error: BaseException | None) -> BaseException | None:
    match error:
        case BaseExceptionGroup():
            return _first(error.exceptions[0])
        case TaskDied():
            return _first(error.__cause__)
        case _:
            return error
