"""What is to be said of a task's newest model: enough labels, calibrated, no jump, no step back."""

from dataclasses import dataclass

from catalog.tasks.model_versions import Version

MIN_OF_A_CLASS = 5
MIN_SHARE = 0.05
MAX_ECE = 0.15
MAX_DRIFT = 0.2


@dataclass(frozen=True)
class TaskCheck:
    """A check of a model.

    Attributes:
        passed: Whether it is as it should be.
        blocks: Whether the model was kept from being shown; else it is a warning.
        said: What was found, in a line.
    """

    passed: bool
    blocks: bool
    said: str


CHECKS = {
    "enough_labels": f"Every class has {MIN_OF_A_CLASS} galaxies or more: else nothing can be measured",
    "class_balance": f"The rarest class has {MIN_SHARE:.0%} of the labelled galaxies or more",
    "calibration": f"Expected calibration error on labels held out is {MAX_ECE} or less",
    "score_drift": f"Probabilities moved by {MAX_DRIFT} on average or less since the version before",
    "no_step_back": "The model recognises labels held out as well as the one shown before",
}


def check_version(version: Version) -> dict[str, TaskCheck]:
    """Judge a model by its report.

    Args:
        version: The newest model of a task; of a task with ratings nothing is measured, and every check
            passes.
    """
    report = version.report
    if version.method == "interest":
        return dict.fromkeys(CHECKS, _warning("it has ratings, of which nothing is held out", passed=True))
    match report.get("per_class"):
        case [*counts] if counts:
            galaxies = [float(str(count)) for count in counts]
            fewest, share = min(galaxies), min(galaxies) / sum(galaxies)
        case _:
            raise ValueError(f"version {version.version_id} says nothing of its classes")
    return {
        "enough_labels": _warning(f"the rarest has {fewest:g}", passed=fewest >= MIN_OF_A_CLASS),
        "class_balance": _warning(f"the rarest has {share:.1%}", passed=share >= MIN_SHARE),
        "calibration": _at_most(report.get("ece"), MAX_ECE, "too few labels to measure it"),
        "score_drift": _at_most(report.get("drift"), MAX_DRIFT, "it is the first version"),
        "no_step_back": TaskCheck(
            version.refused is None, blocks=True, said=version.refused or "nothing speaks against it"
        ),
    }


def _warning(said: str, *, passed: bool) -> TaskCheck:
    return TaskCheck(passed, blocks=False, said=said)


def _at_most(value: object, maximum: float, missing: str) -> TaskCheck:
    if not isinstance(value, float):
        return _warning(missing, passed=True)
    return _warning(f"{value:.3f}", passed=value <= maximum)
