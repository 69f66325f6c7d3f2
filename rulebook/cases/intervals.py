"""How sure a rate is. Pure."""

from math import sqrt

Z90 = 1.6448536269514722
Z95 = 1.959963984540054


def wilson(successes: float, trials: float, z: float = Z95) -> tuple[float, float] | None:
    """Wilson's score interval of a proportion, as (low, high) in 0..1; None without trials. Counts need not be whole.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).

    >>> low, high = wilson(7, 10)
    >>> round(low, 4), round(high, 4)
    (0.3968, 0.8922)
    >>> wilson(0, 0) is None
    True
    """
    if trials == 0:
        return None
    rate = successes / trials
    middle = rate + z * z / (2 * trials)
    # Of fractions of a case the rate may come out a hair above 1.
    spread = z * sqrt(max(0.0, rate * (1 - rate)) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
