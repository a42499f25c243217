"""A group of commands, as `galcat` itself and `galcat tasks` are: what a shell completes in it."""

from typing import Any

from typer.core import TyperGroup


class CommandGroup(TyperGroup):
    """A group that offers no command after a word which is none of its commands."""

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:  # noqa: ANN401 - click's classes have another module in each typer
        """List what may come next; nothing behind an unknown command, which is refused in any case."""
        has_unknown_command = bool(ctx.args or ctx._protected_args)  # noqa: SLF001 - where the parser keeps the words
        return [] if has_unknown_command else super().shell_complete(ctx, incomplete)
