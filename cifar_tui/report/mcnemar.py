"""Tells if two checkpoints differ by more than chance on the same images."""

SIGNIFICANT = 0.05
"""The p-value below which a difference counts as more than chance."""


def mcnemar_p(fixed: int, broken: int) -> float:
    """Return the two-sided mid-p value of McNemar's test: how likely so uneven a change is by chance alone, 0 to 1.

    Of the images that only one of two classifiers got right, each is as likely to be of either, where both are equally
    good: a fair coin. Mid-p counts half of the observed outcome (McNemar 1947; Fagerland, Lydersen and Laake 2013,
    BMC Medical Research Methodology 13:91). Exact, in whole numbers.
    """
    fewer, changed = min(fixed, broken), fixed + broken
    ways, below = 1, 0  # binomial coefficients: of `taken`, and of all less than it
    for taken in range(fewer):
        below += ways
        ways = ways * (changed - taken) // (taken + 1)
    return min((2 * below + ways) / (1 << changed), 1.0)


def significance(fixed: int, broken: int) -> str:
    """Return in words if a change is more than chance: `more than chance (p < 0.001)`."""
    if not fixed + broken:
        return "no image changed"
    p = mcnemar_p(fixed, broken)
    number = f"p = {p:.2g}" if p >= 0.001 else "p < 0.001"
    return f"{'more than chance' if p < SIGNIFICANT else 'may be chance'} ({number})"
