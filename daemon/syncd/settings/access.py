"""What an operator writes about who may do what."""

import grp
import pwd
from typing import Annotated

from pydantic import AfterValidator, Field

from syncd.domain.access import Role
from syncd.kit.text import did_you_mean
from syncd.settings.section import Section

CERTIFICATE = "cert:"
"""What begins the names in client certificates, which are no users of this machine."""


def _known(who: str) -> str:
    if who.startswith(CERTIFICATE):
        if who == CERTIFICATE:
            raise ValueError(f"expected a name behind {CERTIFICATE!r}: what stands in a client certificate")
        return who
    name, group = who.removeprefix("@"), who.startswith("@")
    if not name:
        raise ValueError("expected a user, or a group behind an '@'")
    if name.isdecimal():
        return who
    try:
        _ = grp.getgrnam(name) if group else pwd.getpwnam(name)
    except KeyError:
        others = [each.gr_name for each in grp.getgrall()] if group else [each.pw_name for each in pwd.getpwall()]
        raise ValueError(f"no such {'group' if group else 'user'} on this machine{did_you_mean(name, others)}") from None
    return who


Who = Annotated[str, AfterValidator(_known)]
"""A user, `alice` or `1000`, a group, `@ops` or `@1000`, or a client certificate, `cert:grafana.example`."""


def _known_group(name: str) -> str:
    return _known(f"@{name}")[1:]


Group = Annotated[str, AfterValidator(_known_group)]
"""A group, `ops` or `1000`."""


class AccessSection(Section):
    """`[daemon.access]`: what local users and client certificates may do. root and the daemon's own user are admins in any case."""

    admins: tuple[Who, ...] = ()
    operators: tuple[Who, ...] = ()
    viewers: tuple[Who, ...] = ()
    group: Role = Role.OPERATOR
    """What members of the socket's group may do if no list names them."""
    connections: Annotated[int, Field(ge=8)] = 1000
    """How many connections there may be at once, those of root and of the daemon's own user aside."""
