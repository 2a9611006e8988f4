"""What a service tells systemd, and what systemd tells a service (sd_notify(3), sd_watchdog_enabled(3))."""

import os
import socket
import time
from datetime import timedelta

_FIRST_DESCRIPTOR = 3


def notify(state: str, within: float = 0.0) -> bool:
    """Send `READY=1` or the like, if systemd wants to hear it: answers whether it does. Raises `OSError` if it cannot be told.

    A systemd that does not listen just now is waited for `within` so many seconds: whoever tells must not hang with it.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.settimeout(within)
        channel.sendto(state.encode(), address)
    return True


def status(text: str) -> str:
    """The state that `systemctl status` shows as one line."""
    return f"STATUS={' '.join(text.split())}"


def reloading() -> str:
    """The state of a service that reads its settings anew; `READY=1` ends it."""
    return f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"


def watchdog() -> timedelta | None:
    """How long this process may be silent before systemd ends it; None if it may for ever."""
    micros, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not micros.isdecimal() or int(micros) == 0 or (pid and pid != str(os.getpid())):
        return None
    return timedelta(microseconds=int(micros))


def handed_over() -> list[socket.socket]:
    """The listening sockets that systemd passes to this process (sd_listen_fds(3)); asked again, none: they are ours then."""
    count = int(os.environ.pop("LISTEN_FDS", "0")) if os.environ.pop("LISTEN_PID", "") == str(os.getpid()) else 0
    sockets = [socket.socket(fileno=_FIRST_DESCRIPTOR + number) for number in range(count)]
    for each in sockets:
        each.set_inheritable(False)
        each.settimeout(0)
    return sockets
