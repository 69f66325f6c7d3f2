"""What Danish, Norwegian and Swedish houses call the columns of a list of cases. Data, and the spellings of it.

Only names that can mean one thing in such a list are here. Left out on purpose: dato/datum (of what?), type/typ,
status, årsag (of the contact, or of the closing?), svar (the text or the number?), afdeling (ours or the customer's?),
ansvarlig (a person or a unit?), ordrenr (an order is no case), behandlingstid without its unit. "Løst" is read as yes
or no; dates stand under "løst den" or "løsningsdato".
"""

from collections.abc import Iterable

# Danish; Norwegian; Swedish. Best first: a number before a name, a category before a subject line.
NAMES = {
    "external_id": (
        "sagsnr sagsnummer sags_nr sags_nummer sag_nr sagsid sags_id sag_id henvendelsesnr henvendelsesnummer "
        "henvendelses_id; "
        "saksnr saksnummer saks_nr saks_nummer sak_nr saksid saks_id sak_id henvendelsesnr henvendelsesnummer "
        "henvendelses_id; "
        "ärendenr ärendenummer ärende_nr ärende_nummer ärendeid ärende_id"
    ),
    "opened_at": (
        "oprettet oprettet_den oprettet_d oprettet_dato dato_oprettet oprettelsesdato oprettelsestidspunkt "
        "åbnet åbnet_den åbningsdato modtaget modtaget_den modtagelsesdato henvendelsesdato; "
        "opprettet opprettet_den opprettet_dato dato_opprettet opprettelsesdato opprettelsestidspunkt "
        "åpnet åpnet_dato mottatt mottatt_dato mottaksdato henvendelsesdato; "
        "skapad skapat skapades skapad_den skapad_datum skapat_datum skapandedatum "
        "öppnad öppnat öppnades öppnad_datum öppningsdatum mottaget mottagen inkommen inkom ankomstdatum"
    ),
    "closed_at": (
        "løst_den løst_dato løsningsdato løsningstidspunkt lukket lukket_den lukket_d lukket_dato dato_lukket "
        "lukkedato lukketidspunkt lukningsdato afsluttet afsluttet_den afsluttet_dato afslutningsdato; "
        "løst_den løst_dato løsningsdato løsningstidspunkt lukket lukket_den lukket_dato dato_lukket lukkedato "
        "lukketidspunkt avsluttet avsluttet_den avsluttet_dato avslutningsdato; "
        "löst_den löst_datum lösningsdatum stängd stängt stängdes stängd_datum stängningsdatum "
        "avslutad avslutat avslutades avslutad_datum avslutsdatum"
    ),
    "channel": "kanal kontaktkanal henvendelseskanal; kanal kontaktkanal henvendelseskanal; kanal kontaktkanal",
    "topic": (
        "kategori sagskategori sagstype henvendelsestype henvendelsesårsag kontaktårsag tema emne; "
        "kategori sakskategori sakstype henvendelsestype henvendelsesårsak kontaktårsak tema emne; "
        "kategori ärendekategori ärendetyp kontaktorsak tema ämne"
    ),
    "customer": (
        "kundenr kundenummer kunde_nr kunde_nummer kundeid kunde_id kunde; "
        "kundenr kundenummer kunde_nr kunde_nummer kundeid kunde_id kunde; "
        "kundnr kundnummer kund_nr kund_nummer kundid kund_id kund"
    ),
    "agent": (
        "medarbejder sagsbehandler kundemedarbejder; "
        "medarbeider saksbehandler kundebehandler; "
        "medarbetare handläggare ärendehandläggare"
    ),
    "team": "hold; lag; lag",
    "handoffs": (
        "overdragelser antal_overdragelser viderestillinger antal_viderestillinger; "
        "overføringer antall_overføringer viderekoblinger antall_viderekoblinger; "
        "överlämningar antal_överlämningar vidarekopplingar antal_vidarekopplingar"
    ),
    "reopens": (
        "genåbnet genåbninger antal_genåbninger gange_genåbnet; "
        "gjenåpnet gjenåpninger antall_gjenåpninger ganger_gjenåpnet; "
        "återöppnad återöppnat återöppningar antal_återöppningar"
    ),
    "replies": "antal_svar; antall_svar; antal_svar",
    "handle_seconds": (
        "behandlingstid_sekunder behandlingstid_(sekunder) behandlingstid_sek behandlingstid_(sek); "
        "behandlingstid_sekunder behandlingstid_(sekunder) behandlingstid_sek behandlingstid_(sek); "
        "hanteringstid_sekunder hanteringstid_(sekunder) handläggningstid_sekunder handläggningstid_(sekunder)"
    ),
    "declared": (
        "løst_ved_første_kontakt løst_i_første_kontakt løst_ved_første_henvendelse løst_første_gang "
        "førstegangsløst løst_(ja/nej) løst; "
        "løst_ved_første_kontakt løst_i_første_kontakt løst_ved_første_henvendelse løst_første_gang "
        "løst_(ja/nei) løst; "
        "löst_vid_första_kontakten löst_vid_första_kontakt löst_i_första_kontakten löst_(ja/nej) löst"
    ),
    "direction": "retning; retning; riktning",
    "rules": "regler regel regelkoder regelkode; regler regel regelkoder regelkode; regler regel regelkoder regelkod",
    "text": "beskrivelse; beskrivelse; beskrivning",
}
# Words of another language too ("calls on hold", "response lag"): taken only beside a column that is plainly Nordic.
SHARED = frozenset({"hold", "lag", "regel", "tema"})
# What dropping the dots and rings makes of a name, and is a word of its own: never taken.
MISREAD = frozenset({"lost"})
_LONG = str.maketrans({"æ": "ae", "ø": "oe", "å": "aa", "ä": "ae", "ö": "oe"})
_SHORT = str.maketrans({"æ": "ae", "ø": "o", "å": "a", "ä": "a", "ö": "o"})


def spellings(name: str) -> tuple[str, ...]:
    """The name as written, with two letters for each that keyboards abroad lack, and with one.

    >>> spellings("genåbnet"), spellings("löst")
    (('genåbnet', 'genaabnet', 'genabnet'), ('löst', 'loest'))
    """
    forms = (name, name.translate(_LONG), name.translate(_SHORT))
    return tuple(form for form in dict.fromkeys(forms) if form not in MISREAD)


def with_nordic(field: str) -> tuple[str, ...]:
    """The Nordic names of a field, in all spellings, best first."""
    languages = [[spellings(name) for name in names.split()] for names in NAMES.get(field, "").split(";")]
    longest = max(map(len, languages))
    ranked = (names[rank] for rank in range(longest) for names in languages if rank < len(names))
    return tuple(dict.fromkeys(form for forms in ranked for form in forms))


def plainly_nordic(names: Iterable[str]) -> bool:
    """Whether some column has a name that is Nordic and nothing else.

    >>> plainly_nordic(["id", "hold"]), plainly_nordic(["sagsnr", "hold"])
    (False, True)
    """
    return not _PLAIN.isdisjoint(names)


_PLAIN = frozenset(form for field in NAMES for form in with_nordic(field)) - SHARED
