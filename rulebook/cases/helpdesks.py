"""What the ticket files of known help desks look like: presets as data. `presets` chooses among them.

A preset is a few rows of data below; a new help desk is a new row, never a new branch.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from rulebook.cases.nordic import with_nordic

FIELDS = (
    "external_id", "opened_at", "closed_at", "channel", "topic", "customer", "agent", "team", "handoffs", "reopens",
    "replies", "handle_seconds", "declared", "survey", "direction", "excluded", "rules", "text",
)  # fmt: skip
ANYTHING = "*"  # among the values of an exclusion: whatever the cell holds, if it is not blank

Reasons = Mapping[str, str]
Only = tuple[str, frozenset[str]]  # (column, values in small letters)


@dataclass(frozen=True)
class Preset:
    """One help desk's ticket file. All names are in the form of `plain`: small letters, '_' for blanks and hyphens."""

    name: str
    signatures: tuple[frozenset[str], ...]  # the file is this help desk's when it has all columns of one of them
    columns: Mapping[str, tuple[str, ...]]  # field -> its columns, best first
    exclusions: tuple[tuple[str, Reasons], ...] = ()  # (column, {value in small letters: why it counts in no figure})
    lists: frozenset[str] = frozenset()  # columns of `exclusions` whose cell holds several values
    foreign: frozenset[str] = frozenset()  # columns that only the product's other tables have
    only: Only | None = None  # other rows of the file are no cases
    as_of: tuple[str, ...] = ()  # of several rows of one id the latest by these columns counts, else the last
    where: Mapping[str, Only] = field(default_factory=lambda: MappingProxyType({}))  # the field is blank elsewhere
    words: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))  # code -> its meaning

    def fits(self, names: Iterable[str]) -> bool:
        there = set(names)
        return not there & self.foreign and any(signature <= there for signature in self.signatures)


def _both(*names: str) -> tuple[str, ...]:
    """A ServiceNow field as a reference (its id in `_value`) and bare. Where only some rows have the reference, a JSON
    file has both columns, and the bare one is then blank in all rows that matter."""
    return tuple(form for name in names for form in (f"{name}_value", name))


# Figures of a table of our own are decided by its maker: no status, tag or code is looked at.
GENERIC = Preset(name="generic", signatures=(), columns={name: (name, *with_nordic(name)) for name in FIELDS})

# The ticket object of the API, its copy in a warehouse, and the account's CSV export ("Requester id", "Ticket type").
# Not mapped: `external_id` (another system's number, often blank; the ticket's own is `id`), `type` (question,
# incident, problem, task: how agents sort, not what the customer asked; --map topic=... takes a field of your own),
# satisfaction ratings (to like the help is not to have been helped), assignee stations (one more than the handoffs).
ZENDESK = Preset(
    name="zendesk",
    signatures=(
        frozenset({"id", "created_at", "requester_id", "status", "via_channel"}),
        frozenset({"id", "created_at", "requester_id", "status", "submitter_id", "assignee_id"}),
        frozenset({"id", "created_at", "requester_id", "status", "via", "ticket_type"}),
    ),
    columns={
        "external_id": ("id",),
        "opened_at": ("created_at",),
        "closed_at": ("metric_set_solved_at", "solved_at"),
        "channel": ("via_channel", "via"),
        "customer": ("requester_id",),
        "agent": ("assignee_id",),
        "team": ("group", "group_id"),
        "reopens": ("metric_set_reopens", "reopens"),
        "replies": ("metric_set_replies", "replies"),  # public replies by agents
        "handle_seconds": ("total_time_spent_(sec)", "total_time_spent_(sec)[int]"),  # of the Time Tracking app
        "text": ("description",),
    },
    exclusions=(
        # Deleted tickets are in no report of Zendesk's either. "Mark as spam" is what deletes a ticket and its sender;
        # nothing in the row tells it from a ticket deleted for another reason.
        ("status", {"deleted": "spam"}),
        # Set by Zendesk on the ticket that was closed when it was merged into another, which holds the contact.
        ("tags", {"closed_by_merge": "merged"}),
        # A call that the agent made; `rel` is 'inbound' or 'voicemail' for the customer's own.
        ("via_source_rel", {"outbound": "outbound"}),
        ("via_source", {'"rel":"outbound"': "outbound"}),
    ),
    lists=frozenset({"tags", "via_source"}),
    foreign=frozenset({"ticket_id", "chat_id"}),
)

# The incident table and the task table below it: exported by ServiceNow itself (field names in CSV and JSON, labels in
# Excel; all nested with `sysparm_display_value=all`), or copied to a warehouse, where references are `..._value`.
# The task table has no caller and holds changes and problems too, told apart by `sys_class_name`, here the topic.
# Not mapped: `opened_by` (the agent who took the call, as a rule), the durations and `..._stc` (time until resolved,
# waiting included, not time worked). A canceled incident stays in: it may be a duplicate, unnecessary or none at all,
# and the row does not say which.
SERVICENOW = Preset(
    name="servicenow",
    signatures=(
        frozenset({"number", "opened_at", "caller_id"}),
        frozenset({"number", "opened_at", "caller_id_value"}),
        frozenset({"number_value", "opened_at_value", "caller_id_value"}),
        frozenset({"sys_id", "sys_created_on", "caller_id"}),
        frozenset({"sys_id", "sys_created_on", "caller_id_value"}),
        frozenset({"number", "opened", "caller", "assignment_group"}),
        frozenset({"number", "opened_at", "sys_class_name", "contact_type", "reassignment_count"}),
    ),
    columns={
        "external_id": _both("number", "sys_id"),
        "opened_at": (*_both("opened_at"), "opened", *_both("sys_created_on")),
        # Resolved incidents are closed by a timer days later: `resolved_at` is when the work was done.
        "closed_at": (*_both("resolved_at"), "resolved", *_both("closed_at"), "closed"),
        "channel": (*_both("contact_type"), "channel"),
        "topic": (*_both("category", "sys_class_name"), "task_type"),
        "customer": (*_both("caller_id"), "caller"),
        "agent": _both("assigned_to", "resolved_by"),
        "team": _both("assignment_group"),
        "handoffs": _both("reassignment_count"),
        "reopens": _both("reopen_count"),
        "text": _both("description", "short_description"),
    },
    # "Duplicate" is a resolution code of the base system: the same incident had been recorded already.
    exclusions=(
        ("close_code", {"duplicate": "merged"}),
        ("close_code_value", {"duplicate": "merged"}),
        ("resolution_code", {"duplicate": "merged"}),
    ),
    foreign=frozenset(
        {
            *("backout_plan", "cab_required", "change_task_type"),
            *("known_error", "problem_state", "problem_task_type"),
            *("cat_item", "request_item"),
        }
    ),
)

# The conversation table of a warehouse copy, which keeps a row for each state a conversation was in.
# Not mapped: closing, handovers and replies (only other tables tell them; `updated_at` is not when it was closed),
# `first_contact_reply` (the customer's first message, not ours) and ratings, as with Zendesk.
INTERCOM = Preset(
    name="intercom",
    signatures=(frozenset({"id", "created_at", "state", "source_type", "source_author_id"}),),
    columns={
        "external_id": ("id",),
        "opened_at": ("created_at",),
        "channel": ("source_type",),
        "customer": ("source_author_id",),
        "agent": ("assignee_id",),
        "team": ("team_assignee_id",),
        "text": ("source_body",),
    },
    # Begun by a teammate, a campaign or a series: we wrote first. A custom bot (operator_initiated) greets a customer
    # who came by, so that one counts; its author is the bot, hence no customer.
    exclusions=(
        (
            "source_delivered_as",
            dict.fromkeys(("admin_initiated", "automated", "campaigns_initiated"), "outbound"),
        ),
    ),
    foreign=frozenset({"conversation_id", "part_type", "has_hard_bounced", "marked_email_as_spam"}),
    as_of=("updated_at", "_fivetran_start", "_fivetran_synced"),
    where={
        "customer": ("source_author_type", frozenset({"user", "lead", "contact"})),
        "agent": ("assignee_type", frozenset({"admin"})),
    },
)

# The ticket object of both versions of the API (a list, one ticket, or one with its conversations beside it), and the
# CSV that agents export. Codes as in the API's description; the first version names them in `source_name` itself.
# Not mapped: `type` (question, incident, problem, request: how agents sort; --map topic=... takes a field of your
# own), `stats_reopened_at` (when, not how often), the ids of companies (many people are one company).
FRESHDESK = Preset(
    name="freshdesk",
    signatures=(
        frozenset({"id", "created_at", "requester_id", "responder_id", "source", "status"}),
        frozenset({"ticket_id", "created_time", "resolved_time", "status"}),
    ),
    columns={
        "external_id": ("display_id", "id", "ticket_id"),
        "opened_at": ("created_at", "created_time"),
        # Resolved tickets are closed by a timer or by the customer: `resolved_at` is when the work was done.
        "closed_at": ("stats_resolved_at", "stats_closed_at", "resolved_time", "closed_time"),
        "channel": ("source_name", "source"),
        "customer": ("requester_id", "contact_id", "email"),
        "agent": ("responder_id", "agent"),
        "team": ("group_name", "group", "group_id"),
        "text": ("description_text", "description"),
    },
    exclusions=(
        ("spam", {"true": "spam", "1": "spam"}),
        # Nothing in the row tells why a ticket was thrown away; as with Zendesk it is in no report of the vendor's.
        ("deleted", {"true": "spam", "1": "spam"}),
        ("source", {"10": "outbound", "outbound email": "outbound"}),
    ),
    foreign=frozenset(
        {
            *("helpdesk_agent", "fb_profile_id", "available_since", "ticket_scope"),
            *("escalate_to", "auto_ticket_assign", "timer_running", "incoming"),
        }
    ),
    # A ticket that was reopened keeps the time at which it had been resolved.
    where={"closed_at": ("status", frozenset({"4", "5", "resolved", "closed"}))},
    words={
        "channel": {
            **dict(zip("1234567", ("Email", "Portal", "Phone", "Forum", "Twitter", "Facebook", "Chat"), strict=True)),
            "9": "Feedback Widget",
            "10": "Outbound Email",
        }
    },
)

# The Case object by its documented fields: as the API and Data Export name them, as a warehouse spells them, and by
# the labels of a report. Only a case has a CaseNumber; the `Id` is what no one quotes.
# Not mapped: AccountId (many people are one company; --map customer=AccountId where each customer is an account), the
# contact's name (two people may share one), ParentId (another case, not the same), IsEscalated (no count of handovers).
SALESFORCE = Preset(
    name="salesforce",
    signatures=(
        frozenset({"casenumber", "createddate"}),
        frozenset({"case_number", "created_date", "contact_id", "is_closed"}),
        frozenset({"case_number", "date/time_opened"}),
    ),
    columns={
        "external_id": ("casenumber", "case_number"),
        "opened_at": ("createddate", "created_date", "date/time_opened"),
        "closed_at": ("closeddate", "closed_date", "date/time_closed"),
        "channel": ("origin", "case_origin"),
        "topic": ("reason", "case_reason", "type", "case_type"),
        "customer": ("contactid", "contact_id"),
        "agent": ("ownerid", "owner_id", "case_owner"),
        "text": ("description",),
    },
    exclusions=(
        # The case that remained after a merge: the duplicate is deleted or kept, as the organisation has set it.
        ("masterrecordid", {ANYTHING: "merged"}),
        ("master_record_id", {ANYTHING: "merged"}),
        # In the recycle bin, nothing says why.
        ("isdeleted", {"true": "spam", "1": "spam"}),
        ("is_deleted", {"true": "spam", "1": "spam"}),
    ),
    foreign=frozenset({"whoid", "whatid", "who_id", "what_id"}),
)

# What Django's dumpdata writes, all models in one list, and the table of tickets itself.
# Not mapped: `queue` as the topic (it is whose ticket it is; where each product has a queue of its own,
# --map topic=fields_queue), closing (there is none, and `modified` is any change), the follow-ups (other objects).
DJANGO_HELPDESK = Preset(
    name="django-helpdesk",
    signatures=(
        frozenset({"model", "pk", "fields_created", "fields_submitter_email"}),
        frozenset({"id", "created", "submitter_email", "queue_id", "assigned_to_id"}),
    ),
    columns={
        "external_id": ("pk", "id"),
        "opened_at": ("fields_created", "created"),
        "customer": ("fields_submitter_email", "submitter_email"),
        "agent": ("fields_assigned_to", "assigned_to_id"),
        "team": ("fields_queue", "queue_id"),
        "text": ("fields_description", "description"),
    },
    exclusions=(
        ("fields_merged_to", {ANYTHING: "merged"}),
        ("merged_to_id", {ANYTHING: "merged"}),
        ("fields_status", {"5": "merged"}),  # "Duplicate"
        ("status", {"5": "merged"}),
    ),
    only=("model", frozenset({"helpdesk.ticket"})),
)

PRESETS: dict[str, Preset] = {
    preset.name: preset for preset in (GENERIC, ZENDESK, SERVICENOW, INTERCOM, FRESHDESK, SALESFORCE, DJANGO_HELPDESK)
}
