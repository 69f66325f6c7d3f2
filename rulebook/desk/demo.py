"""The demo: a made-up web shop's rulebook and contacts, loaded through the same imports that real data takes."""

import hashlib
import hmac
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from rulebook.access.models import Person
from rulebook.access.services import department_named, give_sign_in, set_head, set_headcount, team_named
from rulebook.cases.importing import Listener, Order, import_cases
from rulebook.cases.models import ImportRun, Source
from rulebook.catalogue.claims import confirm_authority
from rulebook.catalogue.importing import import_rules
from rulebook.catalogue.models import Rule
from rulebook.desk.demo_reviews import decide, has_decided
from rulebook.desk.demo_voices import has_spoken, speak
from rulebook.desk.sample import plan, world
from rulebook.errors import CannotStart
from rulebook.insight.refreshing import refresh_figures
from rulebook.insight.voices import refresh_voices
from rulebook.journal.services import business_verb

SOURCE = "Fjordhandel help desk (made up)"
# Headcounts stand in for what a manager types in, so that figures by team may be shown.
HEADCOUNTS = dict.fromkeys(world.TEAMS.values(), 11) | {world.EVENING: 6}
ROLES = ("agent", "manager", "owner", "admin")
OWNED = "Customer service"


@dataclass(frozen=True)
class SignIn:
    username: str
    password: str | None  # None: somebody has changed it since


def refuse_in_production() -> None:
    """Raises CannotStart in production."""
    if settings.PRODUCTION:
        raise CannotStart("The demo is not for production: it makes people with known passwords. Run it elsewhere.")


def load(say: Callable[[str], None], today: date | None = None) -> None:
    """Load the sample into an empty database; after a crash what is missing, and nothing once it is there.

    Raises CannotStart in production, and where other rules, cases or people are: the demo must not mix with them.
    """
    refuse_in_production()
    today = today or timezone.localdate()
    if not ImportRun.objects.filter(source__name=SOURCE, state=ImportRun.State.FINISHED).exists():
        _load_figures(say, today)
    if not has_spoken():
        say("Letting its front line speak: flags, votes, a ballot, a rule at the front door ...")
        speak(today=today)
        refresh_voices(today)
    if not has_decided():
        say("Deciding about some of its rules: reviews, notices, a trial ...")
        decide(today=today)
        refresh_voices(today)


def _load_figures(say: Callable[[str], None], today: date) -> None:
    """The rules, the people and the cases."""
    codes = {row["code"] for row in plan.rules()}
    begun = _begun()
    if (
        Source.objects.exclude(name=SOURCE).exists()
        or Rule.objects.exclude(code__in=codes if begun else ()).exists()
        or (Person.objects.exists() and not begun)
    ):
        raise CannotStart(
            "This database holds rules, cases or people of its own, and the demo would mix with them. Nothing was "
            "loaded. Give the demo a folder of its own: RULEBOOK_DATABASE_URL= RULEBOOK_DATA_DIR=$HOME/rulebook-demo."
        )
    if not begun:
        _begin()
    say(f"Loading the rulebook of a made-up web shop: {len(codes)} rules ...")
    import_rules(plan.HERE / "rules.csv", None)
    _confirm_laws()
    end = today - timedelta(days=1)
    with tempfile.TemporaryDirectory(prefix="rulebook-demo-") as folder:
        cases, links = world.write(Path(folder), end)
        say("Loading its contacts of 14 months ...")
        order = Order(
            source=SOURCE,
            files=(cases,),
            links=links,
            time_zone="Europe/Copenhagen",
            complete_until=end.isoformat(),
        )
        import_cases(order, None, Listener())
    refresh_figures()


def _begun() -> bool:
    """Whether an earlier load has made the people: all at once, so that no other person is taken for one of them."""
    return Person.objects.filter(username__in=ROLES, team__name=world.EVENING).count() == len(ROLES)


@business_verb
def _begin() -> None:
    """The people and teams, in one transaction. Never done twice: passwords and heads may have changed since."""
    for name, headcount in HEADCOUNTS.items():
        set_headcount(team=team_named(name=name, by=None), headcount=headcount, by=None)
    evening = team_named(name=world.EVENING, by=None)
    for role in ROLES:
        person = give_sign_in(username=role, password=_password(role), role=role, team=evening, by=None)
        if role == "owner":
            set_head(department=department_named(name=OWNED, by=None), head=person, by=None)


def _confirm_laws() -> None:
    """An import only claims laws and contracts; the demo's become policies while somebody tries it out, if unread."""
    reader = Person.objects.get(username="admin")
    for rule in Rule.objects.filter(authority__in=Rule.NOT_OURS, confirmed_at=None).order_by("code"):
        confirm_authority(rule=rule, by=reader)


def sign_ins() -> list[SignIn]:
    """The demo's people with their passwords, as far as nobody has changed them."""
    found = []
    for person in Person.objects.filter(username__in=ROLES).order_by("pk"):
        password = _password(person.username)
        found.append(SignIn(person.username, password if person.check_password(password) else None))
    return found


def _password(username: str) -> str:
    """The same at every start of this installation, another one on the next machine."""
    digest = hmac.digest(settings.SECRET_KEY.encode(), f"demo|{username}".encode(), hashlib.sha256)
    return f"{username}-{digest.hex()[:10]}"
