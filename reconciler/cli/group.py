"""The group of all commands: it knows their names and one line about each, and imports one only when it is called."""

from importlib import import_module
from typing import NamedTuple

import click


class Entry(NamedTuple):
    """A command that is not imported yet: its module in this package, and its line in `--help`."""

    module: str
    help: str


COMMANDS = {
    "init": Entry("init", "Write what a repository needs: first files, workflows, code owners, a form."),
    "validate": Entry("validate", "Check the YAML, and tell everything that is wrong with it."),
    "plan": Entry("plan", "Show what would be changed in which app, and why."),
    "show": Entry("show", "Show a plan from a file."),
    "apply": Entry("apply", "Make it true: apply a reviewed plan, or plan, ask and apply."),
    "drift": Entry("drift", "Show what was changed behind git's back."),
    "import": Entry("importing", "Write people, and the access that an app has, into the YAML."),
    "explain": Entry("explain", "Tell why somebody has what they have."),
    "who": Entry("who", "Tell who has an entitlement, and what somebody has; now or then."),
    "request": Entry("request", "Ask for access, or give it back, by a pull request."),
    "offboard": Entry("offboard", "Take all access from a person now, and let git know by a pull request."),
    "leaver": Entry("leaver", "Show what became of a leaver's access in every app: done, pending, verified."),
    "tickets": Entry("tickets", "List the open tickets of every app."),
    "audit": Entry("audit", "Look at what was done by whose approval; check and export the trail of it."),
    "state": Entry("state", "Look at what is applied, move it, forget, unpin; give a stale lock back."),
    "ci": Entry("ci.group", "What the GitHub actions call: plan, apply, drift, fresh, request."),
    "coverage": Entry("coverage", "Tell what each app's route does by itself, and what becomes a ticket."),
    "providers": Entry("providers", "List the installed providers and what each can do."),
    "schema": Entry("schema", "Print a JSON Schema, of the YAML or of the plan file."),
}


def help_of(name: str, *paragraphs: str) -> str:
    """Return a command's whole help: its line in the list, then paragraphs of its own."""
    return "\n\n".join([COMMANDS[name].help, *paragraphs])


class LazyGroup(click.Group):
    """A click group over `COMMANDS`: each module has a command of its own name, as `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order in which people use them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import a command and return it, None if there is none of this name."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = import_module(f"reconciler.cli.{entry.module}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"reconciler.cli.{entry.module}.command is no command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was asked for.

        Raises:
            click.UsageError: there is none; the message names the nearest.
        """
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from reconciler.cli.names import nearest

            raise click.UsageError(f"no such command: {name}; {nearest(name, COMMANDS)}".rstrip("; "), ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the list of commands from what is known without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])
