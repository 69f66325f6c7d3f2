"""How far people agree on an ordered scale: van der Eijk's A. Pure.

Source: C. van der Eijk (2001), Measuring Agreement in Ordered Rating Scales, Quality and Quantity 35, 325-341.
Values were compared with those that the R package agrmt publishes.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

# Triples of categories, not empty (1) or empty (0): a neighbourhood, and two camps with nobody between them.
UNIMODAL = {(1, 1, 0), (0, 1, 1)}
BIMODAL = (1, 0, 1)


def agreement(counts: Sequence[int]) -> float | None:
    """From 1 (all chose one category) over 0 (as many in each) to -1 (two camps at the ends); None without votes.

    `counts` are votes per category, in the order of the scale, empty categories too. The distribution is cut into
    layers of one height each, and A is the mean of theirs, weighted by the votes in them.

    >>> agreement([0, 0, 10, 0, 0]), agreement([5, 0, 0, 0, 5]), agreement([2, 2, 2, 2, 2])
    (1.0, -1.0, 0.0)
    >>> agreement([0, 5, 5, 0, 0]), round(agreement([5, 0, 0, 5, 0]), 4)
    (0.75, -0.4167)
    >>> round(agreement([30, 40, 210, 130, 530, 50, 10]), 4)
    0.6113
    >>> agreement([0, 0, 0, 0, 0]) is None
    True

    Two categories have nothing between them, so there only how even they are counts.

    >>> agreement([7]), agreement([0, 3]), agreement([3, 3])
    (1.0, 1.0, 0.0)
    """
    votes = sum(counts)
    if votes == 0:
        return None
    left, total = list(counts), Fraction(0)
    while any(left):
        pattern = [int(count > 0) for count in left]
        height = min(count for count in left if count)
        total += Fraction(height * sum(pattern), votes) * of_layer(pattern)
        left = [count - height * filled for count, filled in zip(left, pattern, strict=True)]
    return float(total)


def of_layer(pattern: Sequence[int]) -> Fraction:
    """A of one layer, in which each category is filled (1) or empty (0): U x (1 - (S - 1) / (K - 1)).

    U = ((K - 2) TU - (K - 1) TDU) / ((K - 2) (TU + TDU)), where K is the number of categories, S how many are filled,
    and TU and TDU how many triples are unimodal and bimodal.

    >>> of_layer([0, 1, 1, 0, 0]), of_layer([1, 0, 0, 0, 1]), of_layer([1, 1, 1, 1, 1])
    (Fraction(3, 4), Fraction(-1, 1), Fraction(0, 1))
    """
    categories, filled = len(pattern), sum(pattern)
    if filled == 1:
        return Fraction(1)
    if filled == categories:
        return Fraction(0)
    triples = list(combinations(pattern, 3))
    unimodal = sum(triple in UNIMODAL for triple in triples)
    bimodal = sum(triple == BIMODAL for triple in triples)
    both = (categories - 2) * (unimodal + bimodal)
    mode = Fraction((categories - 2) * unimodal - (categories - 1) * bimodal, both)
    return mode * (1 - Fraction(filled - 1, categories - 1))
