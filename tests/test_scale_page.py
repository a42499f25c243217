"""The table of docs/scale.md is what its script computes, from bytes and rates that other pages give."""

import re
from pathlib import Path

from benchmarks import scale

DOCS = Path(__file__).resolve().parents[1] / "docs"


def test_the_page_has_the_table_that_the_script_computes() -> None:
    assert scale.shown() == scale.table()


def test_the_bytes_are_those_of_the_operators_guide() -> None:
    guide = (DOCS / "operators.md").read_text(encoding="utf-8")
    row = r"^\| ([a-z ,]+?)(?: \(.*\))?(?:, with their key|, and their indexes)? \| ([\d,]+) \|"
    rows = re.findall(row, guide, re.MULTILINE)
    measured = {name: int(number.replace(",", "")) for name, number in rows}
    assert {name: measured.get(name) for name in scale.BYTES} == scale.BYTES
    for rate in (scale.BARE_ROWS, scale.INDEXED_ROWS):
        assert f"{rate:,}" in guide
    search = (DOCS / "search.md").read_text(encoding="utf-8")
    assert f"{scale.MEMORY_BYTES} MB" in search
    assert f"{scale.INDEX_S} s to build" in search
    assert f"grew {scale.INDEX_GROWTH} times" in search


def test_the_figures_of_the_text_are_those_of_the_script() -> None:
    page = (DOCS / "scale.md").read_text(encoding="utf-8")
    hundred_million, billion = scale.SIZES
    for said in (
        f"{scale.CORE_S:.3f} s of one core a galaxy",
        f"of all 8 views is {scale.FORWARD_S:.3f}",
        f"A galaxy is {scale.GFLOP:.1f} GFLOP",
        f"{round(scale.GPU_GFLOPS / scale.GFLOP, -1):,.0f} galaxies a second",
        f"draw {scale.gpu_rate():.0f} a second",
        f"{scale.TILE_BYTES / 1e3:.0f} kB of compressed tile",
        f"{scale.TILE_BYTES * hundred_million * 8 / 1e10 / 3600:.1f} hours for a hundred million",
        f"and {scale.TILE_BYTES * billion * 8 / 1e10 / 3600:.0f} for a billion",
        f"more than {scale.INDEXED_ROWS * 3600 / 1e6:.1f} million galaxies",
        f"leave {scale.core_bytes(billion) / 1e12:.1f} TB",
        f"{hundred_million * scale.CORE_S / 3600 / 24 / 10 / 7:.0f} weeks on 10 cores",
    ):
        assert said in page, said
    assert 1 / 25 < scale.collisions(billion) < 1 / 15  # one chance in twenty
