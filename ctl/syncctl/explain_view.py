"""The story of a run, for people."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from syncctl import words
from syncctl.explaining import Story
from syncctl.view import Block, Cell, Facts, Heading, Line, Span, quiet

_SHOWN = 20
_STYLES = {"done": "good", "failed": "bad", "cancelled": "warn", "interrupted": "warn"}
_WHY = {
    "schedule": "the schedule was due",
    "change": "a watched file changed",
    "request": "somebody asked",
    "recovery": "a run before it was interrupted",
}


def blocks(story: Story) -> Iterator[Block]:
    """From cause to effect, a section for each step."""
    run, outcome = story["run"], story["outcome"]
    style = _STYLES.get(outcome["state"], "busy")
    yield Line(
        (
            Span(f"{run['sync']} {run['mode']}", "strong"),
            "  ",
            Span(outcome.get("summary") or outcome["state"], style),
            quiet(f"  {run['id']}"),
        )
    )
    for title, section in _SECTIONS.items():
        rows = list(section(story))
        if rows:
            yield Heading(title)
            yield Facts(rows, indent=2)


Row = tuple[str, Cell]


def _began(story: Story) -> Iterator[Row]:
    trigger = story["trigger"]
    told = _WHY.get(trigger["kind"], trigger["kind"])
    if trigger["kind"] == "request" and "by" in trigger:
        told = f"{trigger['by']} asked for it"
    if "schedule" in trigger:
        told = f"{told}: {trigger['schedule']}"
    yield "why", (told, quiet(f"  {_clock(trigger['at'])}"))
    if "goes_on_with" in trigger:
        yield "goes on with", trigger["goes_on_with"]
    if "request_id" in trigger:
        yield "request id", trigger["request_id"]
    if story["run"]["parameters"]:
        yield "parameters", words.pairs(story["run"]["parameters"])


def _settings(story: Story) -> Iterator[Row]:
    settings = story["settings"]
    if "fingerprint" not in settings:
        yield "in force", quiet("not recorded: the run never began, or began under an older version")
        return
    since = quiet(f"  first used {_clock(settings['first_used'])}") if "first_used" in settings else quiet("")
    yield "in force", (settings["fingerprint"], since)
    if "changed_since" not in settings:
        return
    if not settings["changed_since"]:
        yield "now", Span("the same", "good")
    for change in settings["changed_since"]:
        yield change["key"], _changed(change)


def _changed(change: Mapping[str, Any]) -> Cell:
    if "then" not in change and "now" not in change:
        return Span("changed since", "warn")
    then, now = (words.plain(change[name]) if name in change else "not set" for name in ("then", "now"))
    return (then, quiet(" → now "), Span(now, "warn"))


def _waits(story: Story) -> Iterator[Row]:
    waited = story["waited"]
    if "for_runs" in waited:
        yield "for its turn", (words.duration(waited["seconds"]), f", behind {', '.join(waited['for_runs'][-3:])}")
    elif waited:
        yield "for its turn", words.duration(waited["seconds"])
    for attempt in story["attempts"][:_SHOWN]:
        wait = f"{words.duration(attempt['waited'])} " if "waited" in attempt else ""
        name = f"after attempt {attempt['attempt']}" if "attempt" in attempt else "after an attempt"
        yield name, (wait, Span(attempt.get("problem", ""), "bad"), quiet(f"  {attempt['code']}  {_clock(attempt['at'])}"))
    if len(story["attempts"]) > _SHOWN:
        yield "", quiet(f"and {len(story['attempts']) - _SHOWN:,} more: all of them with -o json")


def _did(story: Story) -> Iterator[Row]:
    work, checkpoint = story["work"], story["checkpoint"]
    counted = [f"{words.number(work[name])} {name}" for name in ("read", "unchanged", "stored", "deleted", "refused") if work[name]]
    if counted:
        yield "rows", ", ".join(counted)
    if work["batches"]:
        yield "batches", f"{words.number(work['batches'])}, {words.size(work['bytes'])}"
    for code, count in work.get("refused_because", {}).items():
        yield "dead letters", (words.number(count), Span(f"  {code}", "warn"))
    yield from _moved(checkpoint)
    for event in story["events"][:_SHOWN]:
        yield (event["action"], _event(event)) if "action" in event else ("", quiet(f"and {event['more']:,} more in the audit log"))
    if len(story["events"]) > _SHOWN:
        yield "", quiet(f"and {len(story['events']) - _SHOWN:,} more: with -o json, or in the audit log")


def _moved(checkpoint: Mapping[str, Mapping[str, str]]) -> Iterator[Row]:
    if "before" not in checkpoint and "after" not in checkpoint:
        return
    before, after = (_place(checkpoint[name]) if name in checkpoint else "" for name in ("before", "after"))
    if before == after:
        yield "checkpoint", (before, quiet("  not moved"))
    else:
        yield "checkpoint", (before or "not recorded", quiet(" → "), after or "not recorded")


def _place(place: Mapping[str, str]) -> str:
    told = " ".join(place[name] for name in ("complete_to", "checkpoint") if name in place)
    return told or "the beginning"


def _ended(story: Story) -> Iterator[Row]:
    outcome = story["outcome"]
    told = outcome.get("summary") or outcome["state"]
    took = f" after {words.duration(outcome['seconds'])}" if "seconds" in outcome else ""
    at = quiet(f"  {_clock(outcome['at'])}") if "at" in outcome else quiet(f"  {outcome.get('doing', '')}")
    yield "outcome", (Span(told, _STYLES.get(outcome["state"], "busy")), took, at)
    if outcome.get("attempt", 1) > 1:
        yield "attempts", str(outcome["attempt"])
    if "code" in outcome:
        yield "error", (Span(outcome["problem"], "bad"), quiet(f"  {outcome['code']}"))
    if outcome.get("hint"):
        yield "to do", outcome["hint"]
    if "leaves_sync" in outcome:
        yield "the sync", (Span(outcome["leaves_sync"], "warn"), quiet(f"  `syncctl resume {story['run']['sync']}` ends that"))


def _followed(story: Story) -> Iterator[Row]:
    for effect in story["followed"]:
        if "action" in effect:
            yield effect["action"], _event(effect)
        elif "run" in effect:
            goes_on = "goes on with it: " if effect.get("goes_on") else ""
            who = effect.get("by") or effect["trigger"]
            yield (
                "next run",
                (f"{goes_on}{effect['run']}", f"  {effect['mode']}, {effect['summary']}", quiet(f"  {who}  {_clock(effect['at'])}")),
            )
        elif "next_run_at" in effect:
            yield "next run", f"due {_clock(effect['next_run_at'])}"
        else:
            yield "next run", quiet(f"none is due, the sync is {effect['sync_is']}")


def _event(event: Mapping[str, Any]) -> Cell:
    bad = Span(f"{event['outcome']} ", "bad") if event["outcome"] != "ok" else ""
    by = quiet(f"{event['by']}  ") if event["by"] != "syncd" else ""
    return (by, bad, words.pairs(event["detail"]), quiet(f"  {_clock(event['at'])}"))


def _clock(iso: str) -> str:
    return words.clock(datetime.fromisoformat(iso).astimezone(UTC))


_SECTIONS: Mapping[str, Callable[[Story], Iterator[Row]]] = {
    "Why it began": _began,
    "Settings": _settings,
    "What it waited for": _waits,
    "What it did": _did,
    "How it ended": _ended,
    "What followed": _followed,
}
