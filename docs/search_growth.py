"""Draw docs/search_growth.png from docs/search_growth.json, which benchmarks/search.py writes."""

import json
from pathlib import Path

from matplotlib.figure import Figure

FOLDER = Path(__file__).resolve().parent
LINES = {
    "all sorted": "exact_p50_ms",
    "0.1 % by a vote": "0.1 % by a vote_p50_ms",
    "1 deg and a vote cut": "cone of 1 deg and a vote cut_p50_ms",
    "Catalogue.search, 10": "search_10_p50_ms",
    "plain SQL, 10 (ef 100)": "plain_10_100_p50_ms",
    "index alone, 10 (ef 40)": "bare_40_p50_ms",
}


def main() -> None:
    """Times on the left, build time and bytes on the right."""
    rows = {
        int(n): row
        for n, row in json.loads((FOLDER / "search_growth.json").read_text(encoding="utf-8")).items()
    }
    sizes = sorted(rows)
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    times, costs = figure.subplots(1, 2)
    for name, key in LINES.items():
        times.plot(sizes, [rows[n][key] for n in sizes], marker="o", label=name)
    times.set(xscale="log", yscale="log", xlabel="galaxies", ylabel="ms, median", title="A search")
    times.legend(frameon=False, fontsize=8)
    costs.plot(sizes, [rows[n]["build_s"] for n in sizes], marker="o", label="indexes built [s]")
    costs.plot(sizes, [rows[n]["insert_rate"] for n in sizes], marker="o", label="vectors inserted [1/s]")
    costs.plot(
        sizes, [rows[n]["index_bytes"] for n in sizes], marker="o", label="vector index [bytes a galaxy]"
    )
    costs.set(xscale="log", yscale="log", xlabel="galaxies", title="The index")
    costs.legend(frameon=False, fontsize=8)
    for axes in (times, costs):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    figure.savefig(FOLDER / "search_growth.png", dpi=110)


if __name__ == "__main__":
    main()
