"""What the fields of a rule are called where people read them: beside a field, and in a sentence about a change."""

from django.utils.translation import gettext_lazy

from rulebook.catalogue.models import Rule
from rulebook.journal.words import teach

FIELDS = {
    "code": gettext_lazy("code"),
    "title": gettext_lazy("title"),
    "text": gettext_lazy("text"),
    "topics": gettext_lazy("topics"),
    "channels": gettext_lazy("channels"),
    "applies_from": gettext_lazy("applies from"),
    "customer_hears": gettext_lazy("what the customer hears"),
    "decision_limit": gettext_lazy("decision limit"),
    "requirements": gettext_lazy("number of requirements"),
    "purpose": gettext_lazy("purpose"),
    "heard_where": gettext_lazy("where it was heard"),
    "source_reference": gettext_lazy("where it is written"),
    "review_by": gettext_lazy("review-by date"),
    "intent": gettext_lazy("first sorting"),
    "kind": gettext_lazy("kind"),
    "authority": gettext_lazy("authority"),
    "clause": gettext_lazy("clause"),
    "protective": gettext_lazy("protective"),
    "department": gettext_lazy("department"),
    "owner": gettext_lazy("owner"),
    "aliases": gettext_lazy("other names"),
}
HELP = {
    "title": gettext_lazy("What agents must, must not or may do, in one line. Only this is needed."),
    "text": gettext_lazy("The whole rule, in words that agents use."),
    "customer_hears": gettext_lazy("The sentence itself, such as “I'm not allowed to” or “my manager won't let me”."),
    "decision_limit": gettext_lazy("Up to where an agent may decide alone, such as 200 kr."),
    "requirements": gettext_lazy("How many things the rule asks for, once somebody has counted them."),
    "purpose": gettext_lazy("What it is for. Leave it blank where nobody knows: that is worth knowing too."),
    "heard_where": gettext_lazy("For an unwritten rule: the training, meeting or tool in which it is passed on."),
    "source_reference": gettext_lazy("The handbook, page or contract in which it stands."),
    "review_by": gettext_lazy("By when somebody looks at it again."),
    "intent": gettext_lazy("What you would do with it. A first sorting, no decision."),
    "kind": gettext_lazy("Unwritten: it stands nowhere, and everybody does it."),
    "authority": gettext_lazy(
        "Where it gets its force. A law or contract quotes its clause, and a second person confirms it within 14 days; "
        "else it counts as the house's own policy."
    ),
    "clause": gettext_lazy("The words of the law or contract, and where they stand. Other words are confirmed anew."),
    "protective": gettext_lazy("It guards safety, privacy, or money above a set limit."),
    "department": gettext_lazy("Whose rule it is. Its head answers for it."),
    "owner": gettext_lazy("Blank: the head of the department."),
}

# `policy` and `law` are what a claim was before and after; the fields are what a change was of.
teach("rule", {**dict(Rule.Status.choices), **dict(Rule.Authority.choices), **FIELDS})
