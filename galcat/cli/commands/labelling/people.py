"""Commands for the people who log in to the page: add somebody, make a new link, let somebody in no more."""

from typing import Annotated

import typer

from catalog.result import Result
from catalog.web.labelling.people import LINK_DAYS, add_person, list_people, make_link, remove_person
from galcat.cli.command_group import CommandGroup
from galcat.cli.console import log, out
from galcat.cli.open_catalogue import open_as_reader, open_to_write
from galcat.cli.options import OneALine, Wide
from galcat.cli.tables import Layout, show

app = typer.Typer()
people = typer.Typer(cls=CommandGroup, invoke_without_command=True, rich_markup_mode="markdown")
app.add_typer(
    people,
    name="people",
    help="People who log in to the page of `galcat serve` to label.\n\n"
    "Without a command: the list of them, and how often each is logged in.",
)

PersonName = Annotated[str, typer.Argument(metavar="NAME", help="The name that stands beside the labels.")]
Address = Annotated[
    str | None,
    typer.Option(help="Address of the page; without it GALCAT_PUBLIC_URL, else http://127.0.0.1:8000."),
]


@people.callback()
def show_people(context: typer.Context, wide: Wide = False, one_a_line: OneALine = False) -> None:
    """List who may log in, and who is."""
    if context.invoked_subcommand is not None:
        return
    with open_as_reader(may_be_empty=True, role="galcat_writer") as connection:
        rows: list[tuple[object, ...]] = [
            (one.name, one.role, one.sessions, f"{one.link_until:%Y-%m-%d %H:%M}" if one.link_until else "-")
            for one in list_people(connection)
        ]
    show(Result(("name", "role", "logged_in", "link_until"), rows), layout=Layout(wide, one_a_line))


@people.command()
def add(
    name: PersonName,
    reader: Annotated[bool, typer.Option("--reader", help="May look and not label.")] = False,
    address: Address = None,
) -> None:
    """Add somebody, and print the link that logs them in once.

    Example: `galcat people add ana`
    """
    with open_to_write(may_be_empty=True) as connection:
        link = add_person(connection, name, "reader" if reader else "labeller")
    _print_link(name, link, address)


@people.command()
def link(name: PersonName, address: Address = None) -> None:
    """Make a new link for somebody, for another browser or after the first one was lost.

    Example: `galcat people link ana`
    """
    with open_to_write(may_be_empty=True) as connection:
        made = make_link(connection, name)
    _print_link(name, made, address)


@people.command()
def remove(name: PersonName) -> None:
    """Let somebody in no more; what they said stays.

    Example: `galcat people remove ana`
    """
    with open_to_write(may_be_empty=True) as connection:
        remove_person(connection, name)
    log.print(f"{name} is logged out everywhere and let in no more; the labels stay", soft_wrap=True)


def _print_link(name: str, link: str, address: str | None) -> None:
    from catalog.settings import load_settings  # noqa: PLC0415 - after the catalogue was found

    base = (address or load_settings().public_url or "http://127.0.0.1:8000").rstrip("/")
    out.print(f"{base}/enter/{link}", soft_wrap=True)
    log.print(
        f"send this link to {name}: it logs one browser in, once, within {LINK_DAYS} days", soft_wrap=True
    )
