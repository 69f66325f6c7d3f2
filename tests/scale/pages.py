"""The pages that are measured: {what a person calls it: (name of its address, what is asked of it)}."""

PAGES = {
    "start": ("index", ""),
    "rules": ("catalogue_rule_changelist", ""),
    "rules, searched": ("catalogue_rule_changelist", "q=colleague"),
    "a rule": ("catalogue_rule_page", ""),
    "contacts of a rule": ("catalogue_rule_cases", ""),
    "page for the top": ("desk_top", ""),
    "sources": ("cases_source_changelist", ""),
    "cases": ("cases_case_changelist", ""),
    "cases of a source": ("cases_case_changelist", "source__id__exact={source}"),
    "a case by its number": ("cases_case_changelist", "q={case}"),
    "a case": ("cases_case_change", ""),
    "search": ("desk_search", "q={case}"),
}
