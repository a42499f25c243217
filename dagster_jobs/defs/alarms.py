"""Who is told that a run failed: off until a way is set in the home's `galcat.toml` or the environment."""

from pathlib import Path

import dagster as dg

from catalog.errors import SettingsError
from catalog.settings import load_settings
from galcat.workflows.watch.alarms import load_alarm_settings, send_alarm


class AlarmResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Where alarms go; without a home, as that of the environment's settings says."""

    home: str = ""

    def send(self, subject: str, text: str, run_id: str = "") -> list[str] | None:
        """Send an alarm by every way that is set.

        Args:
            subject: What has happened, in one line.
            text: What has happened, and what to do.
            run_id: The run that it is about, for a link to Dagster's page.

        Returns:
            One line for each way that failed; None where no way is set.
        """
        try:
            settings = load_alarm_settings(Path(self.home) if self.home else load_settings().home)
        except SettingsError as error:
            return [str(error)]
        if not settings.ways:
            return None
        link = f"\n{settings.page.rstrip('/')}/runs/{run_id}" if settings.page and run_id else ""
        return send_alarm(settings, subject, text + link)


@dg.run_failure_sensor(
    name="failed_run",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def failed_run(context: dg.RunFailureSensorContext, alarms: AlarmResource) -> dg.SkipReason | None:
    """Tell the operator of a run that failed: its job, its partition and why, in as many lines."""
    run = context.dagster_run
    partition = run.tags.get("dagster/partition")
    of = f" of {partition}" if partition else ""
    problems = alarms.send(
        f"galcat: the job {run.job_name}{of} failed", describe_failure(context), run.run_id
    )
    if problems is None:
        return dg.SkipReason("no alarm is set: see docs/operators.md")
    for problem in problems:
        context.log.error(problem)
    return None


def describe_failure(context: dg.RunFailureSensorContext) -> str:
    """Say why a run failed: what its steps said, else what Dagster says of the run."""
    said = []
    for event in context.get_step_failure_events():
        data = event.step_failure_data
        if data.user_failure_data is not None and data.user_failure_data.description:
            said.append(data.user_failure_data.description)
        elif data.error is not None:
            cause = data.error.cause or data.error
            said.append(cause.message.strip().splitlines()[0])
    return "\n".join(said) or str(context.failure_event.message)
