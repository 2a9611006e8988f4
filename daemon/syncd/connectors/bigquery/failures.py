"""What BigQuery's refusals mean: who has to act, and what exactly is missing.

An error is `{"error": {"code": 403, "message": "…", "errors": [{"reason": "accessDenied", …}]}}`. Decisions go by the status and the
reason, never by the message. The reasons: https://cloud.google.com/bigquery/docs/error-messages
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from syncd.domain.errors import BadCredentials, SourceMismatch, SourceUnavailable, SyncdError

_LONGEST_TEXT = 500
OK, _BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 200, 400, 401, 403, 404
_LASTING = set(range(400, 500)) - {408, 425, 429}
NOT_BIGQUERY = "is there a proxy in between, and is `endpoint` right?"
_PASSING = {
    "backendError",
    "internalError",
    "jobBackendError",
    "jobInternalError",
    "jobRateLimitExceeded",
    "quotaExceeded",
    "rateLimitExceeded",
    "tableUnavailable",
    "RATE_LIMIT_EXCEEDED",
    "userRateLimitExceeded",
}
_SWITCHED_OFF = {"accessNotConfigured", "SERVICE_DISABLED"}
_BILLING = {"billingNotEnabled", "billingTierLimitExceeded"}


@dataclass(frozen=True, slots=True)
class Right:
    """An IAM permission, and the narrowest predefined role that has it."""

    permission: str
    role: str


SEE_DATASETS = Right("bigquery.datasets.get", "roles/bigquery.metadataViewer")
LIST_TABLES = Right("bigquery.tables.list", "roles/bigquery.metadataViewer")
SEE_TABLE = Right("bigquery.tables.get", "roles/bigquery.metadataViewer")
READ_ROWS = Right("bigquery.tables.getData", "roles/bigquery.dataViewer")
CREATE_JOBS = Right("bigquery.jobs.create", "roles/bigquery.jobUser")


class Rejected(SourceMismatch):
    """BigQuery understood the request and does not do it."""

    def __init__(self, message: str, *, said: "Said", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.said = said


@dataclass(frozen=True, slots=True)
class Said:
    """A refusal, as BigQuery put it."""

    status: int
    reasons: tuple[str, ...] = ()
    """Its words for why. None of them: it is not BigQuery that refuses."""
    message: str = ""
    after: float | None = None
    """Seconds to wait, if it named some."""

    @property
    def passes(self) -> bool:
        """Trying again later may help."""
        return self.status not in _LASTING or not _PASSING.isdisjoint(self.reasons)

    @property
    def gone(self) -> bool:
        return self.status == _NOT_FOUND

    @property
    def denied(self) -> bool:
        return self.status == _FORBIDDEN

    @classmethod
    def of(cls, status: int, body: bytes, retry_after: str = "") -> "Said":
        """Read what can be read of a refusal, whoever wrote it."""
        after = float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None
        try:
            error = json.loads(body)["error"]
            return cls(status, tuple(_reasons(error)), tidy(str(error.get("message", ""))), after)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return cls(status, after=after)

    @classmethod
    def within(cls, result: Mapping[str, Any]) -> "Said":
        """The error of a job, which comes with the status 200: `{"reason": "…", "message": "…"}`."""
        return cls(_BAD_REQUEST, (str(result.get("reason", "")),), tidy(str(result.get("message", ""))))


def failure(place: str, what: str, right: Right, said: Said) -> SyncdError:
    """The error that a refusal of a request deserves. `what` says what was asked for: `the tables of the dataset shop`."""
    told = f": {said.message}" if said.message else ""
    status = f"status {said.status}{f' ({said.reasons[0]})' if said.reasons else ''}"
    if said.status == _UNAUTHORIZED:
        return BadCredentials(
            f"{place} does not accept the credentials for {what}{told}",
            hint="check `credentials` of the connection, or the Application Default Credentials of this machine",
        )
    if said.passes:
        return SourceUnavailable(f"{place} answers the request for {what} with {status}{told}", after=said.after)
    if not said.reasons:
        return SourceUnavailable(f"{place} answers the request for {what} with {status}, but not in BigQuery's words", hint=NOT_BIGQUERY)
    return Rejected(f"{place} refuses {what} with {status}{told}", said=said, hint=_hint(said, right))


def _hint(said: Said, right: Right) -> str:
    if not _SWITCHED_OFF.isdisjoint(said.reasons):
        return "switch the BigQuery API on in this project: gcloud services enable bigquery.googleapis.com"
    if not _BILLING.isdisjoint(said.reasons):
        return "the project needs a billing account, or another project is meant"
    if said.denied:
        return f"grant the permission {right.permission} to the account of the connection; {right.role} has it"
    if said.gone:
        return "check `project` and `location` of the connection, and the names of its datasets"
    return "check the settings of the connection"


def _reasons(error: Mapping[str, Any]) -> Iterator[str]:
    """The words for why: BigQuery's own, those of the layers before it, and the coarse one of all Google APIs."""
    for place in (*error.get("errors", ()), *error.get("details", ()), {"reason": error.get("status")}):
        if place.get("reason"):
            yield str(place["reason"])


def tidy(text: str) -> str:
    """One line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_TEXT else f"{line[:_LONGEST_TEXT]}…"
