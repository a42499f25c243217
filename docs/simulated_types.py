"""Draw docs/simulated_contact_sheet.png: simulated galaxies of each type, as volunteers would see them."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from encoder.cutouts.stretch import to_rgb
from encoder.simulation.cutouts import SimulatedCutouts, draw_cutouts

FILE = Path(__file__).with_name("simulated_contact_sheet.png")
GALAXIES, SEED, SIZE, COLUMNS = 1200, 3, 200, 8
SHARE = 0.55  # of the field is shown
WELL_SEEN_ARCSEC = 4.0


def main() -> None:
    """Draw the sheet."""
    drawn = draw_cutouts(GALAXIES, SEED, SIZE)
    rgb = to_rgb(torch.from_numpy(drawn.flux).flip(1).flip(2)).permute(0, 2, 3, 1).numpy()
    margin = round(SIZE * (1 - SHARE) / 2)
    types = _types(drawn)
    figure = Figure((COLUMNS * 1.25 + 1.1, len(types) * 1.25), layout="constrained")
    rows = figure.subplots(len(types), COLUMNS)
    for axes, (name, chosen) in zip(rows, types.items(), strict=True):
        for panel in axes:
            panel.set_xticks([])
            panel.set_yticks([])
        for panel, i in zip(axes, np.flatnonzero(chosen), strict=False):
            panel.imshow(rgb[i, margin:-margin, margin:-margin])
        axes[0].set_ylabel(name, fontsize=9)
    file = io.BytesIO()
    figure.savefig(file, dpi=90)
    Image.open(file).convert("RGB").quantize(256).save(FILE, optimize=True)  # a fifth of the bytes


def _types(drawn: SimulatedCutouts) -> Mapping[str, NDArray[np.bool_]]:
    truth = drawn.truth
    seen = truth["shape_r_arcsec"] > WELL_SEEN_ARCSEC
    quiet = seen & (truth["disturbance"] == "none") & (truth["artefact"] == "none")
    spiral = quiet & (truth["kind"] == "spiral")
    ringed, barred = truth["ring"] != "none", truth["bar_strength"] > 0.5  # noqa: PLR2004 - half is strong
    return {
        "elliptical": quiet & (truth["kind"] == "elliptical"),
        "disk": quiet & (truth["kind"] == "disk") & ~ringed & ~barred,
        "spiral": spiral & ~ringed & ~barred,
        "barred": spiral & barred & ~ringed,
        "ringed": quiet & ringed,
        "edge-on": quiet & (truth["kind"] == "edge-on"),
        "irregular": quiet & (truth["kind"] == "irregular"),
        "merger": seen & (truth["disturbance"] == "merger"),
        "artefact": truth["artefact"] != "none",
    }


if __name__ == "__main__":
    main()
