"""A report as text of 80 columns, for a mail or a terminal."""

from textwrap import fill

from catalog.counts import count_of
from galcat.workflows.report.gather import CatalogueReport

_WIDTH = 80
_FIRST_FAILED = 10


def write_text(report: CatalogueReport) -> str:
    """Write a report; lines have 80 characters at most, but for words that are longer."""
    lines = [
        f"galcat, {report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC",
        "",
        f"{count_of(report.new_galaxies, 'galaxy')} of "
        f"{count_of(sum(s.tiles for s in report.surveys), 'tile')} came, "
        f"{count_of(report.n_failed, 'tile')} failed.",
        f"Release {report.release} has {count_of(report.galaxies, 'galaxy')} of "
        f"{count_of(report.tiles, 'tile')}.",
    ]
    if report.care:
        lines += ["", "Needs care"]
        for finding in report.care:
            lines += [_item(f"{finding.name}: {finding.text}"), _item(f"to do: {finding.remedy}", "      ")]
    if report.surveys:
        lines += [
            "",
            f"{'Survey':<30}{'tiles':>8}{'failed':>8}{'galaxies':>12}{'skipped':>10}{'unreadable':>12}",
        ]
        lines += [
            f"{s.survey:<30}{s.tiles:>8,}{s.failed:>8,}{s.galaxies:>12,}{s.skipped:>10,}{s.unreadable:>12,}"
            for s in report.surveys
        ]
    if report.failed:
        lines += ["", "Tiles that failed"]
        lines += [
            _item(f"{tile.survey}, {tile.name}: {tile.error}") for tile in report.failed[:_FIRST_FAILED]
        ]
        if report.n_failed > _FIRST_FAILED:
            lines.append(f"  - and {report.n_failed - _FIRST_FAILED:,} more")
    if report.labels:
        lines += ["", "Labels"]
        lines += [
            _item(f"{task}: {count_of(n, 'label')} by {count_of(people, 'person')}")
            for task, n, people in report.labels
        ]
    return "\n".join(lines) + "\n"


def _item(text: str, indent: str = "  - ") -> str:
    return fill(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=" " * len(indent),
        break_long_words=False,
        break_on_hyphens=False,
    )
