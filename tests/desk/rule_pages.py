"""What the tests of a rule's pages share: its addresses, what a person reads there, and figures to be shown."""

import re
from datetime import UTC, date, datetime
from html import unescape

from django.urls import reverse

from rulebook.insight.models import RuleFigures, RuleMonth, SourceFigures
from tests import make

HORIZON = datetime(2026, 11, 16, tzinfo=UTC)  # the end of 15 November


def address(rule, name="page"):
    return reverse(f"admin:catalogue_rule_{name}", args=[rule.pk])


def words(response):
    """What a person reads of a page's own part, without tags."""
    assert response.status_code == 200
    text = response.content.decode().partition('id="content"')[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def measured(name="desk", **given):
    """A source that figures were made of."""
    source = make.source(name)
    values = {"method": "no_repeat", "window_days": 7, "since": date(2025, 12, 1), "refreshed_at": HORIZON}
    SourceFigures.objects.update_or_create(source=source, defaults=values | {"horizon": HORIZON} | given)
    return source


def met(rule, *sources):
    for source in sources:
        RuleMonth.objects.create(rule=rule, source=source, month=date(2026, 11, 1), cases=3)


def figures(rule, **given):
    values = {"listed": "measured", "why": "", "n": 1640, "missed": 700, "cases": 1700, "harm": 36.2, "low": 33.1}
    RuleFigures.objects.update_or_create(rule=rule, defaults=values | {"high": 38.8, "price": "0.009200"} | given)
    return rule
