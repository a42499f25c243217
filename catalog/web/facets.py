"""What narrows and sorts a selection on the wall: ranges of columns, orders, and chips that take one back."""

from collections.abc import Sequence

from catalog.adql.published import PublishedColumn
from catalog.web.column_texts import TREE, FacetGroup, call
from catalog.web.selection import Selection

_MAIN_VOTES = (
    "smooth_or_featured_smooth_fraction",
    "disk_edge_on_yes_fraction",
    "has_spiral_arms_yes_fraction",
    "bar_strong_fraction",
    "merging_merger_fraction",
)


def list_facets(columns: Sequence[PublishedColumn], selection: Selection) -> list[FacetGroup]:
    """The columns whose ranges can be chosen; those of a range that is set already are seen at once."""
    names = [one.meta.name for one in columns if not one.meta.is_text and not one.meta.is_array]
    tasks = tuple(name for name in names if name.endswith(("_probability", "_interest")))
    magnitudes = tuple(name for name in names if name.startswith("mag_"))
    groups = [
        FacetGroup("Brightness", ("mag_r",), is_open=True),
        FacetGroup("Votes", tuple(name for name in _MAIN_VOTES if name in names), is_open=True),
        FacetGroup("Strangeness", ("anomaly_score",), is_open=True),
        FacetGroup("Learnt from labels", tasks, is_open=True),
        FacetGroup("Colours and sizes", (*(m for m in magnitudes if m != "mag_r"), "petro_th50", "shape_r")),
    ]
    for question in TREE:
        rest = tuple(name for name in question.columns if name not in _MAIN_VOTES)
        asked = f"{question.key}_proportion_asked"
        groups.append(
            FacetGroup(question.title, (*rest, asked) if asked in names else rest, note=question.text)
        )
    known = {name for group in groups for name in group.columns}
    others = tuple(one.column for one in selection.ranges if one.column not in known)
    groups.append(FacetGroup("Others", others, is_open=True))
    return [group for group in groups if group.columns]


def list_orders(columns: Sequence[PublishedColumn]) -> list[tuple[str, str]]:
    """Ways to sort the wall: the value of `order` and its words."""
    ways = [
        ("mag_r", "brightest first"),
        ("-anomaly_score", "strangest first"),
        ("-has_spiral_arms_yes_fraction", "spiral arms first"),
        ("-disk_edge_on_yes_fraction", "edge-on first"),
        ("-merging_merger_fraction", "mergers first"),
        ("-petro_th50", "largest first"),
    ]
    names = {one.meta.name for one in columns}
    tasks = [name for name in names if name.endswith(("_probability", "_interest"))]
    ways += [(f"-{name}", f"{call(name)} first") for name in sorted(tasks)]
    return [(value, words) for value, words in ways if value.removeprefix("-") in names]


def list_chips(selection: Selection) -> list[tuple[str, str]]:
    """What narrows the selection, each with the address without it."""
    chips = []
    if place := selection.place:
        words = f"within {place.radius_deg * 60:.4g}\u2032 of {place.ra_deg:.5f} {place.dec_deg:+.5f}"
        chips.append((words, selection.query(place=None)))
    if selection.where:
        chips.append((selection.where, selection.query(where="")))
    for one in selection.ranges:
        low, high = one.lowest, one.highest
        words = (
            f"\u2265 {low:g}"
            if high is None
            else f"\u2264 {high:g}"
            if low is None
            else f"{low:g} to {high:g}"
        )
        chips.append((f"{call(one.column)} {words}", selection.without_range(one.column)))
    if selection.ids:
        words = (
            f"of {selection.matched.name}" if selection.matched else f"{len(selection.ids)} named galaxies"
        )
        chips.append((words, selection.query(ids=(), matched=None)))
    if selection.lasso:
        chips.append(("drawn on the map", selection.query(lasso=())))
    if selection.vector:
        chips.append(("like your picture", selection.query(vector=())))
    return chips
