"""Sixty things that agents type, misspelt or in words of their own, and the rule that each of them means.

Written before the search that is measured by them, and not changed to suit it. They look among the sample rulebook,
the guidelines of a real shop, paragraphs of Nordic statutes, and twenty short rules made up here in Norwegian and
Swedish, of which the sample has none.
"""

import csv
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

SAMPLE = Path(__file__).resolve().parents[2] / "rulebook" / "desk" / "sample" / "rules.csv"
FIELDS = ("code", "title", "text", "customer_hears")


@dataclass(frozen=True)
class Typed:
    language: str
    text: str
    finds: str  # the code of the rule that is meant


def _typed(language: str, pairs: str) -> list[Typed]:
    rows = (line.split("|") for line in pairs.strip().splitlines())
    return [Typed(language, text.strip(), code.strip()) for text, code in rows]


TYPED = [
    *_typed(
        "en",
        """
        refnd only after warehous scans the return            | R-0001
        cant refund more than 500                             | R-0002
        custmer has to ring the carrier himself               | R-0003
        max 180 secs on the phone                             | R-0004
        change a order that is payed                          | R-0005
        fotos of the damage before we open a case             | R-0012
        adress locked after lable printed                     | R-0014
        shift leader decides on goodwil vouchers              | R-0011
        giftcard cant be payed out as cash                    | R-0019
        not allowed to promise delivry date                   | R-0018
        pasword reset link to other e-mail                    | R-0010
        please send a mail abuot the rest                     | R-0004
        overnigth shipping upgrade                            | ABCD Manage Upgrade
        promocode out-of-date                                 | ABCD Promo Code Out of Date
        shoping cart does not update                          | ABCD Cart Not Updating
        """,
    ),
    *_typed(
        "da",
        """
        label til retur på mail                               | R-0054
        gavekort kan ikke byttes til kontanter                | R-0019
        tilbagebetaling over 5000 godkendes af to             | R-0065
        faktura rettes kun af oekonomi                        | R-0013
        vagtleder bestemer om gavekort                        | R-0011
        fortrydelses ret 14 dage                              | R-0023
        batteri opsvulmet må ikke sendes med post             | R-0033
        kunden skal selv ringe til fragtfirma                 | R-0003
        skærmbilled af lavere pris                            | R-0020
        returnumer udenpå pakken                              | R-0055
        aegtefaelle ringer om ordren                          | R-0022
        ikke sige hvilken dato pakken kommer                  | R-0018
        læse koden op i telefonen                             | R-0021
        tilmelde til nyhedsbreve uden ja                      | R-0032
        samtykke til cookies lagring af oplysninger           | da/08 § 3
        """,
    ),
    *_typed(
        "nb",
        """
        etikett til retur på epost                            | N-01
        gavekort utbetales ikke                               | N-02
        vaktleder må gi rabbatt                               | N-03
        ringe transportøren sjøl ved forsinka pake            | N-04
        endre adresse for levering etter merking              | N-05
        penger tilbake først når retur er registrert på lager | N-06
        samtaler maks fire minuter                            | N-07
        si opp abonnement skriftlig                           | N-08
        angreret 14 dager                                     | N-09
        apnet elektronikk i retur                             | N-10
        egenandel hos nettlegge                               | nb/14 § 5
        hente bankopplysninger automatisk                     | nb/20 § 3
        faktura når måledata mangler                          | nb/24 § 6
        begjering om utlegg                                   | nb/20 § 2
        energimaler må være installert                        | nb/24 § 5
        """,
    ),
    *_typed(
        "sv",
        """
        retur sedel med epost                                 | S-01
        presenkort mot kontanter                              | S-02
        gruppchefen bestämmer om kompensasion                 | S-03
        ringa fraktbolag när paket försennat                  | S-04
        andra adress for leverans                             | S-05
        betala tillbaka innan returen är mottagen             | S-06
        samtalstid max fyra minuter                           | S-07
        säga upp abonemang skriftligt                         | S-08
        ångerratt 14 dar                                      | S-09
        oppnad elektronik retur                               | S-10
        inkassokrav måste vara skriftligt                     | sv/36 § 5
        vegra konsument att teckna forsakring                 | sv/30 § 9
        inom tre manader efter inställd resa                  | sv/40 § 8
        patientnämnden hjälper med klagomal                   | sv/08 § 2
        påminnelse om betalning femtio kronor                 | sv/28
        """,
    ),
]

OWN = """
N-01|Returetiketten sendes bare på e-post|Kunden får etiketten fra retursystemet. Vi skriver den ikke ut i butikken.|
N-02|Gavekort kan ikke byttes i penger|Kortet gjelder til datoen som står på det. Vi betaler det ikke ut.|
N-03|Bare vaktlederen kan gi rabatt etter en feil|Skriv et notat. Kunden får svar senere.|Det kan jeg ikke bestemme
N-04|Kunden må selv ringe transportøren når pakken er forsinket|Vi gir kunden nummeret, men ringer ikke selv.|
N-05|Leveringsadressen kan ikke endres etter at pakken er merket|Pakken må først komme tilbake til oss.|
N-06|Vi tilbakebetaler først når lageret har registrert returen|Et sporingsnummer er ikke nok.|
N-07|En samtale skal ikke vare over fire minutter|Be kunden skrive til oss om resten.|
N-08|Oppsigelse av abonnement må være skriftlig|Ringer kunden, ber vi om en e-post.|Du må skrive til oss
N-09|Angreretten gjelder i 14 dager|Etter det tar vi ikke varen tilbake.|
N-10|Åpnet elektronikk tas ikke i retur uten godkjenning|Spør elektronikkgruppen først.|
S-01|Retursedeln skickas bara med e-post|Kunden får sedeln från retursystemet. Vi skriver inte ut den i butiken.|
S-02|Presentkort kan inte lösas in mot pengar|Kortet gäller till datumet som står på det. Vi förlänger det inte.|
S-03|Bara gruppchefen får ge kompensation|Har något gått fel avgör chefen. Kunden får svar.|Det kan jag inte bestämma
S-04|Kunden ska själv ringa fraktbolaget om paketet är försenat|Vi ger kunden numret, men ringer inte själva.|
S-05|Leveransadressen kan inte ändras efter att fraktsedeln är utskriven|Paketet måste först komma tillbaka till oss.|
S-06|Återbetalning sker först när lagret har tagit emot returen|Ett spårningsnummer räcker inte.|
S-07|Samtal får ta högst fyra minuter|Be kunden att skriva till oss om resten.|
S-08|Uppsägning av abonnemang måste vara skriftlig|Ringer kunden ber vi om ett mejl.|Du måste skriva till oss
S-09|Ångerrätten gäller i 14 dagar|Efter det tar vi inte tillbaka varan.|
S-10|Öppnad elektronik tas inte tillbaka utan godkännande|Fråga elektronikgruppen först.|
"""


def own_rules() -> list[dict[str, str]]:
    """The sample rulebook, and the rules made up here."""
    made_up = [dict(zip(FIELDS, line.split("|"), strict=True)) for line in OWN.strip().splitlines()]
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        sample = [{name: row[name] for name in FIELDS} for row in csv.DictReader(file)]
    return [*sample, *made_up]


def real_rules(world: Callable[[str], Path]) -> list[dict[str, str]]:
    """The guidelines of a real shop, and the Nordic statutes, a rule a paragraph."""
    with world("abcd/rules.csv").open(encoding="utf-8", newline="") as file:
        shop = [
            {"code": f"ABCD {row['title']}", "title": row["title"], "text": row["text"], "customer_hears": ""}
            for row in csv.DictReader(file)
        ]
    texts = world("nordic-texts/index.csv").parent
    with (texts / "index.csv").open(encoding="utf-8", newline="") as file:
        laws = [rule for row in csv.DictReader(file) for rule in _paragraphs(texts / row["file"], row)]
    return [*shop, *laws]


PARAGRAPH = re.compile(r"^(?:#+ )?(?:§ (\d+)\s?\.|(\d+) §)", re.MULTILINE)


def _paragraphs(path: Path, row: dict[str, str]) -> Iterator[dict[str, str]]:
    """A paragraph's number may come again in another chapter of its statute; only the first is taken."""
    text = path.read_text(encoding="utf-8").strip()
    law = row["file"][:5]
    found = list(PARAGRAPH.finditer(text))
    if text and not found:
        yield {"code": law, "title": row["title"], "text": text[:2000], "customer_hears": ""}
    seen: set[str] = set()
    ends = [after.start() for after in found[1:]] + [len(text)]
    for here, end in zip(found, ends if found else [], strict=True):
        number = here[1] or here[2]
        if number in seen:
            continue
        seen.add(number)
        words = text[here.end() : end].strip()
        title = f"{row['title']}, § {number}"
        yield {"code": f"{law} § {number}", "title": title[:300], "text": words[:2000], "customer_hears": ""}


# Rules of other trades, so that the words of ours (customer, mail, days, call) are common and the wrong rules many.
PARTS = {
    "en": (
        "The agent|The customer|Only the team leader|The technician|The branch|A case worker|The night shift|Sales",
        "must approve|may not change|has to report|cannot promise|must register|never sends|may cancel|has to check",
        "the meter reading|a broadband contract|the roaming limit|an insurance claim|the parking permit|a loan offer|"
        "the tenant's deposit|a library card|the heating bill|a SIM card|the boarding pass|a seat reservation|"
        "the dentist's appointment|a membership|the tax statement|a building permit",
        "before the customer has sent a mail|within {n} days|when the call lasts more than {n} minutes|above {n} kr|"
        "unless a manager says yes in writing|after the order is {n} days old|if the system shows code {n}",
    ),
    "da": (
        "Medarbejderen|Kunden|Kun teamlederen|Teknikeren|Afdelingen|Sagsbehandleren|Nattevagten|Salg",
        "skal godkende|må ikke ændre|skal indberette|kan ikke love|skal registrere|sender aldrig|må opsige|godtager",
        "måleraflæsningen|en bredbåndsaftale|roaminggrænsen|en forsikringsskade|parkeringstilladelsen|et lånetilbud|"
        "lejerens depositum|et lånerkort|varmeregningen|et simkort|boardingkortet|en pladsbillet|tandlægetiden|"
        "et medlemskab|årsopgørelsen|en byggetilladelse",
        "før kunden har skrevet en mail|inden for {n} dage|når opkaldet varer mere end {n} minutter|over {n} kr.|"
        "medmindre en leder siger ja på skrift|når ordren er {n} dage gammel|hvis systemet viser kode {n}",
    ),
    "nb": (
        "Medarbeideren|Kunden|Bare teamlederen|Teknikeren|Avdelingen|Saksbehandleren|Nattevakten|Salg",
        "skal godkjenne|kan ikke endre|skal melde|kan ikke love|skal registrere|sender aldri|kan si opp|kontrollerer",
        "måleravlesningen|en bredbåndsavtale|grensen for roaming|en forsikringsskade|parkeringstillatelsen|"
        "et lånetilbud|leietakerens depositum|et lånekort|varmeregningen|et SIM-kort|boardingkortet|en plassbillett|"
        "tannlegetimen|et medlemskap|skatteoppgjøret|en byggetillatelse",
        "før kunden har skrevet en e-post|innen {n} dager|når samtalen varer mer enn {n} minutter|over {n} kr|"
        "med mindre en leder sier ja skriftlig|når ordren er {n} dager gammel|hvis systemet viser kode {n}",
    ),
    "sv": (
        "Medarbetaren|Kunden|Bara teamledaren|Teknikern|Avdelningen|Handläggaren|Nattskiftet|Försäljning",
        "ska godkänna|får inte ändra|ska rapportera|kan inte lova|ska registrera|skickar aldrig|får säga upp|granskar",
        "mätaravläsningen|ett bredbandsavtal|gränsen för roaming|en försäkringsskada|parkeringstillståndet|"
        "ett låneerbjudande|hyresgästens deposition|ett lånekort|värmeräkningen|ett SIM-kort|boardingkortet|"
        "en platsbiljett|tandläkartiden|ett medlemskap|skattebeskedet|ett bygglov",
        "innan kunden har skrivit ett mejl|inom {n} dagar|när samtalet tar mer än {n} minuter|över {n} kr|"
        "om inte en chef säger ja skriftligt|när ordern är {n} dagar gammal|om systemet visar kod {n}",
    ),
}


def padding(count: int) -> Iterator[dict[str, str]]:
    """So many made-up rules, the same ones every time."""
    dice = random.Random(4)
    for number in range(count):
        parts = [part.split("|") for part in PARTS[("en", "da", "nb", "sv")[number % 4]]]
        who, does, what, when = (dice.choice(part) for part in parts)
        say = [dice.choice(part) for part in parts]
        title = f"{who} {does} {what} {when.format(n=dice.randint(2, 900))}"
        text = f"{' '.join(say).format(n=dice.randint(2, 900))}. {who} {dice.choice(parts[1])} {dice.choice(parts[2])}."
        yield {"code": f"P-{number:05d}", "title": title, "text": text, "customer_hears": ""}
