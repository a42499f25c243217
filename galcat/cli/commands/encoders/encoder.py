"""Commands that need an encoder and no catalogue: embed, train, encoder import."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from catalog.counts import count_of
from galcat.cli.command_group import CommandGroup
from galcat.cli.console import log, mark_line, out, progress_bar
from galcat.cli.options import Device, FrameOption, PixelScale, Threads

if TYPE_CHECKING:
    from encoder.training.head.vote_figures import VoteFigures

app = typer.Typer()

_MAX_NAMED = 10
encoder = typer.Typer(cls=CommandGroup, no_args_is_help=True, rich_markup_mode="markdown")
app.add_typer(encoder, name="encoder", help="Encoders that others trained.")


@app.command()
def embed(
    output: Annotated[Path, typer.Option("--output", "-o", help="Parquet file to write.")],
    images: Annotated[
        list[Path] | None,
        typer.Argument(metavar="IMAGES", help="Folders or files of cutouts: JPEG, PNG, FITS, mixed."),
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
    frame: FrameOption = "found",
    pixel_scale: PixelScale = None,
    batch_size: Annotated[int, typer.Option(help="Images encoded together.", min=1)] = 64,
    threads: Threads = None,
    bf16: Annotated[
        bool, typer.Option("--bf16", help="Arithmetic in bfloat16: faster where the hardware has it.")
    ] = False,
    device: Device = None,
) -> None:
    """Embed a folder of cutouts: id, vector, vote fractions and concentrations, without a database.

    A release that finds frames finds the galaxy in each image. Others see a fixed share of it, as if it
    spanned the galaxy's whole field as Galaxy Zoo's cutouts do. --frame says what to see instead. The id is
    the file's name without the ending. Images that cannot be read are named and left out; the exit code is
    then 1.

    FITS: one galaxy a file with all bands in it (a cube, or one HDU each), surface brightness in the unit of
    the survey's TOML for each of the survey's own pixels, first row south. A single band is refused.

    For example:

    * `galcat embed cutouts/ -o vectors.parquet`
    * `galcat embed cutouts/ -o vectors.parquet --frame 24arcsec --pixel-scale 0.262`
    * `galcat embed --table list.csv -o vectors.parquet`
    """
    import torch  # noqa: PLC0415 - takes seconds

    from encoder.cutouts.fits_pictures import is_fits  # noqa: PLC0415
    from encoder.cutouts.framing_flags import describe_flags  # noqa: PLC0415
    from encoder.cutouts.image_list import (  # noqa: PLC0415
        list_images,
        name_left_out_images,
        read_image_table,
    )
    from encoder.inference.embed_images import embed_images  # noqa: PLC0415
    from encoder.inference.vectors_file import check_writable  # noqa: PLC0415
    from encoder.model.encoder import load_encoder  # noqa: PLC0415
    from encoder.requested_frame import read_frame  # noqa: PLC0415
    from encoder.surveys.survey_file import load_survey  # noqa: PLC0415

    if bool(images) == (table is not None):
        raise typer.BadParameter("give IMAGES, or --table, one of them")
    check_writable(output)
    asked = read_frame(frame, pixel_scale)
    colours = load_survey(survey)

    def left_out(line: str) -> None:
        log.print(mark_line("left out:", "yellow", line), soft_wrap=True)

    if table:
        listed = read_image_table(table, id_column, file_column, left_out)
    else:
        listed = list_images(images or [], left_out)
    _name_first(list(name_left_out_images(listed, colours)), left_out)
    if asked is not None and not all(is_fits(image.path) for image in listed):
        asked.require_scale()
    if threads is not None:
        torch.set_num_threads(threads)
    loaded = load_encoder(weights, device, "bfloat16" if bf16 else "float32")
    n_unreadable = 0
    with progress_bar() as progress:
        bar = progress.add_task("images", total=len(listed))

        def unreadable(line: str) -> None:
            nonlocal n_unreadable
            n_unreadable += 1
            progress.print(mark_line("unreadable:", "red", line), soft_wrap=True)

        def advance(n: int) -> None:
            progress.advance(bar, n)

        made = embed_images(loaded, listed, output, colours, unreadable, batch_size, advance, asked)
    log.print(
        f"wrote {output!s}: {made.n_rows} rows of {loaded.dimension} numbers and "
        f"{loaded.tree.n_answers} fractions by {loaded.name}; {count_of(n_unreadable, 'unreadable image')}",
        soft_wrap=True,
    )
    if doubtful := describe_flags(made.flags):
        log.print(f"frames in doubt: {doubtful} (column framing_flag)", soft_wrap=True)
    if n_unreadable:
        raise typer.Exit(1)


def _name_first(lines: Sequence[str], left_out: Callable[[str], None]) -> None:
    """Say the first lines, and how many more there are."""
    for line in lines[:_MAX_NAMED]:
        left_out(line)
    if len(lines) > _MAX_NAMED:
        left_out(f"images of {len(lines) - _MAX_NAMED} more files")


@app.command()
def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="Training configuration, TOML.")],
) -> None:
    """Train an encoder; a run that was killed goes on where it stopped.

    Example: `galcat train encoder/configs/default.toml`
    """
    from encoder.training.train import train as train_encoder  # noqa: PLC0415 - torch takes seconds

    with progress_bar() as progress:
        weights = train_encoder(config, progress)
    if weights is not None:  # torchrun's other processes write nothing
        log.print(f"wrote {weights}", soft_wrap=True)


@encoder.command("import")
def import_encoder(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="Lightning .ckpt, timm state dict, folder, or name on the model hub."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Weights file to write.")],
    name: Annotated[str | None, typer.Option(help="Of the release; without it, the output's name.")] = None,
    backbone: Annotated[
        str | None, typer.Option(help="As timm spells it; without it, what the checkpoint says.")
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(help="Width of its pictures, pixels; without it, Zoobot's.", min=32),
    ] = None,
    crop: Annotated[
        float, typer.Option(help="Central share of a cutout's field that it sees.", min=0.05, max=1)
    ] = 0.75,
    views: Annotated[int, typer.Option(help="Views that it averages, 1 or 8.")] = 1,
    galaxies: Annotated[int, typer.Option(help="Galaxies to simulate for the sample.", min=50)] = 1000,
    images: Annotated[
        list[Path] | None, typer.Option(help="Folder of real cutouts for the sample; several times.")
    ] = None,
    head: Annotated[
        Path | None,
        typer.Option(
            help="Table of real galaxies' votes to fit a head on: id, image, counts of each answer."
        ),
    ] = None,
    head_images: Annotated[
        Path | None, typer.Option(help="Folder of their pictures; without it, images/ beside the table.")
    ] = None,
    head_crop: Annotated[
        float | None,
        typer.Option(
            help="Central share of these pictures that it sees; without it, --crop.", min=0.05, max=4
        ),
    ] = None,
    survey: Annotated[
        str, typer.Option(help="Survey (or TOML file) that says what the bands of FITS cutouts are.")
    ] = "decals_fits",
) -> None:
    """Make a weights file of a Zoobot encoder, ready for `galcat release create` and `galcat embed`.

    The projection of the searched vectors is fitted on the sample. An encoder without a head, as the hub
    publishes them, gets one fitted on the votes of the simulated galaxies; better is one fitted on votes of
    real galaxies, a few hundred, in minutes: the table of --head has a column for each answer, as Galaxy Zoo
    publishes them (`smooth-or-featured_smooth`), and how well votes are foretold is measured on galaxies that
    a head was not fitted on.

    For example:

    * `galcat encoder import hf-hub:mwalmsley/zoobot-encoder-convnext_nano -o nano.safetensors`
    * `galcat encoder import hf-hub:mwalmsley/zoobot-encoder-convnext_nano -o nano.safetensors
      --head gz2_votes/labels.csv --head-crop 1`
    * `galcat encoder import epoch=8.ckpt -o mine.safetensors --images cutouts/`
    """
    from encoder.cutouts.image_list import list_images  # noqa: PLC0415 - torch takes seconds
    from encoder.inference.vectors_file import check_writable  # noqa: PLC0415
    from encoder.model.views import VIEW_SETS  # noqa: PLC0415
    from encoder.surveys.survey_file import load_survey  # noqa: PLC0415
    from encoder.training.head.vote_table import read_vote_table  # noqa: PLC0415
    from encoder.zoobot.importer import import_zoobot  # noqa: PLC0415
    from encoder.zoobot.votes_head import RealVotes  # noqa: PLC0415

    if views not in VIEW_SETS:
        raise typer.BadParameter(f"--views {views} is not one of {VIEW_SETS}")
    if head is None and (head_images or head_crop):
        raise typer.BadParameter(
            "it needs --head", param_hint="--head-images" if head_images else "--head-crop"
        )
    check_writable(output)
    listed = list_images(images) if images else []
    voted = (
        RealVotes(read_vote_table(head, head_images or head.parent / "images"), head_crop or crop)
        if head
        else None
    )
    with progress_bar() as progress:
        total = galaxies + len(listed) + (len(voted.table.ids) if voted else 0)
        bar = progress.add_task("sample", total=total)

        def advance(n: int) -> None:
            progress.advance(bar, n)

        made = import_zoobot(
            source,
            output,
            name or output.stem,
            backbone=backbone,
            size=size,
            crop=crop,
            view_set=views,
            galaxies=galaxies,
            images=listed,
            real_votes=voted,
            survey=load_survey(survey),
            advance=advance,
        )
    colours = "grey" if made.channels == 1 else "colour"
    if voted:
        out.print(_figures_table(made.measured))
    said_by = "its own head" if made.own_head else f"a head fitted on {galaxies} simulated galaxies"
    if voted:
        said_by = f"a head fitted on {len(voted.table.ids)} galaxies with votes"
    log.print(
        f"wrote {output}: {made.backbone}, {colours}, {made.dimension} numbers, {said_by}",
        soft_wrap=True,
    )


def _figures_table(figures: Sequence["VoteFigures"]) -> Table:
    """A line a question: how votes were foretold of galaxies that the head was not fitted on."""
    table = Table(
        "question",
        "galaxies",
        "error / constant's",
        "bias",
        "in 90 %",
        title="On galaxies left out, five folds",
    )
    for one in figures:
        ratio = f"{one.ratio.value:.2f} [{one.ratio.low:.2f}, {one.ratio.high:.2f}]"
        covered = f"{100 * one.coverage.value:.0f} %"
        table.add_row(one.question, str(one.galaxies), ratio, f"{one.bias.value:+.3f}", covered)
    return table
