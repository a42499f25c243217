"""The domain reference of a release is made of its real sources alone."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from encoder.anomalies.domain import fit_domain
from encoder.model.projection import fit_projection
from encoder.training.release import _fit_real_domain


def test_simulated_galaxies_are_no_part_of_the_domain() -> None:
    rng = np.random.default_rng(2)
    real, drawn, votes = (rng.normal(at, 1, (120, 50)).astype(np.float32) for at in (0.0, 9.0, 0.5))
    projection = fit_projection(np.concatenate([real, drawn, votes]))
    sources: Any = [SimpleNamespace(kind=kind) for kind in ("efigi", "simulated", "votes")]
    domain = _fit_real_domain(projection, sources, [real, drawn, votes])
    expected = fit_domain(projection.apply(np.concatenate([real, votes])))
    assert domain is not None
    assert expected is not None
    np.testing.assert_array_equal(domain.points, expected.points)
    assert domain.limit == expected.limit
    assert (domain.distance(projection.apply(drawn)) > 1).all()
    assert _fit_real_domain(projection, sources[1:2], [drawn]) is None
