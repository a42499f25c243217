"""Vote fractions calibrated to a survey: from votes and stored posteriors to the rows that readers see."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.calibration.stored import (
    QuestionCalibration,
    find_survey_id,
    read_network_alpha,
    store_calibration,
)
from catalog.calibration.vote_columns import QuestionVotes
from catalog.calibration.vote_file import GalaxyColumns, VoteFile, read_vote_file
from catalog.questions import QUESTIONS
from catalog.releases.releases import Release, current_release, find_release
from encoder.calibration.held_out import BeforeAfter, Judgement, compare, judge
from galcat.errors import WorkflowError


@dataclass(frozen=True)
class QuestionResult:
    """What came of one question.

    Attributes:
        question: The question as the catalogue's columns spell it.
        votes: Votes, (n, k), of the galaxies that have some.
        alpha: The network's Dirichlet parameters of them, (n, k).
        judgement: The calibration, and what votes held out say of it.
        before: Figures of the network's own fractions.
        after: Figures of calibrated ones, held out; None where nothing was fitted.
        mean_error: Standard error of each mean calibrated fraction from the fit, (k,); None likewise.
    """

    question: str
    votes: NDArray[np.float64]
    alpha: NDArray[np.float64]
    judgement: Judgement
    before: BeforeAfter
    after: BeforeAfter | None
    mean_error: NDArray[np.float64] | None


@dataclass(frozen=True)
class SurveyCalibration:
    """A calibration of a survey in a release.

    Attributes:
        release: The release whose vote fractions are calibrated.
        file: The votes, and which rows have no galaxy.
        n_galaxies: Galaxies with votes and a posterior in the release.
        results: What came of each question.
        applied: Galaxies whose fractions are calibrated now.
    """

    release: Release
    file: VoteFile
    n_galaxies: int
    results: list[QuestionResult]
    applied: int


def calibrate_survey(
    connection: psycopg.Connection, survey: str, votes: Path, columns: GalaxyColumns, release: str | None
) -> SurveyCalibration:
    """Fit each question that has votes, and store and apply those that gain on votes held out.

    Args:
        connection: Open connection of a login that may act as the owner.
        survey: Name of the survey.
        votes: Path of the table of votes.
        columns: How the galaxies of its rows are found.
        release: Name of the release; None for the current one.

    Raises:
        VotesError, CatalogError: The votes cannot be used, or there is no such survey or release.
        WorkflowError: No question gains anything: the catalogue is as it was.
    """
    survey_id = find_survey_id(connection, survey)
    chosen = find_release(connection, release) if release is not None else current_release(connection)
    if chosen is None:
        raise WorkflowError("the catalogue has no release yet: ingest a tile first")
    file = read_vote_file(connection, survey_id, votes, columns)
    known = read_network_alpha(connection, chosen.release_id, file.object_ids.tolist())
    rows = [i for i, identity in enumerate(file.object_ids.tolist()) if identity in known]
    if not rows:
        raise WorkflowError(f"none of the galaxies of {votes} has vote fractions in release {chosen.name}")
    rows.sort(key=lambda i: int(file.object_ids[i]))  # ids are hashes: folds say nothing of the file's order
    alpha = np.stack([known[int(file.object_ids[i])] for i in rows])
    results = [_judge_question(one, rows, alpha) for one in file.questions]
    used = [_to_store(result) for result in results if result.judgement.refused is None]
    if not used:
        reasons = "; ".join(f"{one.question}: {one.judgement.refused}" for one in results)
        n_lost = len(file.unmatched) + len(file.ambiguous)
        lost = f"; {n_lost} of its {file.n_rows} rows have no galaxy of {survey}" if n_lost else ""
        raise WorkflowError(f"nothing of {votes} calibrates {survey}, which is as it was: {reasons}{lost}")
    applied = store_calibration(connection, chosen.release_id, survey_id, used, votes.name)
    return SurveyCalibration(chosen, file, len(rows), results, applied)


def _judge_question(one: QuestionVotes, rows: Sequence[int], alpha: NDArray[np.float64]) -> QuestionResult:
    names = list(QUESTIONS)
    sizes = [len(answers) for answers in QUESTIONS.values()]
    at = names.index(one.question)
    start = sum(sizes[:at])
    counts = one.counts[list(rows)]
    voted = counts.sum(axis=1) > 0
    of_question, votes = alpha[voted, start : start + sizes[at]], counts[voted]
    judgement = judge(of_question, votes)
    if not len(votes):
        nothing = BeforeAfter(float("nan"), float("nan"), np.full(sizes[at], np.nan))
        return QuestionResult(one.question, votes, of_question, judgement, nothing, None, None)
    before, after, error = compare(of_question, votes, judgement)
    return QuestionResult(one.question, votes, of_question, judgement, before, after, error)


def _to_store(result: QuestionResult) -> QuestionCalibration:
    judgement, after = result.judgement, result.after
    if judgement.calibration is None or judgement.covariance is None or after is None:
        raise ValueError(f"{result.question} was refused")
    report: dict[str, object] = {
        "galaxies": judgement.galaxies,
        "votes": judgement.votes,
        "form": judgement.form,
        "gain": judgement.gain,
        "gain_error": judgement.gain_error,
        "error": [_or_none(result.before.error), _or_none(after.error)],
        "coverage_90": [_or_none(result.before.coverage), _or_none(after.coverage)],
        "mean_fractions": [result.before.mean.tolist(), after.mean.tolist()],
        "mean_error": [] if result.mean_error is None else result.mean_error.tolist(),
        "covariance": judgement.covariance.tolist(),
    }
    calibration = judgement.calibration
    return QuestionCalibration(result.question, calibration.temperature, calibration.shifts.tolist(), report)


def _or_none(number: float) -> float | None:
    return number if isfinite(number) else None
