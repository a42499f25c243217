"""The names of the checks that only a look at the whole catalogue makes, and what is kept of a night's."""

from collections.abc import Sequence

from catalog.checks.integrity import CheckResult

NIGHT_CHECKS = {
    "indexes": "every index is there and valid",
    "sky_counts": "the counts of the sky, by which a search is planned, are of today",
    "index_recall": "the vector index finds what is near",
    "fresh": "no tile has lain in the drop folder for more than a night without being tried",
}


def describe_night(results: Sequence[CheckResult]) -> dict[str, object]:
    """How many checks there were, and the names of those that did not pass."""
    return {"checks": len(results), "broken": [result.name for result in results if not result.passed]}
