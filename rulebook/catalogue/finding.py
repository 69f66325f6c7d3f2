"""Finding rules by what people remember of them: a code, an old name, a word of the title, a sentence customers hear.

Every word must be somewhere in the rule; order and case do not matter. Neither database compares the case of Danish
letters by itself (SQLite knows only A to Z, PostgreSQL goes by the collation of the column), so each letter is looked
for in both of its forms. That reads every rule: about 10 microseconds a rule, which 10,000 rules can bear.
"""

import re
import unicodedata

from django.db.models import Case, IntegerField, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Concat

from rulebook.catalogue.cleaning import clean_line
from rulebook.catalogue.models import Alias, Rule

MOST_WORDS = 8  # of what somebody typed; the rest is left out, so that a pasted page costs no more than a sentence
LONGEST_WORD = 100


def rules_matching(queryset: QuerySet[Rule], text: str) -> QuerySet[Rule]:
    """Those of the rules in which every word of `text` stands: in a code, alias, title, text or customer's sentence.

    All of them where `text` is blank. Adds no join, so no rule comes twice; the order is that of `queryset`.
    """
    for word in words_of(text):
        pattern = either_case(word)
        said = Concat("title", Value("\n"), "text", Value("\n"), "customer_hears", output_field=TextField())
        queryset = queryset.alias(said=said).filter(Q(said__regex=pattern) | _named(pattern))
    return queryset


def best_first(queryset: QuerySet[Rule], text: str) -> QuerySet[Rule]:
    """The rules in the order of where the words stand: a whole name, the title, part of a name, what customers hear."""
    patterns = [either_case(word) for word in words_of(text)]
    if not patterns:
        return queryset.order_by("code")
    title, name, heard = Q(), Q(), Q()
    for pattern in patterns:
        title &= Q(title__regex=pattern)
        name &= _named(pattern)
        heard &= Q(customer_hears__regex=pattern)
    whole = _named(f"^{either_case(_one_form(text))}$")
    places = [When(where, then=Value(place)) for place, where in enumerate((whole, title, name, heard))]
    place = Case(*places, default=Value(len(places)), output_field=IntegerField())
    return queryset.alias(place=place).order_by("place", "code")


def _named(pattern: str) -> Q:
    """Codes stand among the aliases too."""
    return Q(pk__in=Alias.objects.filter(name__regex=pattern).values("rule_id"))


def words_of(text: str) -> list[str]:
    """What is looked for, each word once.

    >>> words_of("  Refund over\\x00 500 refund ")
    ['refund', 'over', '500']
    """
    words = [word[:LONGEST_WORD] for word in _one_form(text).lower().split()]
    return list(dict.fromkeys(words))[:MOST_WORDS]


def _one_form(text: str) -> str:
    """On one line, and a letter with its ring or dots as one sign, as keyboards write it."""
    return unicodedata.normalize("NFC", clean_line(text))


def either_case(word: str) -> str:
    """A regular expression, read alike by Python and PostgreSQL, that finds `word` in small and capital letters.

    >>> either_case("æb-1")
    '[æÆ][bB]\\\\-1'
    """
    return "".join(_sign(sign) for sign in word)


def _sign(sign: str) -> str:
    forms = dict.fromkeys(form for form in (sign, sign.lower(), sign.upper()) if len(form) == 1)
    return f"[{''.join(forms)}]" if len(forms) > 1 else re.escape(sign)
