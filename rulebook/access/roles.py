"""The roles table: what each group of people may do. Groups are made to match it after every migrate."""

from django.contrib.auth.models import Group, Permission

MANAGE = ("view", "add", "change")
VIEW = ("view",)

# role -> {model label: actions}. A role that is not named for a model may do nothing with it.
ROLES: dict[str, dict[str, tuple[str, ...]]] = {
    "agent": {},
    "manager": {
        "catalogue.rule": MANAGE,
        "catalogue.ruleversion": VIEW,
        "catalogue.topic": MANAGE,
        "catalogue.alias": VIEW,
        "catalogue.proposal": MANAGE,  # add: propose; change: decide
        "votes.ballot": MANAGE,
        "access.department": VIEW,
        "access.team": VIEW,
        "access.teamlink": MANAGE,  # add: make; change: revoke
        "access.closedperiod": MANAGE,
        "access.letter": VIEW,
        "cases.source": ("view", "change"),
        "cases.case": VIEW,
        "cases.caserule": MANAGE,
        "cases.pendinglink": VIEW,
        "cases.importrun": VIEW,
        "cases.upload": ("view", "add"),
        "flags.flag": ("view", "change"),
        "flags.audit": ("view", "add", "change"),  # add: draw one; change: read its contacts
        "insight.hourlycost": ("change",),
        "notices.notice": ("view", "change"),
        "review.review": MANAGE,  # add: mark; change: decide
        "journal.event": VIEW,
        "journal.actor": VIEW,
        "journal.note": VIEW,
    },
    "owner": {
        "catalogue.rule": ("view", "change"),  # of the own departments: `rights.py`
        "catalogue.ruleversion": VIEW,
        "catalogue.topic": VIEW,
        "catalogue.proposal": ("view", "add"),
        "flags.flag": ("view", "change"),  # on the rules of the own departments: `flags/answering.py`
        "notices.notice": VIEW,
        "review.review": ("view", "add"),  # and agree or object, for the own rules: `review/states.py`
        "journal.event": VIEW,
    },
    "operator": {
        "access.person": MANAGE,
        "access.department": MANAGE,
        "access.team": MANAGE,
        "access.closedperiod": MANAGE,
        "access.letter": VIEW,
        "cases.source": ("view", "change"),
        "cases.importrun": VIEW,
        "cases.upload": ("view", "add"),
        "journal.event": VIEW,
    },
}


def sync_roles() -> None:
    """Make the groups hold exactly the permissions of the table. Groups of other names are left alone."""
    for role, grants in ROLES.items():
        wanted = {
            (label.partition(".")[0], f"{action}_{label.partition('.')[2]}")
            for label, actions in grants.items()
            for action in actions
        }
        found = [
            permission
            for permission in Permission.objects.select_related("content_type")
            if (permission.content_type.app_label, permission.codename) in wanted
        ]
        Group.objects.get_or_create(name=role)[0].permissions.set(found)
