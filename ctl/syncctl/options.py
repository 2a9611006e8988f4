"""Options that several commands have."""

import click

from syncctl import stamps
from syncctl.cli import DURATION, MOMENT

SINCE = click.option("--since", type=MOMENT, callback=stamps.stamped, help="At or after: 30s, 5m, 1h, 2d ago, or an ISO time.")
UNTIL = click.option("--until", type=MOMENT, callback=stamps.stamped, help="Before.")
RECONNECT = click.option(
    "--reconnect", type=DURATION, default="30s", show_default=True, help="With -f, how long to wait for a daemon that went away."
)
