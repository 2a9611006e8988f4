"""Completion in the shell."""

from typing import cast

import click
from click.shell_completion import ShellComplete, get_completion_class

from syncctl.cli import examples


class Shown(click.Command):
    """Its help ends with an example, as that of all others."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        examples(ctx, formatter)


@click.command("completion", cls=Shown)
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
