"""Commands that write a catalogue to one file, and read it in again."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from galcat.cli.console import log, mark_line, out, progress_bar
from galcat.cli.open_catalogue import catalogue_url
from galcat.errors import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.backup.save import Progress

app = typer.Typer()


@app.command()
def backup(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="File to write, or a folder for one.")],
    keep: Annotated[
        int | None,
        typer.Option(
            help="In a folder, how many backups stay; the oldest go when the new one is whole.", min=1
        ),
    ] = None,
) -> None:
    """Write the catalogue of this moment to one file, with its weights; others go on meanwhile.

    The file is a ZIP archive of what pg_dump writes, and of every table's number of rows and digest, by which
    `galcat restore` compares. It is whole or not there. Results of jobs and files of tiles are not in it.

    For example:

    * `galcat backup /backups/before-upgrade.zip`
    * `galcat backup /backups --keep 14` names the file by the time, and keeps two weeks of nights
    """
    from galcat.workflows.backup import choose_file, make_backup, remove_old_backups  # noqa: PLC0415

    if keep is not None and not path.is_dir():
        raise WorkflowError(f"--keep counts the backups of a folder, and {path} is none")
    file, is_folder = choose_file(path), path.is_dir()
    with _shown_progress() as tell:
        manifest, lacking = make_backup(catalogue_url(), file, tell)
    out.print(str(file), soft_wrap=True)
    tables, size = len(manifest.tables), file.stat().st_size
    log.print(f"{manifest.rows:,} rows of {tables} tables in {size / 1e6:,.1f} MB", soft_wrap=True)
    for release in lacking:
        text = f"the weights of release {release} are not on this machine, and not in the backup"
        log.print(mark_line("warning:", "yellow", f"{text}: galcat release keep FILE"), soft_wrap=True)
    for old in remove_old_backups(path, keep, file) if is_folder else []:
        log.print(f"removed {old}", soft_wrap=True)


@app.command()
def restore(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="What galcat backup wrote.")],
) -> None:
    """Read a backup into an empty database, in one transaction that compares every table before it ends.

    A database with a catalogue is refused, and where anything differs nothing of the backup stays. Roles are
    made where the server lacks them; those of people get no password.

    Restore only files of people you trust: the SQL in them runs with the owner's rights.

    Example: `galcat --home /srv/second restore /backups/before-upgrade.zip`
    """
    from catalog.backup.read_in import read_manifest  # noqa: PLC0415
    from galcat.workflows.backup import restore_backup  # noqa: PLC0415

    read_manifest(path)  # before a server is made for it
    with _shown_progress() as tell:
        manifest, made = restore_backup(catalogue_url(may_create=True), path, tell)
    log.print(
        f"{manifest.rows:,} rows of {len(manifest.tables)} tables are back as of {manifest.made_at}",
        soft_wrap=True,
    )
    if made:
        log.print(f"made without a password, and cannot log in yet: {', '.join(made)}", soft_wrap=True)


@contextmanager
def _shown_progress() -> "Iterator[Progress]":
    """Bars for who looks on; a log gets none."""
    if not log.is_terminal:
        yield lambda _what, _done, _total: None
        return
    with progress_bar(transient=True) as bar:
        task = bar.add_task("", total=None)

        def tell(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield tell
