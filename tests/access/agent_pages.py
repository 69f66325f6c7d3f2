"""Every page outside the admin, and what it answers: one table. A test fails on a page that is not in it.

The five statuses of a page are those of nobody, a team's link, a revoked team's link, an agent and a manager.
"""

from dataclasses import dataclass, field
from typing import Any

from django.test import Client
from django.urls import reverse

from rulebook.access.services import revoke_team_link
from tests import make

VOICES = ("nobody", "team link", "revoked link", "agent", "manager")
Statuses = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class Page:
    name: str
    statuses: Statuses
    asked: str = ""
    post: dict[str, Any] | None = field(default=None, hash=False)
    given: dict[str, Any] = field(default_factory=dict, hash=False)  # parts of the address

    def __str__(self) -> str:
        return f"{'POST ' if self.post is not None else ''}{self.name}{self.asked and '?'}{self.asked}"


def everybody(status: int) -> Statuses:
    return (status,) * 5


# Without a voice: to the sign-in, and back; what was sent is shown and refused.
VOICE, SAID = (302, 200, 302, 200, 200), (403, 422, 403, 422, 422)
SHEET, SHEET_SENT = (302, 302, 302, 403, 200), (403, 403, 403, 403, 422)

PAGES = [
    Page("home", everybody(302)),
    Page("team_door", everybody(404), given={"token": "made-up"}),
    Page("team_door", everybody(404), given={"token": "REVOKED"}),
    Page("team_door", everybody(302), given={"token": "TOKEN"}),
    Page("team_door", everybody(405), given={"token": "TOKEN"}, post={}),
    Page("sign_in", everybody(200)),
    Page("sign_in", everybody(422), post={"username": "nobody", "password": "wrong"}),
    Page("sign_out", everybody(405)),
    Page("sign_out", everybody(200), post={}),
    Page("promise", everybody(200)),
    Page("set_language", everybody(302)),
    Page("set_language", everybody(302), post={"language": "da", "next": "/promise/"}),
    # flags
    Page("flag", VOICE),
    Page("flag", VOICE, "rule=R-9999&channel=phone"),
    Page("flag", SAID, post={}),
    Page("flag", (403, 200, 403, 200, 200), post={"stopped": "A rule", "anonymous": "on"}),
    Page("flag_rules", (302, 405, 302, 405, 405)),
    Page("flag_rules", (403, 200, 403, 200, 200), post={"rule_words": "refund"}),
    Page("flag_more", everybody(302)),
    Page("flag_more", (403, 409, 403, 409, 409), post={}),  # more than an hour after the flag
    Page("hearing", VOICE),
    Page("hearing", (403, 405, 403, 405, 405), post={}),
    Page("receipt", everybody(200)),
    Page("receipt", everybody(422), post={"code": "7KM-R4T-2QX"}),
    Page("answers", VOICE),
    Page("answers", VOICE, "page=2"),
    # notices
    Page("notices", VOICE),
    Page("notices", VOICE, "of=2"),
    Page("notices", (403, 409, 403, 409, 409), post={}),  # it names no notice
    Page("notices", (403, 302, 403, 302, 302), post={"notice": "NOTICE", "text": "TEXT", "of": "1"}),
    Page("notices_today", VOICE),
    Page("notices_earlier", VOICE),
    Page("notices_earlier", (403, 200, 403, 200, 200), post={"q": "refund", "page": "2"}),
    Page("notice", VOICE, given={"number": "NOTICE"}),
    Page("notice", (302, 404, 302, 404, 404), given={"number": 999_999}),
    # votes
    Page("vote", VOICE),
    Page("vote", (403, 409, 403, 409, 409), post={}),  # it names no card
    Page("vote_mine", VOICE),
    Page("vote_mine", (403, 405, 403, 405, 405), post={}),
    Page("vote_ballot", VOICE, given={"number": "BALLOT"}),
    Page("vote_ballot", (302, 404, 302, 404, 404), given={"number": 999_999}),
    Page("vote_ballot", (403, 409, 403, 409, 409), given={"number": "BALLOT"}, post={}),
    Page("vote_result", (302, 409, 302, 409, 409), given={"number": "BALLOT"}),  # it is open, and so sealed
    # the one link of an owner's letter: for whoever answers for the rule, and those at the desk
    Page("review", (302, 302, 302, 403, 200), given={"number": "REVIEW"}),
    Page("review", (403, 403, 403, 403, 422), given={"number": "REVIEW"}, post={}),  # it says neither yes nor no
    # the sheet of paper: for people who signed in and may write rules down
    Page("capture", SHEET),
    Page("capture", SHEET_SENT, post={}),
    Page("capture_sort", SHEET),
    Page("capture_sort", (403, 403, 403, 403, 409), post={}),  # the rule that it names is gone
]


class House:
    """What the addresses of the table name in capitals, and everybody who opens them."""

    def __init__(self, agent: Any, manager: Any) -> None:
        team = make.team("Calls", headcount=12)
        _working, token = make.team_link(team)
        spent, spent_token = make.team_link(team)
        self.people = {"agent": agent, "manager": manager}
        self.cookies = {"team link": make.came_by(token).cookies, "revoked link": make.came_by(spent_token).cookies}
        revoke_team_link(link=spent, by=None)
        notice = make.notice()
        self.names: dict[str, Any] = {
            "TOKEN": token, "REVOKED": spent_token, "REVIEW": make.review().pk, "BALLOT": make.ballot().pk,
            "NOTICE": notice.pk, "TEXT": notice.text_hash,
        }  # fmt: skip

    def browser(self, voice: str) -> Client:
        """A browser of its own for each page: what one page sets the next does not see."""
        client = Client()
        if voice in self.people:
            client.force_login(self.people[voice])
        client.cookies.update(self.cookies.get(voice, {}))
        return client

    def send(self, client: Client, page: Page) -> Any:
        given = {name: self.names.get(value, value) for name, value in page.given.items()}
        address = reverse(page.name, kwargs=given) + (f"?{page.asked}" if page.asked else "")
        if page.post is None:
            return client.get(address)
        return client.post(address, {name: self.names.get(value, value) for name, value in page.post.items()})
