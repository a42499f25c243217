"""How the values of columns are spread in a selection, for the sliders that narrow it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from starlette.requests import Request

from catalog.tap.service import Service
from catalog.web.answers import ask
from catalog.web.query_texts import wall_columns, write_adql
from catalog.web.selection import FEW, Selection

_SAMPLE, _SAMPLE_BY_LIKENESS = 4_000, 500
_HISTOGRAM_S = 4.0
_BINS = 24


async def count_histograms(
    service: Service, request: Request, selection: Selection, facets: Sequence[str]
) -> dict[str, object]:
    """How the values of each facet are spread in the selection, by a sample where it is large.

    Without likeness the sample is random, for object_ids are hashes: the first rows of the table would be
    those of one corner of the sky.
    """
    top = _SAMPLE_BY_LIKENESS if selection.is_by_likeness else _SAMPLE
    ordered = selection.is_by_likeness
    names = tuple(dict.fromkeys(("object_id", *wall_columns(selection), *facets)))
    sampled = replace(selection, n=top, order="" if ordered else "object_id")
    adql = write_adql(sampled, columns=names, top=top)
    answer = await ask(service, request, adql, top, _HISTOGRAM_S)
    is_all = len(answer.rows) < top and not ordered
    made = {name: _histogram(name, [row[name] for row in answer.rows]) for name in facets}
    return {
        "rows": len(answer.rows),
        "all": is_all,
        "columns": {name: one for name, one in made.items() if one is not None},
        "few": FEW,
    }


def _histogram(name: str, values: Sequence[object]) -> dict[str, object] | None:
    numbers = np.array([value for value in values if isinstance(value, int | float)], float)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return None
    share = name.endswith(("_fraction", "_probability", "_proportion_asked", "_score"))
    low, high = (0.0, 1.0) if share else (float(numbers.min()), float(numbers.max()))
    if high <= low:
        high = low + 1
    counts, _ = np.histogram(numbers, _BINS, (low, high))
    return {"low": low, "high": high, "counts": counts.tolist()}
