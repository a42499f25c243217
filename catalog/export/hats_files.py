"""What HATS (Hierarchical Adaptive Tiling Scheme) keeps beside the rows: names, footers and properties."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from catalog.export.partitions import ORDER, SkyCell

HEALPIX = "_healpix_29"
"""Name of the column by which the rows of every file are sorted."""


def describe_catalogue(
    folder: Path, name: str, rows: Mapping[SkyCell, int], about: Mapping[str, object]
) -> None:
    """Write what HATS says of one catalogue beside its files.

    Args:
        folder: Folder of the collection.
        name: The catalogue, which is a folder in it.
        rows: Number of rows of each file.
        about: Properties that this catalogue has and not every one.
    """
    base = folder / name
    cells = sorted(rows)
    listed = "".join(f"{cell.order},{cell.pixel}\n" for cell in cells)
    (base / "partition_info.csv").write_text(f"Norder,Npix\n{listed}")
    _write_metadata(base / "dataset", [part_name(cell) for cell in cells])
    size = sum((base / "dataset" / part_name(cell)).stat().st_size for cell in cells)
    _write_properties(
        base / "hats.properties",
        {
            "obs_collection": name,
            **about,
            "hats_nrows": sum(rows.values()),
            "hats_col_ra": "ra",
            "hats_col_dec": "dec",
            "hats_col_healpix": HEALPIX,
            "hats_col_healpix_order": ORDER,
            "hats_npix_suffix": ".parquet",
            "hats_order": max(cell.order for cell in cells),
            "moc_sky_fraction": f"{math.fsum(1 / (12 * 4**cell.order) for cell in cells):.6g}",
            "hats_estsize": math.ceil(size / 1024),
            "hats_builder": "galcat",
            "hats_version": "v1.0",
        },
    )


def describe_collection(folder: Path, margin: str | None) -> None:
    """Write which catalogue of a collection is the main one, and which its margin, if it has one."""
    margins = {"all_margins": margin, "default_margin": margin} if margin else {}
    _write_properties(
        folder / "collection.properties",
        {"obs_collection": "galcat", "hats_primary_table_url": "galaxy", **margins},
    )


def part_name(cell: SkyCell) -> str:
    """The path of the file of a cell, below the folder of a catalogue's files."""
    return f"Norder={cell.order}/Dir={cell.pixel // 10_000 * 10_000}/Npix={cell.pixel}.parquet"


def _write_metadata(dataset: Path, parts: Sequence[str]) -> None:
    """The footers of all files, and their schema, as Parquet datasets have them."""
    footers = []
    for part in parts:
        footer = pq.read_metadata(dataset / part)
        footer.set_file_path(part)
        footers.append(footer)
    schema = pq.read_schema(dataset / parts[0])
    pq.write_metadata(schema, dataset / "_metadata", metadata_collector=footers)
    pq.write_metadata(schema, dataset / "_common_metadata")


def _write_properties(path: Path, values: Mapping[str, object]) -> None:
    path.write_text("#HATS catalog\n" + "".join(f"{key}={value}\n" for key, value in values.items()))
