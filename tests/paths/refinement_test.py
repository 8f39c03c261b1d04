"""Tests of `refinement.py`: paths whose integrals are known in closed form."""

from collections.abc import Callable

import numpy as np
import pytest

from deepexplain_tf.paths.refinement import Integral, Samples, integrate

_LONG = pytest.mark.long

# The gradient (times x − x₀) and the target at α [rows]: [rows, features] and [rows].
Curve = tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]


class Paths:
    """Examples with a curve each; remembers what was asked for."""

    def __init__(self, *curves: Curve):
        self.curves = curves
        self.asked: list[tuple[np.ndarray, np.ndarray]] = []

    def __call__(self, rows: np.ndarray, alphas: np.ndarray) -> Samples:
        self.asked.append((rows, alphas))
        known = [
            [part(np.array([alpha])) for part in self.curves[row]] for row, alpha in zip(rows, alphas, strict=True)
        ]
        return Samples(np.concatenate([f for _, f in known]), [np.concatenate([g for g, _ in known])])

    def integrate(self, tolerance: float | None = 0.05, **options: object) -> Integral:
        result = integrate(self, len(self.curves), tolerance=tolerance, **options)  # type: ignore[arg-type]
        rows, alphas = (np.concatenate(parts) for parts in zip(*self.asked, strict=True))
        np.testing.assert_array_equal(result.n_steps, np.bincount(rows))
        assert len({*zip(rows, alphas, strict=True)}) == len(rows)  # nothing is evaluated twice
        assert alphas.min() == 0 and alphas.max() == 1
        return result


def powers(degree: int) -> Curve:
    """Features (k + 1)·α^k, each with the integral 1."""
    k = np.arange(degree + 1)
    return lambda a: (k + 1) * a[:, None] ** k, lambda a: (a[:, None] ** (k + 1)).sum(1)


def rough(seed: int = 0, jumps: int = 2000, features: int = 200) -> tuple[Curve, np.ndarray]:
    """A random walk in many dimensions, as of a deep ReLU network; most of its steps are around 0.3."""
    random = np.random.default_rng(seed)
    places = np.where(random.uniform(size=jumps) < 0.8, random.normal(0.3, 0.05, jumps), random.uniform(size=jumps))
    steps = random.normal(size=(jumps, features))
    steps -= (1 - places) @ steps / (1 - places).sum() * 0.9  # the walk's mean, which would hide its errors
    slopes = steps.sum(1)
    curve = (
        lambda a: (a[:, None] > places) @ steps,
        lambda a: np.maximum(a[:, None] - places, 0) @ slopes,
    )
    return curve, (1 - places) @ steps


def spike(width: float) -> tuple[Curve, np.ndarray]:
    """As a path that starts at a LayerNorm's singular point: all but `width` of the change is at α ~ width."""
    weights = np.array([1.0, 2.0, -0.5])
    turning = np.array([0.0, 0.5, 1.0])  # of each feature's share along the way
    curve = (
        lambda a: weights * width / (a[:, None] + width) ** 2 + turning * np.cos(a[:, None]),
        lambda a: weights.sum() * a / (a + width) + turning.sum() * np.sin(a),
    )
    return curve, weights / (1 + width) + turning * np.sin(1)


def error(result: Integral, exact: np.ndarray, row: int = 0) -> float:
    return float(np.linalg.norm(result.attributions[0][row] - exact) / np.linalg.norm(exact))


def gap(result: Integral) -> np.ndarray:
    return result.attributions[0].sum(1) - (result.outputs - result.baseline_outputs)


def test_polynomials_up_to_the_degree_of_the_first_nodes_are_exact():
    result = Paths(powers(7)).integrate(1e-4, max_steps=33)
    np.testing.assert_allclose(result.attributions[0], np.ones((1, 8)), rtol=1e-13)
    assert result.n_steps <= 17 and result.outputs == 8 and result.baseline_outputs == 0


@pytest.mark.parametrize("tolerance", [1e-9, 1e-11, 1e-13])
@pytest.mark.parametrize("seed", range(3))
def test_smooth_paths_end_at_once_even_at_a_fine_tolerance(seed, tolerance):
    """Where the change of a sum is far below the sum, inner products alone would leave rounding, 1e-8 of it."""
    rates = np.random.default_rng(seed).uniform(-2, 2, 11)
    curve = (
        lambda a: rates / np.cosh(rates * (a[:, None] - 0.3)) ** 2,
        lambda a: np.tanh(rates * (a[:, None] - 0.3)).sum(1),
    )
    result = Paths(curve).integrate(tolerance)
    assert error(result, np.tanh(rates * 0.7) + np.tanh(rates * 0.3)) < max(tolerance, 1e-14)
    assert result.n_steps <= (33 if tolerance == 1e-9 else 65) and result.estimated_error <= tolerance


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("tolerance", [0.05, 0.02])
def test_rough_paths_are_within_the_tolerance_and_the_estimate_is_near(seed, tolerance):
    curve, exact = rough(seed)
    paths = Paths(curve)
    result = paths.integrate(tolerance)
    true = error(result, exact)
    assert true <= tolerance and result.estimated_error <= tolerance
    assert 0.9 < result.estimated_error / true < 1.5
    np.testing.assert_allclose(gap(result), 0, atol=1e-9 * abs(result.outputs).max())


@pytest.mark.parametrize("tolerance", [0.1, pytest.param(0.05, marks=pytest.mark.long), 0.02])  # one in between
@pytest.mark.parametrize(
    ("jumps", "features"), [(3, 1), pytest.param(3, 4, marks=_LONG), (12, 2), pytest.param(30, 8, marks=_LONG)]
)
def test_of_paths_with_few_kinks_nineteen_in_twenty_are_within_the_tolerance(jumps, features, tolerance):
    """The gradient of a small ReLU network along a path: constant between a few jumps, some much larger than others."""
    generator = np.random.default_rng(jumps)
    errors, estimates = [], []
    for _ in range(200):
        places = generator.uniform(size=jumps)
        heights = generator.standard_t(2, (jumps, features))
        start = generator.normal(size=features)
        curve = (
            lambda a, p=places, h=heights, s=start: s + (a[:, None] > p) @ h,
            lambda a, p=places, h=heights, s=start: s.sum() * a + np.maximum(a[:, None] - p, 0) @ h.sum(1),
        )
        result = Paths(curve).integrate(tolerance)
        errors.append(error(result, start + (1 - places) @ heights))
        estimates.append(result.estimated_error[0])
    assert np.mean(np.array(errors) <= tolerance) >= 0.95
    assert np.mean(np.array(errors) <= estimates) >= 0.9


def test_rough_paths_need_fewer_gradients_than_the_best_number_of_equal_steps():
    curve, exact = rough()
    used = Paths(curve).integrate(0.05).n_steps[0]

    def equal(n: int) -> float:
        nodes, weights = np.polynomial.legendre.leggauss(n)
        return float(np.linalg.norm(weights / 2 @ curve[0]((nodes + 1) / 2) - exact) / np.linalg.norm(exact))

    assert min(equal(n) for n in range(2, round(used / 0.75), 3)) > 0.05


def test_a_step_and_a_kink_are_found():
    """max(α − ⅓, 0)·(1, −2) and a jump of the first feature at 0.7."""
    curve = (
        lambda a: np.stack([(a > 1 / 3) + 3.0 * (a > 0.7), -2.0 * (a > 1 / 3)], 1),
        lambda a: -np.maximum(a - 1 / 3, 0) + 3 * np.maximum(a - 0.7, 0),
    )
    result = Paths(curve).integrate(1e-3)
    assert error(result, np.array([2 / 3 + 0.9, -4 / 3])) <= 1e-3
    assert result.n_steps < 60


@pytest.mark.parametrize("width", [1e-3, 1e-6, 1e-12])
@pytest.mark.parametrize("tolerance", [0.05, 0.001])
def test_what_happens_close_to_the_baseline_is_found(width, tolerance):
    curve, exact = spike(width)
    result = Paths(curve).integrate(tolerance)
    assert error(result, exact) <= tolerance
    assert result.n_steps <= (70 if tolerance == 0.05 else 400)
    assert (np.abs(gap(result)) <= tolerance * result.outputs).all()


def test_what_only_the_target_shows_is_found():
    """A bump of width 0.001 between the first nodes, where the gradient is flat at all of them."""
    curve = (
        lambda a: np.stack([np.ones_like(a), 1e3 * np.exp(-(((a - 0.62) / 1e-3) ** 2)) / np.sqrt(np.pi)], 1),
        lambda a: a + np.vectorize(lambda z: (1 + np.tanh(1.2 * z * (1 + 0.09 * z**2))) / 2)((a - 0.62) / 1e-3),
    )
    result = Paths(curve).integrate(0.05)
    np.testing.assert_allclose(result.attributions[0], [[1, 1]], rtol=0.05)


def test_each_example_stops_by_itself_and_is_as_if_alone():
    curves = [rough(1)[0], (lambda a: np.ones((len(a), 200)), lambda a: 200 * a), rough(2, jumps=40)[0]]
    paths = Paths(*curves)
    together = paths.integrate(0.03, parallel=2)
    assert max(len({*rows}) for rows, _ in paths.asked) == 2
    assert len({*together.n_steps}) == 3 and together.n_steps[1] == 9
    for row, curve in enumerate(curves):
        alone = Paths(curve).integrate(0.03)
        for field in ("outputs", "baseline_outputs", "estimated_error", "n_steps"):
            np.testing.assert_allclose(getattr(alone, field)[0], getattr(together, field)[row], rtol=1e-12)
        np.testing.assert_allclose(alone.attributions[0][0], together.attributions[0][row], rtol=1e-9)


def test_several_inputs_are_one_vector():
    curve, exact = rough(3, features=12)

    def sample(rows: np.ndarray, alphas: np.ndarray) -> Samples:
        g = curve[0](alphas)
        return Samples(curve[1](alphas), [g[:, :2].astype(np.float32), g[:, 2:].reshape(-1, 5, 2)])

    split, whole = integrate(sample, 1, tolerance=0.05), Paths(curve).integrate(0.05)
    first, second = split.attributions
    assert first.shape == (1, 2) and first.dtype == np.float32 and second.shape == (1, 5, 2)
    np.testing.assert_allclose(np.append(first, second), whole.attributions[0][0], rtol=1e-5)
    assert split.n_steps == whole.n_steps
    assert np.linalg.norm(np.append(first, second) - exact) <= 0.1 * np.linalg.norm(exact)


@pytest.mark.parametrize("max_steps", [9, 10, 30, 100])
def test_max_steps_ends_it_and_the_estimate_says_so(max_steps):
    curve, exact = rough()
    result = Paths(curve).integrate(1e-4, max_steps=max_steps)
    assert result.n_steps == max_steps
    assert result.estimated_error > 1e-4
    assert 0.4 < result.estimated_error / error(result, exact) < 2.5


def test_the_gap_alone_ends_sooner():
    curve, exact = rough()
    result = Paths(curve).integrate(None, gap_tolerance=0.01)
    assert (np.abs(gap(result)) <= 0.01 * np.abs(result.outputs)).all()
    assert result.n_steps < 20 and error(result, exact) > 0.05
    assert result.estimated_error > 0.05


def test_a_finer_gap_is_reached_beside_the_tolerance():
    curve, exact = spike(1e-2)
    coarse, fine = Paths(curve).integrate(0.05), Paths(curve).integrate(0.05, gap_tolerance=1e-5)
    assert fine.n_steps >= coarse.n_steps
    assert (np.abs(gap(fine)) <= 1e-5 * fine.outputs).all()
    assert error(fine, exact) <= 0.05


def test_constant_gradients_take_the_first_nodes():
    result = Paths((lambda a: np.full((len(a), 3), 2.0), lambda a: 6 * a)).integrate(1e-6)
    np.testing.assert_allclose(result.attributions[0], [[2, 2, 2]], rtol=1e-14)
    assert result.n_steps == 9 and result.estimated_error < 1e-14


def test_nothing_to_attribute_is_no_error():
    result = Paths((lambda a: np.zeros((len(a), 3)), lambda a: np.full_like(a, 5))).integrate(1e-6)
    np.testing.assert_array_equal(result.attributions[0], np.zeros((1, 3)))
    assert result.n_steps == 9 and result.estimated_error == 0


def test_attributions_that_cancel_are_within_the_floor():
    """F(x) = F(x₀): the gap has nothing to be relative to but F."""
    curve = (lambda a: np.stack([1 + a, -1 - a], 1), lambda a: np.full_like(a, 7))
    result = Paths(curve).integrate(1e-3)
    np.testing.assert_allclose(result.attributions[0], [[1.5, -1.5]], rtol=1e-3)
    assert result.n_steps <= 33 and result.estimated_error <= 1e-3


def test_a_jump_of_the_target_cannot_be_attributed_and_ends():
    """The gradient is 0 wherever it is taken, as behind a rounding or an argmax."""
    result = Paths((lambda a: np.zeros((len(a), 2)), lambda a: 1.0 * (a > 0.3))).integrate(0.05)
    assert result.estimated_error == np.inf and result.n_steps < 100
    np.testing.assert_array_equal(result.attributions[0], [[0, 0]])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["gradient", "target"])
def test_what_is_not_finite_ends_at_once_and_shows(bad, where):
    def gradient(a: np.ndarray) -> np.ndarray:
        return np.stack([np.where((a > 0.4) & (where == "gradient"), bad, 1), 0 * a], 1)

    def target(a: np.ndarray) -> np.ndarray:
        return np.where((a > 0.4) & (where == "target"), bad, a)

    result = Paths((gradient, target), (lambda a: np.ones((len(a), 2)), lambda a: 2 * a)).integrate(0.05)
    np.testing.assert_array_equal(result.n_steps, [9, 9])
    assert result.estimated_error[0] == np.inf and result.estimated_error[1] < 1e-12
    assert np.isfinite(result.attributions[0][0, 0]) == (where == "target")
    np.testing.assert_allclose(result.attributions[0][1], [1, 1])


def test_a_tolerance_and_room_for_the_first_nodes_are_needed():
    paths = Paths(powers(1))
    with pytest.raises(ValueError, match="tolerance"):
        integrate(paths, 1, tolerance=None)
    with pytest.raises(ValueError, match="max_steps ≥ 9"):
        integrate(paths, 1, tolerance=0.1, max_steps=8)
