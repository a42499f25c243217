"""Commands that need an encoder and no catalogue: embed, encoder import."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import Progress

from dagster_jobs.cli_ingest import PROGRESS_COLUMNS, log

app = typer.Typer()


@app.command()
def embed(
    output: Annotated[Path, typer.Option("--output", "-o", help="Parquet file to write.")],
    images: Annotated[
        list[Path] | None, typer.Argument(help="Folders or files of cutouts: JPEG, PNG, FITS, mixed.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Instead of IMAGES: a table, one row an image (CSV, FITS, Parquet).")
    ] = None,
    id_column: Annotated[str, typer.Option(help="Column of the table with the ids.")] = "id",
    file_column: Annotated[
        str, typer.Option(help="Column with the files, relative to the table's folder.")
    ] = "file",
    weights: Annotated[Path | None, typer.Option(help="Encoder weights; without it, those shipped.")] = None,
    survey: Annotated[
        str, typer.Option(help="Survey (or TOML file) that says what the bands of FITS cutouts are.")
    ] = "decals_fits",
    batch_size: Annotated[int, typer.Option(help="Images encoded together.", min=1)] = 64,
    threads: Annotated[
        int | None, typer.Option(help="CPU threads of the network; without it, all cores.", min=1)
    ] = None,
    bf16: Annotated[
        bool, typer.Option("--bf16", help="Arithmetic in bfloat16: faster where the hardware has it.")
    ] = False,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, cuda:1, mps; without it, the best there is.")
    ] = None,
) -> None:
    """Embed a folder of cutouts: id, vector, vote fractions and concentrations, without a database.

    Each image spans the galaxy's whole field, as Galaxy Zoo's cutouts do. Its id is the file's name without
    the ending. Images that cannot be read are named and left out; the exit code is then 1.

    FITS: one galaxy a file with all bands in it (a cube, or one HDU each), surface brightness in the unit of
    the survey's TOML for each of the survey's own pixels, first row south. A single band is refused.

    Examples: `galcat embed cutouts/ -o vectors.parquet` · `galcat embed --table list.csv -o vectors.parquet`
    """
    import torch  # noqa: PLC0415 - takes seconds

    from encoder.embed_images import embed_images  # noqa: PLC0415
    from encoder.encoder import load_encoder  # noqa: PLC0415
    from encoder.image_list import list_images, read_image_table  # noqa: PLC0415
    from encoder.survey import load_survey  # noqa: PLC0415
    from encoder.vectors_file import check_place  # noqa: PLC0415

    if bool(images) == (table is not None):
        raise typer.BadParameter("give IMAGES, or --table, one of them")
    check_place(output)
    colours = load_survey(survey)
    listed = read_image_table(table, id_column, file_column) if table else list_images(images or [])
    if threads is not None:
        torch.set_num_threads(threads)
    encoder = load_encoder(weights, device, "bfloat16" if bf16 else "float32")
    n_unreadable = 0
    with Progress(*PROGRESS_COLUMNS, console=log) as progress:
        bar = progress.add_task("images", total=len(listed))

        def unreadable(line: str) -> None:
            nonlocal n_unreadable
            n_unreadable += 1
            progress.print(f"[red]unreadable:[/red] {escape(line)}", soft_wrap=True)

        def advance(n: int) -> None:
            progress.advance(bar, n)

        n_rows = embed_images(encoder, listed, output, colours, unreadable, batch_size, advance)
    log.print(
        f"wrote {escape(str(output))}: {n_rows} rows of {encoder.dimension} numbers and "
        f"{encoder.tree.n_answers} fractions by {escape(encoder.name)}; {n_unreadable} unreadable images",
        soft_wrap=True,
    )
    if n_unreadable:
        raise typer.Exit(1)
