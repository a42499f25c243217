"""The row of a survey: registered before its first tile, kept up to date with its description."""

import psycopg
from sqlalchemy import select

from catalog.database.statements import returned_number, run, upsert
from catalog.ingestion.records import SurveyRecord
from catalog.schema import survey as survey_table


def register_survey(connection: psycopg.Connection, survey: SurveyRecord) -> int:
    """Store a survey, or its newer description.

    Returns:
        Its survey_id.
    """
    wanted = {
        "description": survey.description,
        "bands": list(survey.bands),
        "definition": survey.definition,
    }
    there = select(*(survey_table.c[name] for name in ("survey_id", *wanted))).where(
        survey_table.c.name == survey.name
    )
    row = run(connection, there).fetchone()
    if row is not None and list(row[1:]) == list(wanted.values()):
        return int(row[0])
    statement = upsert(survey_table, {"name": survey.name}, wanted)
    return returned_number(run(connection, statement.returning(survey_table.c.survey_id)))
