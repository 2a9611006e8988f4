"""Which role each call needs: the one table. A call that is not in it needs the highest."""

from collections.abc import Mapping
from typing import Any

from syncd.domain.access import Role

_SERVICES: Mapping[str, Mapping[Role, str]] = {
    "Control": {
        Role.VIEWER: "GetDaemon ListSyncs GetSync GetRun ListRuns WatchSyncs WatchRun ListDeadLetters",
        Role.OPERATOR: "PauseSync ResumeSync StartRun CancelRun CheckConnections RetryDeadLetters DiscardDeadLetters",
        Role.ADMIN: "ReloadSettings ResetSync",
    },
    "Audit": {Role.VIEWER: "QueryAudit TailAudit VerifyAudit ExportAudit SearchLogs TailLogs"},
    "Access": {Role.NONE: "WhoAmI", Role.ADMIN: "CreateToken ListTokens RevokeToken"},
    "Clients": {
        Role.VIEWER: "ListClients GetUnified ExportClients ListConflicts GetConflict ListVersions GetVersion DiffVersions",
        Role.OPERATOR: "ImportClients PlanClients ResolveConflict",
        Role.ADMIN: "RollbackClients",
    },
    "Metadata": {
        Role.VIEWER: "GetCache GetCacheStatus ListSnapshots DiffSnapshots GetPromptContext",
        Role.OPERATOR: "RefreshCache",
        Role.ADMIN: "RestoreSnapshot",
    },
}

RIGHTS: Mapping[str, Role] = {
    f"/syncapi.v1.{service}/{call}": role for service, roles in _SERVICES.items() for role, calls in roles.items() for call in calls.split()
}
"""Path of a call -> the least role."""

_START = "/syncapi.v1.Control/StartRun"
_GOING_BACK = frozenset({"rollback", "restore"})
"""Modes, and parameters of modes, that go back behind what was decided: whichever call starts them, the same role is needed."""


def needed(method: str, request: Any) -> Role:
    """The least role for this request."""
    if method == _START and not _GOING_BACK.isdisjoint({request.mode, *request.parameters}):
        return Role.ADMIN
    return RIGHTS.get(method, Role.ADMIN)
