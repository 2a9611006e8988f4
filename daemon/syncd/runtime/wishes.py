"""From what somebody asks for to a run: is there such a mode, does it know these parameters."""

from collections.abc import Mapping
from datetime import UTC, datetime

from syncd.domain.errors import InvalidRequest
from syncd.domain.run import Run, RunId, RunState, Trigger
from syncd.kit.ids import ulid
from syncd.kit.text import did_you_mean
from syncd.ports.control import Wish
from syncd.ports.running import Mode


def asked_for(wish: Wish, default: str, modes: Mapping[str, Mode]) -> Run:
    """The queued run that a wish means. Raises `InvalidRequest` that says what there is instead."""
    name = wish.mode or default
    if name not in modes:
        expected = {"mode": f"one of {', '.join(modes)}"}
        raise InvalidRequest(f"there is no mode '{name}'{did_you_mean(name, modes)}", fields=expected, code="run.unknown_mode")
    mode = modes[name]
    _check_parameters(name, mode, wish.parameters)
    return Run(
        RunId(ulid()),
        wish.sync,
        name,
        Trigger.REQUEST,
        RunState.QUEUED,
        datetime.now(UTC),
        parameters=dict(wish.parameters),
        writes=mode.writes_with(wish.parameters),
        request_id=wish.request_id,
        actor=wish.actor,
        traceparent=wish.traceparent,
    )


def _check_parameters(name: str, mode: Mode, parameters: Mapping[str, str]) -> None:
    unknown = [key for key in parameters if key not in mode.parameters]
    if unknown:
        expected = f"one of {', '.join(mode.parameters)}" if mode.parameters else "no parameters"
        raise InvalidRequest(
            f"mode '{name}' has no parameter '{unknown[0]}'{did_you_mean(unknown[0], mode.parameters)}",
            fields={f"parameters.{key}": expected for key in unknown},
            code="run.unknown_parameter",
        )
