"""What agents read is there in Norwegian and Swedish: no page of theirs asks for a sentence that a catalogue lacks."""

from gettext import GNUTranslations

import pytest
from django.conf import settings
from django.db import transaction
from django.utils.translation import to_language

from tests import make
from tests.access.agent_pages import PAGES, House

NAMES = {name for _, name in settings.LANGUAGES}  # each in its own words

pytestmark = pytest.mark.django_db


@pytest.fixture
def unspoken(monkeypatch):
    """{(language, sentence)} that was asked for and had to be shown in English."""
    missing = set()
    one, several = GNUTranslations.gettext, GNUTranslations.ngettext

    def note(catalogue, key, sentence):
        language = to_language(catalogue.to_language()) if hasattr(catalogue, "to_language") else ""
        if language in {"nb", "sv"} and sentence and sentence not in NAMES and key not in catalogue._catalog:
            missing.add((language, sentence))

    def gettext(self, message):
        note(self, message, message)
        return one(self, message)

    def ngettext(self, first, more, number):
        note(self, (first, self.plural(number)), first)
        return several(self, first, more, number)

    monkeypatch.setattr(GNUTranslations, "gettext", gettext)
    monkeypatch.setattr(GNUTranslations, "ngettext", ngettext)
    return missing


@pytest.mark.parametrize("language", ["nb", "sv"])
def test_no_page_of_the_front_line_falls_back_to_english(language, unspoken, agent, manager):
    make.rule("A refund is paid when the parcel is scanned", customer_hears="I'm not allowed to", authority="habit")
    house = House(agent, manager)
    for voice in ("nobody", "team link", "agent", "manager"):
        for page in PAGES:
            client = house.browser(voice)
            client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
            with transaction.atomic():
                answer = house.send(client, page)
                if answer.status_code not in {302, 405} and "text/html" in answer.get("Content-Type", ""):
                    text = answer.content.decode()
                    assert "<html" not in text or f'<html lang="{language}"' in text, page
                transaction.set_rollback(True)
    assert not unspoken, "\n".join(f"{code}: {sentence!r}" for code, sentence in sorted(unspoken))
