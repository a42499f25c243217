import numpy as np
import pytest

from encoder.errors import TrainingError
from encoder.model.gz_tree import GZD5, load_tree

# The published order, written out: index, question, answers, asked after (Walmsley et al. 2022).
PUBLISHED = """
smooth-or-featured: smooth featured-or-disk artifact
disk-edge-on: yes no < smooth-or-featured_featured-or-disk
has-spiral-arms: yes no < disk-edge-on_no
bar: strong weak no < disk-edge-on_no
bulge-size: dominant large moderate small none < disk-edge-on_no
how-rounded: round in-between cigar-shaped < smooth-or-featured_smooth
edge-on-bulge: boxy none rounded < disk-edge-on_yes
spiral-winding: tight medium loose < has-spiral-arms_yes
spiral-arm-count: 1 2 3 4 more-than-4 cant-tell < has-spiral-arms_yes
merging: none minor-disturbance major-disturbance merger < smooth-or-featured_smooth \
smooth-or-featured_featured-or-disk
"""


def test_the_tree_has_the_published_questions_answers_and_dependencies_in_the_published_order() -> None:
    written = "\n".join(
        f"{q.name}: {' '.join(q.answers)}" + (f" < {' '.join(q.asked_after)}" if q.asked_after else "")
        for q in GZD5.questions
    )
    assert written == PUBLISHED.strip()
    assert GZD5.n_answers == 34


def test_the_slices_cover_every_answer_once() -> None:
    covered = [i for part in GZD5.slices for i in range(part.start, part.stop)]
    assert covered == list(range(34))
    assert GZD5.slices[8] == slice(24, 30)


def test_columns_are_the_labels_with_underscores() -> None:
    assert GZD5.columns[1] == "smooth_or_featured_featured_or_disk"
    assert GZD5.columns[28] == "spiral_arm_count_more_than_4"
    assert GZD5.question_columns[8] == "spiral_arm_count"
    assert len(set(GZD5.columns)) == 34


def test_fractions_are_each_alpha_over_its_questions_sum() -> None:
    alpha = _alphas(5)
    fractions = GZD5.fractions(alpha)
    for n in range(5):
        for question in GZD5.questions:
            own = alpha[n, question.slice].tolist()
            np.testing.assert_allclose(fractions[n, question.slice], [a / sum(own) for a in own], rtol=1e-6)
    assert fractions.dtype == np.float32


def test_concentrations_and_fractions_give_the_alphas_back() -> None:
    alpha = _alphas(7)
    sizes = [len(q.answers) for q in GZD5.questions]
    rebuilt = GZD5.fractions(alpha) * np.repeat(GZD5.concentrations(alpha), sizes, axis=1)
    np.testing.assert_allclose(rebuilt, alpha, rtol=1e-6)


def test_the_proportion_asked_is_the_share_of_simulated_volunteers_who_get_there() -> None:
    fractions = GZD5.fractions(_alphas(1))
    rng = np.random.default_rng(3)
    reached = np.zeros(10)
    volunteers = 20_000
    for _ in range(volunteers):
        given = set()
        for i, question in enumerate(GZD5.questions):
            if not question.asked_after or given & set(question.asked_after):
                reached[i] += 1
                p = fractions[0, question.slice].astype(float)
                given.add(question.labels[rng.choice(len(p), p=p / p.sum())])
    np.testing.assert_allclose(
        GZD5.proportion_asked(fractions)[0], reached / volunteers, atol=4 * np.sqrt(0.25 / volunteers)
    )


def test_an_unknown_answer_or_tree_is_an_error_of_one_line() -> None:
    with pytest.raises(TrainingError, match="gzd5 has no answer 'bar_maybe'"):
        GZD5.index("bar_maybe")
    with pytest.raises(TrainingError, match=r"no Galaxy Zoo tree is called 'gzd9'; known: .*\bgzd5\b"):
        load_tree("gzd9")


def _alphas(n: int) -> np.ndarray:
    return np.random.default_rng(n).uniform(1, 101, (n, 34)).astype(np.float32)
