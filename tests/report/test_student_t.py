"""Intervals of means and of differences, against published tables and worked examples."""

import math

import pytest

from cifar_tui.report.student_t import deviation, difference, half_width, t_quantile

TABLE = {1: 12.7062, 2: 4.3027, 3: 3.1824, 4: 2.7764, 5: 2.5706, 9: 2.2622, 10: 2.2281, 20: 2.0860, 30: 2.0423}
TABLE |= {60: 2.0003, 120: 1.9799}
"""Two-sided 95 % quantiles by degrees of freedom (NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2)."""


@pytest.mark.parametrize(("freedom", "quantile"), TABLE.items())
def test_quantiles_are_those_of_the_table(freedom: int, quantile: float) -> None:
    assert t_quantile(freedom) == pytest.approx(quantile, abs=6e-5)


def test_another_confidence_and_very_many_degrees() -> None:
    assert t_quantile(1, 0.99) == pytest.approx(63.6567, abs=1e-4)
    assert t_quantile(10, 0.90) == pytest.approx(1.8125, abs=1e-4)
    assert t_quantile(1e7) == pytest.approx(1.959964, abs=1e-5)


@pytest.mark.parametrize("freedom", [1.0, 1.7, 2.5, 7.35, 33.3])
def test_a_quantile_of_any_degrees_holds_its_share_of_the_density(freedom: float) -> None:
    end, parts = t_quantile(freedom), 20_000
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)
    heights = [
        scale * (1 + (end * (part + 0.5) / parts) ** 2 / freedom) ** (-(freedom + 1) / 2) for part in range(parts)
    ]
    assert 2 * sum(heights) * end / parts == pytest.approx(0.95, abs=1e-8)


def test_one_value_has_neither_deviation_nor_interval() -> None:
    assert (deviation([0.9]), half_width([0.9]), deviation([])) == (None, None, None)
    assert deviation([0.90, 0.92, 0.94]) == pytest.approx(0.02)
    assert half_width([0.90, 0.92, 0.94]) == pytest.approx(4.302653 * 0.02 / math.sqrt(3))


def test_the_same_seeds_are_paired() -> None:
    # Student's sleep data (Student 1908), as R's t.test(extra ~ group, paired = TRUE): 1.58, 0.7001 to 2.4599.
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    gap = difference(dict(enumerate(second)), dict(enumerate(first)))
    assert gap.method == "paired"
    assert gap.half_width is not None
    assert (gap.mean, gap.mean - gap.half_width, gap.mean + gap.half_width) == pytest.approx(
        (1.58, 0.7001142, 2.4598858), abs=1e-6
    )


def test_other_seeds_are_compared_by_welch() -> None:
    # The same data without pairs, as R's t.test(extra ~ group): df = 17.776, -0.2055 to 3.3655.
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    gap = difference(dict(enumerate(second, start=100)), dict(enumerate(first)))
    assert gap.method == "Welch"
    assert gap.half_width is not None
    assert (gap.mean - gap.half_width, gap.mean + gap.half_width) == pytest.approx((-0.2054832, 3.3654832), abs=1e-6)


def test_without_a_second_seed_or_any_spread_there_is_no_interval() -> None:
    one_seed = difference({0: 0.93}, {0: 0.92, 1: 0.91})
    assert (one_seed.half_width, one_seed.method) == (None, "one seed")
    assert one_seed.mean == pytest.approx(0.015)
    alike = difference({0: 0.93, 1: 0.94}, {0: 0.92, 1: 0.93})
    assert (alike.half_width, alike.method) == (None, "no spread")
    assert difference({0: 0.5, 1: 0.5}, {2: 0.4, 3: 0.4}).method == "no spread"
