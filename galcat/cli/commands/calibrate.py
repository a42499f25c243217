"""The command that calibrates vote fractions to a survey by volunteers' votes, lists and undoes it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalog.constants import NEAR_ARCSEC
from catalog.questions import QUESTIONS
from catalog.result import Result
from galcat.cli.console import log, name_rows
from galcat.cli.open_catalogue import open_as_reader, open_to_write
from galcat.cli.options import DecColumn, OneALine, RaColumn, Wide
from galcat.cli.tables import Layout, show

if TYPE_CHECKING:
    from catalog.calibration.stored import StoredCalibration
    from galcat.workflows.calibrate import QuestionResult, SurveyCalibration

app = typer.Typer()

COLUMNS = ("question", "galaxies", "votes", "gain", "±", "error", "then", "coverage", "after", "used")
FIRST_COLUMNS = ("question", "galaxies", "gain", "±", "error", "then", "coverage", "after", "used")
LIST_COLUMNS = (
    "release",
    "survey",
    "question",
    "galaxies",
    "temperature",
    "gain",
    "error",
    "then",
    "coverage",
    "after",
    "votes_file",
    "made",
)
LEGEND = (
    "All on votes held out, in five folds. gain: of the log score, in nats a galaxy, with its standard "
    "error. error: mean absolute error of the fractions where 5 or more have voted, then: calibrated. "
    "coverage: share of the votes in the 90 % intervals, after: calibrated."
)


@app.command()
def calibrate(
    survey: Annotated[
        str | None, typer.Argument(metavar="SURVEY", help="Survey whose fractions are calibrated.")
    ] = None,
    votes: Annotated[
        Path | None,
        typer.Argument(
            metavar="VOTES", help="Table of votes: QUESTION_ANSWER in every column, as published."
        ),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Give the network's own fractions back.")] = False,
    list_all: Annotated[bool, typer.Option("--list", help="List what is calibrated.")] = False,
    source_id: Annotated[str | None, typer.Option("--id", help="Column with the survey's own ids.")] = None,
    ra: RaColumn = None,
    dec: DecColumn = None,
    radius_arcsec: Annotated[
        float, typer.Option(help="How near a galaxy must be to a position.")
    ] = NEAR_ARCSEC,
    release: Annotated[str | None, typer.Option(help="Release; without it, the current one.")] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Reliability before and after, on votes held out: PNG to draw.")
    ] = None,
    wide: Wide = False,
    one_a_line: OneALine = False,
) -> None:
    """Calibrate a survey's vote fractions by a few hundred votes of volunteers; no vector changes.

    Votes are counts in columns such as smooth-or-featured_smooth, or fractions with the voters in
    smooth-or-featured_total-votes. Galaxies are found by object_id, survey_source_id or --id, or by position.
    A question with votes of fewer than 40 galaxies, or without a gain on votes held out, stays as it is.

    For example:

    * `galcat calibrate legacy_dr10 votes.csv --plot reliability.png`
    * `galcat calibrate legacy_dr10 --undo`
    * `galcat calibrate --list`
    """
    if list_all:
        _list(survey, Layout(wide, one_a_line, LIST_COLUMNS[1:10]))
    elif survey is None or (votes is None) != undo:
        raise typer.BadParameter("give SURVEY and VOTES, SURVEY --undo, or --list")
    elif undo:
        _undo(survey, release)
    elif votes is not None:
        from catalog.calibration.vote_file import GalaxyColumns  # noqa: PLC0415 - it imports SQLAlchemy
        from galcat.workflows.calibrate import calibrate_survey  # noqa: PLC0415 - scipy takes a second

        columns = GalaxyColumns(source_id, ra, dec, radius_arcsec)
        with open_to_write() as connection:
            done = calibrate_survey(connection, survey, votes, columns, release)
        _report(done, survey, plot, Layout(wide, one_a_line, FIRST_COLUMNS))
        raise typer.Exit(1 if done.file.unmatched or done.file.ambiguous else 0)


def _list(survey: str | None, layout: Layout) -> None:
    from catalog.calibration.stored import list_calibrations  # noqa: PLC0415 - it imports SQLAlchemy

    with open_as_reader(may_be_empty=True) as connection:
        found = list_calibrations(connection, survey)
    show(Result(LIST_COLUMNS, [_list_row(one) for one in found]), layout=layout)


def _list_row(one: "StoredCalibration") -> tuple[object, ...]:
    report = one.report
    pairs = [
        value if isinstance(value := report.get(name), list) else [None, None]
        for name in ("error", "coverage_90")
    ]
    return (
        one.release,
        one.survey,
        one.question,
        report.get("galaxies"),
        one.temperature,
        report.get("gain"),
        *pairs[0],
        *pairs[1],
        one.votes_file,
        f"{one.made_at:%Y-%m-%d %H:%M}",
    )


def _undo(survey: str, release: str | None) -> None:
    from catalog.calibration.stored import find_survey_id, undo_calibration  # noqa: PLC0415 - as above
    from catalog.releases.releases import current_release, find_release  # noqa: PLC0415

    with open_to_write() as connection:
        number = find_survey_id(connection, survey)
        of = find_release(connection, release) if release is not None else current_release(connection)
        gone = undo_calibration(connection, of.release_id, number) if of is not None else 0
    name = "no release" if of is None else f"release {of.name}"
    said = f"{gone} questions have the network's own fractions again" if gone else "nothing was calibrated"
    log.print(f"{survey}, {name}: {said}", soft_wrap=True)


def _report(done: "SurveyCalibration", survey: str, plot: Path | None, layout: Layout) -> None:
    show(Result(COLUMNS, [_row(one) for one in done.results]), layout=layout)
    log.print(LEGEND, style="dim")
    for one in done.results:
        if one.judgement.refused is not None:
            log.print(f"{one.question} stays as it is: {one.judgement.refused}", soft_wrap=True)
    for line in done.file.partial:
        log.print(f"{line}: left out", soft_wrap=True)
    used = [one for one in done.results if one.judgement.refused is None]
    for one in used:
        log.print(_means(one), soft_wrap=True)
    log.print(
        f"{len(used)} questions of {survey} are calibrated in release {done.release.name} by "
        f"{done.n_galaxies} galaxies with votes; {done.applied} galaxies have new fractions; back by galcat "
        f"calibrate {survey} --undo",
        soft_wrap=True,
    )
    name_rows(done.file.unmatched, f"no galaxy of {survey}")
    name_rows(done.file.ambiguous, "several galaxies, none was taken")
    if plot is not None:
        _draw(done, survey, plot)
        log.print(f"wrote {plot}", soft_wrap=True)


def _means(one: "QuestionResult") -> str:
    """Mean fractions of the galaxies with votes, before and after, with the error that comes from the fit."""
    if one.after is None or one.mean_error is None:
        return one.question
    means = zip(QUESTIONS[one.question], one.before.mean, one.after.mean, one.mean_error, strict=True)
    told = [f"{answer} {was:.2f} -> {now:.2f} ± {error:.2f}" for answer, was, now, error in means]
    return f"{one.question}, mean fractions: {', '.join(told)}"


def _row(one: "QuestionResult") -> tuple[object, ...]:
    after = one.after
    return (
        one.question,
        one.judgement.galaxies,
        round(one.judgement.votes),
        *map(_round, (one.judgement.gain, one.judgement.gain_error, one.before.error)),
        None if after is None else _round(after.error),
        _round(one.before.coverage),
        None if after is None else _round(after.coverage),
        "yes" if one.judgement.refused is None else "-",
    )


def _round(number: float) -> float | None:
    return round(number, 3) if number == number else None  # noqa: PLR0124 - NaN differs


def _draw(done: "SurveyCalibration", survey: str, file: Path) -> None:
    from encoder.evaluation.report.calibration_plots import (  # noqa: PLC0415 - matplotlib, only for a plot
        Reliability,
        plot_calibration,
    )

    drawn = [
        Reliability(
            f"{one.question}: {one.judgement.galaxies} galaxies"
            + ("" if one.judgement.refused is None else "\n(stays as it is)"),
            one.votes,
            one.alpha,
            one.judgement.held_out,
        )
        for one in done.results
        if len(one.votes)
    ]
    plot_calibration(drawn, f"{survey}, release {done.release.name}", file)
