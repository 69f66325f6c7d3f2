"""Column names: what a Danish, Norwegian or Swedish house calls them is understood, and nothing is guessed."""

import pytest

from rulebook.cases.nordic import MISREAD, NAMES, SHARED, with_nordic
from rulebook.cases.presets import FIELDS, choose, plain
from rulebook.errors import CannotStart
from tests.cases.importer import do_import, table


def read(*columns):
    """Field -> the column it is read from."""
    return {field: columns[place] for field, place in choose("t.csv", columns, "auto", {}).columns.items()}


DANISH = {
    "external_id": "Sagsnr.", "opened_at": "Oprettet", "closed_at": "Lukket", "channel": "Kanal", "topic": "Emne",
    "customer": "Kundenr", "agent": "Medarbejder", "team": "Hold", "handoffs": "Antal viderestillinger",
    "reopens": "Genåbnet", "replies": "Antal svar", "declared": "Løst", "direction": "Retning", "rules": "Regler",
}  # fmt: skip
NORWEGIAN = {
    "external_id": "Saksnummer", "opened_at": "Opprettet", "closed_at": "Avsluttet", "channel": "Kanal",
    "topic": "Kategori", "customer": "Kundenummer", "agent": "Saksbehandler", "team": "Lag",
    "handoffs": "Antall viderekoblinger", "reopens": "Gjenåpnet", "replies": "Antall svar",
    "declared": "Løst ved første kontakt", "direction": "Retning", "rules": "Regelkode",
}  # fmt: skip
SWEDISH = {
    "external_id": "Ärendenummer", "opened_at": "Skapad", "closed_at": "Stängd", "channel": "Kanal", "topic": "Ämne",
    "customer": "Kundnummer", "agent": "Handläggare", "team": "Team", "handoffs": "Antal överlämningar",
    "reopens": "Återöppnad", "replies": "Antal svar", "declared": "Löst vid första kontakten", "direction": "Riktning",
    "rules": "Regelkod",
}  # fmt: skip


@pytest.mark.parametrize("house", [DANISH, NORWEGIAN, SWEDISH], ids=["da", "nb", "sv"])
def test_each_language_is_understood(house):
    assert read(*house.values()) == house


@pytest.mark.parametrize("house", [DANISH, NORWEGIAN, SWEDISH], ids=["da", "nb", "sv"])
@pytest.mark.parametrize("letters", ["æae øoe åaa äae öoe", "æae øo åa äa öo"])
def test_letters_that_a_keyboard_lacks_are_understood(house, letters):
    spelt = str.maketrans({pair[0]: pair[1:] for pair in letters.split()})
    plainer = {field: name.lower().translate(spelt) for field, name in house.items()}
    expected = {field: name for field, name in plainer.items() if name not in MISREAD}
    assert read(*plainer.values()) == expected
    assert len(expected) >= len(house) - 1


def test_letters_made_of_two_code_points_are_understood():
    assert read("A\u0308rendenr", "Skapad", "A\u030atero\u0308ppnad")["reopens"] == "A\u030atero\u0308ppnad"


def test_lost_is_an_english_word():
    assert "declared" not in read("sagsnr", "oprettet", "lost")
    assert read("sagsnr", "oprettet", "loest")["declared"] == "loest"
    assert read("sagsnr", "oprettet", "Løst?")["declared"] == "Løst?"
    assert read("ärendenr", "skapad", "Löst (ja/nej)")["declared"] == "Löst (ja/nej)"


def test_a_word_of_two_languages_is_taken_beside_a_plainly_nordic_one_only():
    assert "team" not in read("external_id", "opened_at", "hold", "lag")
    assert read("sagsnr", "oprettet", "hold")["team"] == "hold"
    assert read("external_id", "opened_at", "kundenr", "hold")["team"] == "hold"
    assert read("external_id", "opened_at", "hold", "team")["team"] == "team"


def test_a_number_goes_before_a_name_and_a_category_before_a_subject_line():
    assert read("sagsnr", "oprettet", "kunde", "kundenr", "emne", "kategori") == {
        "external_id": "sagsnr", "opened_at": "oprettet", "customer": "kundenr", "topic": "kategori",
    }  # fmt: skip
    assert read("sagsnr", "oprettet", "kunde", "emne") == {
        "external_id": "sagsnr", "opened_at": "oprettet", "customer": "kunde", "topic": "emne",
    }  # fmt: skip
    assert read("saksnr", "opprettet", "lukket", "løst dato")["closed_at"] == "løst dato"


@pytest.mark.parametrize(
    "word",
    [
        *("dato", "datum", "id", "nr", "type", "typ", "status", "årsag", "årsak", "orsak", "svar", "afdeling"),
        *("avdeling", "avdelning", "ansvarlig", "ansvarig", "ordrenr", "behandlingstid", "prioritet", "navn", "namn"),
    ],
)
def test_a_word_that_may_mean_several_things_is_not_guessed(word):
    layout = choose("t.csv", ["sagsnr", "oprettet", word], "auto", {})
    assert set(layout.columns) == {"external_id", "opened_at"} and layout.unused == (word,)


def test_a_list_of_something_else_is_still_refused():
    with pytest.raises(CannotStart, match="no column for external_id"):
        choose("kunder.csv", ["kundenr", "navn", "oprettet"], "auto", {})


def test_every_name_belongs_to_one_field_and_is_written_as_columns_are_compared():
    assert set(NAMES) <= set(FIELDS)
    fields = {}
    for field in NAMES:
        assert len(NAMES[field].split(";")) == 3, f"{field} needs a name in each language"
        for name in with_nordic(field):
            assert name == plain(name)
            assert fields.setdefault(name, field) == field
    assert not fields.keys() & set(FIELDS) - {"team"}
    assert fields.keys() >= SHARED


@pytest.mark.django_db
def test_a_danish_file_becomes_cases(tmp_path):
    file = table(
        tmp_path / "sager.csv",
        "Sagsnr. Oprettet Lukket Kanal Emne Kundenr Løst Genåbnet Retning",
        ["1", "05-01-2026 10:00", "05-01-2026 11:00", "telefon", "retur", "77", "ja", "0", "indgående"],
        ["2", "07-01-2026 10:00", "07-01-2026 11:00", "telefon", "retur", "77", "nej", "1", "indgående"],
        ["3", "30-01-2026 10:00", "", "telefon", "retur", "78", "", "", "udgående"],
    )
    done = do_import(file)
    assert (done.created, done.excluded, done.rejected, done.warned) == (2, 1, 0, [])
