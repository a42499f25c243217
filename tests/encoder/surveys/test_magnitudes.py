import numpy as np
import pytest

from encoder.surveys.magnitudes import to_magnitude, to_nanomaggies


def test_a_hundredfold_flux_is_five_magnitudes_brighter_in_a_number_and_in_an_array() -> None:
    assert to_magnitude(1.0) == 22.5
    assert to_magnitude(100.0) == pytest.approx(17.5)
    assert to_magnitude(1.0, zero_point=25) == 25
    flux = np.array([[1.0, 100.0, 0.01]])
    np.testing.assert_allclose(to_magnitude(flux, zero_point=25), [[25, 20, 30]])
    np.testing.assert_allclose(to_nanomaggies(to_magnitude(flux)), flux)


def test_a_flux_in_an_array_that_is_not_above_0_has_no_magnitude() -> None:
    np.testing.assert_array_equal(to_magnitude(np.array([0.0, -3.0, np.nan, 1.0])), [np.nan] * 3 + [22.5])
