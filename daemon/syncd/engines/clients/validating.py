"""A client looks at a copy of its files before they are replaced: in a scratch home, with nothing to start and nobody to ask."""

import asyncio
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from syncd.domain.unified import Entries
from syncd.engines.clients.planning import SidePlan
from syncd.engines.clients.settings import ClientsSync
from syncd.ports.clients import Check, Command, Files, Output, ScopeKind

_DEAD = "http://127.0.0.1:9"
"""Nobody listens at the port of `discard`: what a client wants to ask of the network fails at once."""
_ENVIRONMENT = {
    "CI": "1",
    "NO_COLOR": "1",
    "TERM": "dumb",
    "LANG": "C.UTF-8",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_TELEMETRY": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "OTEL_SDK_DISABLED": "true",
    "GEMINI_CLI_NO_RELAUNCH": "true",  # it would start itself a second time, to ask for more memory
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"), _DEAD),
}
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_KILL_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the client itself found; no `problems` if it agrees. `note` says why it was not asked, or that its version is unknown to us."""

    problems: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Checks:
    """What the clients said of some plans: their programs by client, notes and problems by side."""

    programs: Mapping[str, Any]
    notes: Mapping[str, str]
    problems: Mapping[str, str]


async def checked(plans: Sequence[SidePlan], settings: ClientsSync, programs: Mapping[str, Any]) -> Checks:
    """Let the clients look at what is planned for them. `programs`: what is known of them."""
    changing = [each for each in plans if each.changes]
    if settings.validate_with == "model" or not changing:
        return Checks(programs, {}, {})
    known = dict(programs)
    for each in changing:
        known |= await _known(each, known)
    limit = settings.cli_timeout
    verdicts = await asyncio.gather(*(_validate(each, _version(each, known), limit) for each in changing))
    found = {each.look.name: verdict for each, verdict in zip(changing, verdicts, strict=True)}
    problems = {
        each.look.name: f"{each.look.section.client} does not take what it would get: {'; '.join(found[each.look.name].problems[:3])}"
        for each in changing
        if found[each.look.name].problems
    }
    return Checks(known, {name: verdict.note for name, verdict in found.items()}, problems)


async def _known(side: SidePlan, known: Mapping[str, Any]) -> dict[str, Any]:
    """Path and version of a client's program; it is asked again once the file is another one."""
    check = side.look.adapter.check
    path = shutil.which(check.program) if check else None
    if check is None or path is None:
        return {side.look.section.client: None}
    look = await asyncio.to_thread(lambda: f"{Path(path).resolve()}:{Path(path).stat().st_mtime_ns}")
    before = known.get(side.look.section.client)
    if before and before["look"] == look:
        return {}
    return {side.look.section.client: {"look": look, "version": await _version_of(check)}}


def _version(side: SidePlan, programs: Mapping[str, Any]) -> str:
    found = programs.get(side.look.section.client)
    return found["version"] if found else ""


async def _version_of(check: Check | None) -> str:
    """The version of the client that is installed; empty if there is none."""
    program = shutil.which(check.program) if check else None
    if program is None:
        return ""
    with tempfile.TemporaryDirectory(prefix="syncd-version-") as folder:
        output = await _run((program, "--version"), Path(folder), Path(folder), {}, 10.0)
    found = _VERSION.search(output.stdout + output.stderr)
    return found.group() if found else ""


async def _validate(side: SidePlan, version: str, limit: timedelta) -> Verdict:
    """Let the client read every scope of a side that is to change. What it had against the files before is no reason to stop."""
    check = side.look.adapter.check
    if check is None or not version:
        return Verdict(note="" if check is None else f"{check.program} is not installed: its files were checked by our own reading only")
    problems: list[str] = []
    for scope in side.scopes:
        if not scope.changes:
            continue
        look, seconds = scope.look, limit.total_seconds()
        found = await look_through(check, look.kind, (scope.files, scope.entries), seconds)
        before = await look_through(check, look.kind, (look.reading.contents, look.entries), seconds) if found else []
        problems += [problem for problem in found if problem not in before]
    first, beyond = check.tested
    known = _numbers(first) <= _numbers(version) < _numbers(beyond)
    note = "" if known else f"{check.program} {version} is not a version that was tested ({first} up to {beyond})"
    return Verdict(tuple(problems), note)


async def look_through(check: Check, scope: ScopeKind, says: tuple[Files, Entries], limit: float) -> list[str]:
    """What a client has against some files that are meant to say some entries, within so many seconds."""
    files, entries = says
    with tempfile.TemporaryDirectory(prefix="syncd-stage-") as name:
        stage = Path(name)
        staged = check.stage(scope, files)
        await asyncio.to_thread(_fill, stage, staged.files)
        try:
            outputs = await asyncio.gather(*(_command(command, stage, limit) for command in staged.commands))
        except TimeoutError:
            return [f"{check.program} did not look at its files within {limit:g} s"]
    return list(check.judge(scope, outputs, entries))


def _fill(stage: Path, files: Files) -> None:
    (stage / "home").mkdir()
    for path, content in files.items():
        (stage / path).parent.mkdir(parents=True, exist_ok=True)
        (stage / path).write_bytes(content)


async def _command(command: Command, stage: Path, limit: float) -> Output:
    extra = {name: str(stage / value[2:]) if value.startswith("@/") else value for name, value in command.environment.items()}
    cwd = stage / command.cwd
    cwd.mkdir(parents=True, exist_ok=True)
    program = shutil.which(command.argv[0]) or command.argv[0]
    arguments = [str(stage / each[2:]) if each.startswith("@/") else each for each in command.argv[1:]]
    return await _run((program, *arguments), cwd, stage / "home", extra, limit)


async def _run(argv: tuple[str, ...], cwd: Path, home: Path, extra: dict[str, str], limit: float) -> Output:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), **_ENVIRONMENT, **extra}
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=cwd,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(limit):
            stdout, stderr = await process.communicate()
    finally:
        # What it may have started in its turn goes with it.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _KILL_SECONDS)
    return Output(process.returncode or 0, stdout.decode("utf-8", "replace"), stderr.decode("utf-8", "replace"))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
