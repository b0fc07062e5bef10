"""Lighthouse finds each kind of page accessible, findable and well made. benchmarks/lighthouse.py says how fast."""

import pytest

from benchmarks.lighthouse import KINDS, scores

CATEGORIES = ("accessibility", "best-practices", "seo")


@pytest.mark.parametrize("page", KINDS.values(), ids=list(KINDS))
def test_lighthouse(page, site):
    found = scores(f"{site}/{page}.html", CATEGORIES)
    assert set(found) == set(CATEGORIES)
    assert all(score >= 95 for score in found.values()), found
