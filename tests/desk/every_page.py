"""Every page of the admin, who may open it, and how many queries that costs: one table for the tests that need it.

People are letters: M manager, W owner (of no department here), O operator, A who may do everything, X an outsider
without a role. An agent is sent to the sign-in page by all of them. `may` begins with the person whose queries are
counted.
"""

from dataclasses import dataclass, field
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from rulebook.access.models import TeamLink
from rulebook.cases.models import Case, CaseRule, Source, Upload
from rulebook.catalogue.models import Proposal, Rule
from rulebook.desk.models import SavedFilter
from rulebook.flags.models import AuditedCase, Flag
from rulebook.notices.models import Notice
from rulebook.review.models import Review
from rulebook.votes.models import Ballot

PEOPLE = {"M": "manager", "W": "owner", "O": "operator", "A": "admin", "X": "outsider"}
ALL, READ, CASES, IMPORTS = "MWOAX", "MWA", "MA", "MOA"


@dataclass(frozen=True)
class Page:
    name: str
    may: str
    cost: int | None = None  # queries of a GET; None where nothing of the house is read
    asked: str = ""
    status: int = 200  # for who may
    others: int = 403
    post: dict[str, Any] | None = field(default=None, hash=False)

    def __str__(self) -> str:
        return f"{'POST ' if self.post is not None else ''}{self.name}{self.asked and '?'}{self.asked}"

    def status_for(self, letter: str) -> int:
        return self.status if letter in self.may else self.others


# Every page asks for the session and the user, and of a person with a role for their own rights and those of the role.
FRAME = 4
# How many rules are found, the rules with their figures; departments, topics and channels to filter by; own filters;
# horizons of the sources.
RULES = FRAME + 7
FILTERS = (
    "list=measured", "list=not_measurable_yet", "flagged=yes", "flagged=no", "in_the_way=yes", "in_the_way=came_back",
    "in_the_way=told_no",
    "in_the_way=no", "authority=law", "status=in_force", "department==Finance 0", "department=none",
    "topic==returns/refund 0", "topic=none", "channel==channel 0", "channel=none", "review_by=overdue", "review_by=30",
    "review_by=none", "kind=unwritten", "intent=drop", "intent=none", "protective=yes",
)  # fmt: skip
ORDERS = tuple(f"o={sign}{column}" for column in (1, 2, 3, 4, 5, 7) for sign in ("", "-"))

RULE_PAGES = [
    Page("catalogue_rule_changelist", READ, RULES),
    *(Page("catalogue_rule_changelist", READ, RULES, asked) for asked in (*FILTERS, *ORDERS, "q=refund", "q=R-0")),
    Page("catalogue_rule_changelist", READ, RULES, "q=mail&list=measured&kind=unwritten&o=-3"),
    Page("catalogue_rule_changelist", READ, post={"action": "set_intent"}),  # asks what is done with the chosen ones
    # roles, own departments; the rule with its people and figures, versions, aliases, events; sources of its contacts,
    # their figures, whether a month of it is being computed anew, who did what; ballots and tallies on it; its
    # review; whether a later date waits
    Page("catalogue_rule_page", READ, FRAME + 17),
    Page("catalogue_rule_page", READ, FRAME + 17, "at=2026-01-01"),
    Page("catalogue_rule_versions", READ, FRAME + 2),  # the rule, its versions
    # the rule; sources that watch for returns; numbers of a page of cases, the cases, who links them
    Page("catalogue_rule_cases", CASES, FRAME + 5),
    Page("catalogue_rule_cases", CASES, FRAME + 5, "show=told_no"),
    Page("catalogue_rule_cases", CASES, FRAME + 5, "show=not_resolved"),
    # the rule, whether any rule has changed; of two the other by its name (two), the wordings of both, roles and own
    # departments for each of them, and whether people vote on them, for each way round
    Page("catalogue_rule_same", CASES, FRAME + 2),
    Page("catalogue_rule_same", CASES, FRAME + 12, "with=R-1"),
    Page("catalogue_rule_same", CASES, status=422, post={}),
    Page("catalogue_rule_add", CASES, FRAME + 1),  # people to own it
    # roles, own departments; the rule, its topics, aliases, versions, newest event, department, people to own it;
    # whether people vote on it
    Page("catalogue_rule_change", READ, FRAME + 10),
    Page("catalogue_rule_change", "MA", post={}),  # of others' departments an owner changes nothing
    Page("catalogue_rule_import", CASES, FRAME),
    Page("catalogue_rule_import", CASES, post={"pasted": ""}),
    # as the list; and how many are found, the rules with department and owner, their aliases, their versions
    Page("catalogue_rule_export", READ, RULES + 3),
    Page("catalogue_rule_history", READ, status=302),
    Page("catalogue_rule_confirm", ALL, status=405),
    Page("catalogue_rule_confirm", READ, status=302, post={}),  # with a sentence where it is refused
    Page("catalogue_rule_later_date", ALL, status=405),
    Page("catalogue_rule_later_date", READ, status=409, post={}),  # nobody asks for one
    Page("catalogue_rule_change_many", ALL, status=405),
    Page("catalogue_rule_change_many", READ, post={"rules": "1"}),
    Page("catalogue_rule_save_filter", ALL, status=405),
    Page("catalogue_rule_save_filter", READ, status=302, post={"name": "Mine", "query": "kind=written"}),
    Page("catalogue_rule_forget_filter", ALL, status=405),
    Page("catalogue_rule_forget_filter", READ, status=302, post={}),
    # how many are found, the proposals with their rules and flags
    Page("catalogue_proposal_changelist", READ, FRAME + 2),
    Page("catalogue_proposal_changelist", READ, FRAME + 2, "q=signatures"),
    # own departments, all departments; the quarter (two), closed periods; the rule it replaces
    Page("catalogue_proposal_add", READ, FRAME + 5),
    Page("catalogue_proposal_add", READ, FRAME + 6, "replaces=RULE"),
    Page("catalogue_proposal_add", READ, status=422, post={}),
    Page("catalogue_proposal_alike", ALL, status=405),
    Page("catalogue_proposal_alike", READ, post={"title": "Refund"}),
    # the proposal; roles, own departments; the quarter (two); whether any rule has changed; what hurts
    Page("catalogue_proposal_change", READ, FRAME + 7),
    Page("catalogue_proposal_history", READ, status=302),
    Page("catalogue_proposal_let_in", ALL, status=405),
    Page("catalogue_proposal_let_in", "MA", status=409, post={}),
    Page("catalogue_proposal_refuse", ALL, status=405),
    Page("catalogue_proposal_refuse", "MA", status=422, post={}),
    Page("catalogue_proposal_withdraw", ALL, status=405),
    Page("catalogue_proposal_withdraw", "M", status=302, post={}),
    Page("catalogue_topic_changelist", READ, FRAME + 3),  # how many are found, how many there are, the topics
    Page("catalogue_topic_changelist", READ, FRAME + 3, "q=refund"),
    Page("catalogue_topic_add", CASES, FRAME),
    Page("catalogue_topic_change", READ, FRAME + 1),
    Page("catalogue_topic_history", READ, status=302),
    Page("catalogue_alias_changelist", CASES, FRAME + 2),  # how many are found, the aliases with their rules
    Page("catalogue_alias_changelist", CASES, FRAME + 2, "is_code__exact=1"),
    Page("catalogue_alias_changelist", CASES, FRAME + 2, "q=REF"),
    Page("catalogue_alias_change", CASES, FRAME + 2),
    Page("catalogue_alias_history", CASES, FRAME + 2),
    Page("catalogue_ruleversion_changelist", READ, FRAME + 2),  # how many are found, the versions with their rules
    Page("catalogue_ruleversion_changelist", READ, FRAME + 2, "q=refund"),
    Page("catalogue_ruleversion_change", READ, FRAME + 2),
    Page("catalogue_ruleversion_history", READ, FRAME + 2),
]
VOTE_PAGES = [
    Page("votes_ballot_changelist", CASES, FRAME + 2),  # how many are found, the ballots with the number of their rules
    Page("votes_ballot_add", CASES, FRAME),
    Page("votes_ballot_add", CASES, status=422, post={}),
    # the ballot; its rules with their wordings, their newest, the votes, the hands, who came by a link
    Page("votes_ballot_change", CASES, FRAME + 6),
    Page("votes_ballot_history", CASES, status=302),
    Page("votes_ballot_hands", CASES, status=409),  # it is closed
    Page("votes_ballot_hands", CASES, status=409, post={}),
    *(Page(f"votes_ballot_{verb}", ALL, status=405) for verb in ("open", "reveal", "next", "close", "discard")),
    *(
        Page(f"votes_ballot_{verb}", CASES, status=409, post={})
        for verb in ("open", "reveal", "next", "close", "discard")
    ),
]
FLAG_PAGES = [
    # the oldest flag, the flag with its people; roles, own departments; closed periods, how many wait, those that do,
    # flags of 90 days, closed periods; whether any rule has changed, other flags that may be like it
    Page("flags_flag_changelist", READ, FRAME + 11),
    Page("flags_flag_changelist", READ, FRAME + 2, "show=answered"),  # the flags, closed periods
    Page("flags_flag_changelist", READ, FRAME + 2, "q=refund"),
    Page("flags_flag_changelist", READ, FRAME + 3, "rule=RULE"),  # the rule
    Page("flags_flag_change", "MA", FRAME + 10),
    Page("flags_flag_history", READ, status=302),
    Page("flags_flag_decide", ALL, status=405),
    Page("flags_flag_decide", "MA", status=409, post={}),  # it was read by nobody
    Page("flags_flag_put_back", ALL, status=405),
    Page("flags_flag_put_back", "MA", status=302, post={}),
    # the audits added up, the newest; which contact is next, the contact with source and topic; the one before
    Page("flags_audit_changelist", CASES, FRAME + 5),
    Page("flags_audit_change", CASES, FRAME + 5),
    Page("flags_audit_history", CASES, status=302),
    Page("flags_audit_draw", ALL, status=405),
    Page("flags_audit_draw", CASES, status=302, post={}),
    Page("flags_audit_read", ALL, status=405),
    Page("flags_audit_read", CASES, status=409, post={}),
]
NOTICE_PAGES = [
    Page("notices_notice_changelist", READ, FRAME + 2),  # how many are found, the notices with their rules
    # the notice, the teams it is for; the counts: receipts, sizes of teams, teams it is for, all of them
    Page("notices_notice_change", READ, FRAME + 6),
    Page("notices_notice_history", READ, status=302),
    Page("notices_notice_mend", ALL, status=405),
    Page("notices_notice_mend", CASES, status=422, post={}),
    Page("notices_notice_again", ALL, status=405),
    Page("notices_notice_again", CASES, status=302, post={}),
]
REVIEW_PAGES = [
    # how many there are of each state, the first of each and their trials; how they stand (15): their newest wordings,
    # what the front line said (5), ballots, tallies and open ones, fences, notices, other reviews, closed periods;
    # whose they are; removed rules that are met still
    Page("review_review_changelist", READ, FRAME + 22),
    Page("review_review_changelist", READ, FRAME + 20, "state=marked"),
    Page("review_review_changelist", READ, FRAME + 10, "state=over"),  # none is over
    # the review; how it stands; figures, flags and votes of today; what happened and who did it; its trials
    Page("review_review_change", READ, FRAME + 27),
    Page("review_review_history", READ, status=302),
    # reviews that wait for a yes, own departments; verdicts, those without a fence, how those stand; escalations;
    # later dates
    Page("review_review_asked", READ, FRAME + 33),
    Page("review_review_mark", ALL, status=405),
    Page("review_review_mark", READ, status=404, post={}),  # it names no rule
    Page("review_review_mark_several", ALL, status=405),
    Page("review_review_mark_several", READ, post={"rules": "1"}),  # asks why
    Page("review_review_do", ALL, status=405),
    Page("review_review_do", READ, status=422, post={}),  # it names no verb
    Page("review_review_trial", CASES, FRAME + 19),  # the review, how it stands: here it cannot start, and says why
    Page("review_review_trial", CASES, status=409, post={}),
    Page("review_review_call_back", CASES, status=409),  # its rule has not ended
]
CASE_PAGES = [
    Page("cases_case_changelist", CASES, FRAME + 3),  # the cases with source and topic, sources to filter by
    Page("cases_case_changelist", CASES, FRAME + 3, "source__id__exact=SOURCE"),
    Page("cases_case_changelist", CASES, FRAME + 4, "q=C-0-0"),
    Page("cases_case_change", CASES, FRAME + 2),  # the case with source and topic, its links with their rules
    Page("cases_case_history", CASES, FRAME + 2),
    Page("cases_case_link", ALL, status=405),
    Page("cases_case_link", CASES, status=422, post={}),
    Page("cases_case_unlink", ALL, status=405),
    Page("cases_case_unlink", CASES, status=302, post={}),
    Page("cases_caserule_changelist", CASES, FRAME + 1),  # the links with case and rule
    Page("cases_caserule_changelist", CASES, FRAME + 1, "rule__id__exact=RULE"),
    Page("cases_caserule_changelist", CASES, FRAME + 1, "rule__id__exact=RULE&effect__exact=blocked"),
    Page("cases_caserule_changelist", CASES, FRAME + 2, "q=R-0"),  # the rule of that name
    Page("cases_caserule_changelist", CASES, FRAME + 4, "q=C-0-0"),  # no rule; the sources, the case
    Page("cases_caserule_change", CASES, FRAME + 3),
    Page("cases_caserule_history", CASES, FRAME + 2),
    Page("cases_pendinglink_changelist", CASES, FRAME + 1),  # the links with their sources
    Page("cases_pendinglink_changelist", CASES, FRAME + 2, "q=UNKNOWN-0"),
    Page("cases_pendinglink_changelist", CASES, FRAME + 3, "q=C-0-9"),
    Page("cases_pendinglink_change", CASES, FRAME + 2),
    Page("cases_pendinglink_history", CASES, FRAME + 2),
    # how many are found, how many there are, the sources with the state of their newest run
    Page("cases_source_changelist", IMPORTS, FRAME + 3),
    Page("cases_source_changelist", IMPORTS, FRAME + 3, "q=desk"),
    Page("cases_source_change", IMPORTS, FRAME + 1),
    Page("cases_source_history", IMPORTS, status=302),
    Page("cases_importrun_changelist", IMPORTS, FRAME + 3),  # how many are found, the runs, sources to filter by
    Page("cases_importrun_changelist", IMPORTS, FRAME + 3, "state__exact=failed"),
    Page("cases_importrun_changelist", IMPORTS, FRAME + 3, "source__id__exact=SOURCE"),
    Page("cases_importrun_change", IMPORTS, FRAME + 3),
    Page("cases_importrun_history", IMPORTS, FRAME + 3),  # its title names the source
    # Who may do everything has no rights to look up.
    Page("cases_dirtymonth_changelist", "A", 4),
    Page("cases_dirtymonth_changelist", "A", 4, "source__id__exact=SOURCE"),
    Page("cases_dirtymonth_changelist", "A", 4, "subject__exact=rule"),
    Page("cases_dirtymonth_change", "A", 4),
    Page("cases_dirtymonth_history", "A", 4),
    Page("cases_upload_changelist", IMPORTS, FRAME + 2),  # how many are found, the uploads with who brought them
    Page("cases_upload_add", IMPORTS, FRAME),
    Page("cases_upload_add", IMPORTS, status=422, post={}),
    Page("cases_upload_check", IMPORTS, FRAME + 2),  # the upload, the sources
    Page("cases_upload_change", IMPORTS, FRAME + 2, status=302),  # to the check of a draft
    Page("cases_upload_progress", IMPORTS, FRAME + 2),  # the upload, its source
    Page("cases_upload_progress", IMPORTS, FRAME + 1, "format=json"),
    Page("cases_upload_rejected", IMPORTS, FRAME + 1),
    Page("cases_upload_history", IMPORTS, FRAME + 2),
    Page("cases_upload_again", ALL, status=405),
    Page("cases_upload_again", IMPORTS, status=302, post={}),
    Page("cases_upload_discard", ALL, status=405),
    Page("cases_upload_discard", IMPORTS, status=302, post={}),
]
HOUSE_PAGES = [
    # groups and teams to filter by, how many are found, how many there are, the people with their teams
    Page("access_person_changelist", "OA", FRAME + 5),
    Page("access_person_changelist", "OA", FRAME + 5, "q=head0"),
    Page("access_person_changelist", "OA", FRAME + 5, "is_active__exact=1"),
    Page("access_person_add", "OA", FRAME),
    Page("access_person_change", "OA", FRAME + 4),  # the person, their groups, all groups, the teams
    Page("access_person_history", "OA", status=302),
    Page("auth_user_password_change", "OA", FRAME + 3),
    # how many are found, how many there are, the departments with head and deputy
    Page("access_department_changelist", "MOA", FRAME + 3),
    Page("access_department_changelist", "MOA", FRAME + 3, "q=Finance"),
    Page("access_department_add", "OA", FRAME),
    Page("access_department_change", "MOA", FRAME + 3),
    Page("access_department_history", "MOA", status=302),
    Page("access_team_changelist", "MOA", FRAME + 3),  # how many are found, how many there are, with departments
    Page("access_team_changelist", "MOA", FRAME + 3, "q=Chat"),
    Page("access_team_add", "OA", FRAME),
    Page("access_team_change", "MOA", FRAME + 1),
    Page("access_team_history", "MOA", status=302),
    # how many are found, how many there are, the links with teams and makers
    Page("access_teamlink_changelist", CASES, FRAME + 3),
    Page("access_teamlink_add", CASES, FRAME + 1),  # the teams
    Page("access_teamlink_add", CASES, status=422, post={}),
    Page("access_teamlink_change", CASES, FRAME + 3),  # the link, its team, who made it
    Page("access_teamlink_history", CASES, status=302),
    Page("access_teamlink_revoke", ALL, status=405),
    Page("access_teamlink_revoke", CASES, status=302, post={}),
    Page("access_closedperiod_changelist", "MOA", FRAME + 3),  # how many are found, how many there are, the periods
    Page("access_closedperiod_add", "MOA", FRAME),
    Page("access_closedperiod_change", "MOA", FRAME + 1),
    Page("access_closedperiod_history", "MOA", status=302),
    Page("access_letter_changelist", "MOA", FRAME + 2),  # how many are found, the letters with whom they are for
    Page("access_letter_changelist", "MOA", FRAME + 2, "state__exact=waiting"),
    Page("access_letter_changelist", "MOA", FRAME + 2, "q=Letter"),
    Page("access_letter_change", "MOA", FRAME + 2),
    Page("access_letter_history", "MOA", FRAME + 2),
    # types and verbs to filter by, how many are found, the events with who did it
    Page("journal_event_changelist", "MWOA", FRAME + 4),
    Page("journal_event_changelist", "MWOA", FRAME + 4, "object_type=rule"),
    Page("journal_event_changelist", "MWOA", FRAME + 4, "object_type=rule&object_code=R-0"),
    Page("journal_event_changelist", "MWOA", FRAME + 4, "q=R-0"),
    Page("journal_event_change", "MWOA", FRAME + 1),
    Page("journal_event_history", "MWOA", FRAME + 2),
    Page("journal_actor_changelist", "MA", FRAME + 2),
    Page("journal_actor_changelist", "MA", FRAME + 2, "kind__exact=person"),
    Page("journal_actor_changelist", "MA", FRAME + 2, "q=head"),
    Page("journal_actor_change", "MA", FRAME + 1),
    Page("journal_actor_history", "MA", FRAME + 2),
    Page("journal_note_changelist", "MA", FRAME + 2),
    Page("journal_note_changelist", "MA", FRAME + 2, "q=Reason"),
    Page("journal_note_change", "MA", FRAME + 1),
    Page("journal_note_history", "MA", FRAME + 2),
]
DESK_PAGES = [
    # What waits for them: is there a rule, a source, a broken import or upload; roles, own departments; reviews (7),
    # quiet sources, claims and the oldest, the dearest unsorted, waiting links, rules of nobody. The cards: rules
    # counted in two ways and flagged ones in a third, sources with figures, prices added up, whether newer figures
    # are on their way, the dearest, the months. New rules on their way in; flags without a reply and how long they
    # wait, each with the closed periods; the newest audit and what audits found.
    Page("index", ALL, FRAME + 39),
    # what an hour costs; sources with figures, prices added up, whether newer figures are on their way (three), the
    # first to go, what is gone
    Page("desk_top", READ, FRAME + 8),
    Page("desk_top", "MA", post={"amount": "x"}),
    Page("desk_search", ALL, FRAME),
    Page("desk_search", ALL, FRAME + 4, "q=refund"),  # rules with their names, sources, cases, flags
    Page("desk_search", ALL, FRAME + 4, "q=C-0-0"),
    Page("search", ALL, FRAME),  # Unfold's own, which nothing links to
    Page("app_list", "MOA", FRAME, others=404),
    Page("password_change", ALL, FRAME),
    Page("password_change_done", ALL, FRAME),
    Page("jsi18n", ALL, 2),
    Page("login", ALL, status=302),  # they are signed in
    Page("logout", ALL, status=405),
    Page("view_on_site", ALL, status=404),
    Page("autocomplete", "", others=403),  # without a field that it is for
    Page("autocomplete", "MOA", FRAME + 2, "term=Fin&app_label=catalogue&model_name=rule&field_name=department"),
    Page("autocomplete", READ, FRAME + 2, "term=R-0&app_label=catalogue&model_name=proposal&field_name=replaces"),
]
MODELS = (
    "access_closedperiod", "access_department", "access_letter", "access_person", "access_team", "access_teamlink",
    "cases_case", "cases_caserule", "cases_dirtymonth", "cases_importrun", "cases_pendinglink",
    "cases_source", "cases_upload", "catalogue_alias", "catalogue_proposal", "catalogue_rule", "catalogue_ruleversion",
    "catalogue_topic", "journal_actor", "journal_event", "journal_note", "flags_audit", "flags_flag", "votes_ballot",
    "review_review",
    "notices_notice",
)  # fmt: skip
WRITTEN_BY_PEOPLE = {
    "votes_ballot",
    "access_closedperiod", "access_department", "access_person", "access_team", "access_teamlink", "cases_upload",
    "catalogue_proposal", "catalogue_rule", "catalogue_topic",
}  # fmt: skip
CLOSED = [
    *(Page(f"{model}_delete", "") for model in MODELS),  # nothing is deleted in the admin
    *(Page(f"{model}_add", "") for model in MODELS if model not in WRITTEN_BY_PEOPLE),
]
PAGES = [
    *RULE_PAGES, *VOTE_PAGES, *FLAG_PAGES, *REVIEW_PAGES, *NOTICE_PAGES, *CASE_PAGES, *HOUSE_PAGES, *DESK_PAGES,
    *CLOSED,
]  # fmt: skip


class Addresses:
    """Where the pages of one house are: always those of its first rule, case, upload, and so on."""

    def __init__(self, site: Any) -> None:
        self.rule = Rule.objects.order_by("pk")[0].pk
        self.case = Case.objects.order_by("pk")[0].pk
        self.source = Source.objects.order_by("pk")[0].pk
        self.draft = Upload.objects.get(state="draft").token
        self.done = Upload.objects.filter(state="done").order_by("pk")[0].token
        self.given: dict[str, dict[str, Any]] = {
            "access_teamlink_revoke": {"number": TeamLink.objects.order_by("pk")[0].pk},
            "app_list": {"app_label": "cases"},
            "auth_user_password_change": {"id": next(iter(SavedFilter.objects.values_list("person", flat=True)))},
            "cases_case_link": {"number": self.case},
            "cases_case_unlink": {
                "number": self.case,
                "link": CaseRule.objects.filter(case=self.case, origin="person").order_by("pk")[0].pk,
            },
            "catalogue_rule_change_many": {"what": "intent"},
            "catalogue_rule_export": {"kind": "csv"},
            "catalogue_rule_forget_filter": {"number": SavedFilter.objects.order_by("pk")[0].pk},
            "view_on_site": {"content_type_id": ContentType.objects.get_for_model(Rule).pk, "object_id": self.rule},
        }
        for name in ("check", "discard"):
            self.given[f"cases_upload_{name}"] = {"token": self.draft}
        for name in ("progress", "rejected", "again"):
            self.given[f"cases_upload_{name}"] = {"token": self.done}
        for name in ("let_in", "refuse", "withdraw"):
            self.given[f"catalogue_proposal_{name}"] = {"object_id": Proposal.objects.order_by("pk")[0].pk}
        for name in ("hands", "open", "reveal", "next", "close", "discard"):
            self.given[f"votes_ballot_{name}"] = {"object_id": Ballot.objects.order_by("pk")[0].pk}
        for name in ("mend", "again"):
            self.given[f"notices_notice_{name}"] = {"object_id": Notice.objects.order_by("pk")[0].pk}
        for name in ("decide", "put_back"):
            self.given[f"flags_flag_{name}"] = {"number": Flag.objects.order_by("pk")[0].pk}
        for name in ("do", "trial", "call_back"):
            self.given[f"review_review_{name}"] = {"object_id": Review.objects.order_by("pk")[0].pk}
        self.given["flags_audit_read"] = {"number": AuditedCase.objects.order_by("pk")[0].pk}
        for name in ("page", "versions", "cases", "confirm", "same", "later_date"):
            self.given[f"catalogue_rule_{name}"] = {"object_id": self.rule}
        for model in site._registry:
            label = f"{model._meta.app_label}_{model._meta.model_name}"
            for name in ("change", "delete", "history"):
                self.given[f"{label}_{name}"] = {"object_id": model._default_manager.order_by("pk")[0].pk}

    def of(self, page: Page) -> str:
        address = reverse(f"admin:{page.name}", kwargs=self.given.get(page.name, {}))
        asked = page.asked.replace("SOURCE", str(self.source)).replace("RULE", str(self.rule))
        return f"{address}?{asked.replace(' ', '%20')}" if asked else address

    def send(self, client: Any, page: Page) -> Any:
        if page.post is None:
            return client.get(self.of(page))
        chosen = {"_selected_action": list(Rule.objects.values_list("pk", flat=True))} if "action" in page.post else {}
        rules = {"rules": str(self.rule)} if "rules" in page.post else {}
        return client.post(self.of(page), page.post | chosen | rules)


def pages(*names: str) -> list[Page]:
    """Those of the table that have one of these names and read something."""
    return [page for page in PAGES if page.name in names and page.cost is not None]
