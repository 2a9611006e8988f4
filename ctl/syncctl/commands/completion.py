"""Completion in the shell."""

from typing import cast

import click
from click.shell_completion import ShellComplete, get_completion_class

from syncctl.problems import Problem
from syncctl.session import Session

_PATIENCE = 0.3
"""Seconds; who presses TAB does not want to wait."""


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, *, shell: str) -> None:
    """It belongs where the shell starts.

    In ~/.bashrc: eval "$(syncctl completion bash)"

    In ~/.zshrc: eval "$(syncctl completion zsh)"

    Once: syncctl completion fish > ~/.config/fish/completions/syncctl.fish
    """
    kind = cast("type[ShellComplete]", get_completion_class(shell))
    script = kind(ctx.find_root().command, {}, "syncctl", "_SYNCCTL_COMPLETE")
    click.echo(script.source_template % script.source_vars())


def sync_names(session: Session) -> list[str]:
    """The names of all syncs; none if the daemon does not answer at once."""
    from syncapi.v1.control_pb2 import ListSyncsRequest  # noqa: PLC0415 - the script above needs none of this
    from syncctl.connection import connect  # noqa: PLC0415 - the same

    try:
        with connect(session) as daemon:
            reply = daemon.ask(daemon.control.ListSyncs, ListSyncsRequest(page_size=1000), _PATIENCE)
    except Problem:
        return []
    return [sync.name for sync in reply.syncs]
