"""manage.py demo: from an empty folder to a priced rulebook in the browser."""

import socket
from argparse import ArgumentParser, ArgumentTypeError
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.core.management import call_command

from rulebook.cases.fcr import Period
from rulebook.cases.queries import by_policy, sources_named
from rulebook.commands import RulebookCommand
from rulebook.desk import demo
from rulebook.desk.demo_voices import team_link
from rulebook.insight.queries import ledgers
from rulebook.insight.telling import ledger_lines, ledger_table

TOP = 10
LOCAL = "127.0.0.1"


def host(text: str) -> str:
    """An argparse type: an address of this machine. A name is refused, since nobody can tell from it who gets in."""
    if text == "localhost":
        return LOCAL
    try:
        address = ip_address(text.removeprefix("[").removesuffix("]"))
        if "%" in text:  # runserver knows no zones
            raise ValueError
    except ValueError:
        raise ArgumentTypeError(
            f"'{text}' is no address. Write 127.0.0.1 or ::1 for this machine alone, 0.0.0.0 to open it to the network."
        ) from None
    return str(address)


def port(text: str) -> int:
    """An argparse type: 1 to 65535."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise ArgumentTypeError(f"'{text}' is no port. Write a number from 1 to 65535.")
    return int(text)


def with_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def own_address() -> str:
    """This machine's address on the network that it would reach others by; '' without a network. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # An address that documents may use. To connect a datagram socket is only to look up the way there.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


class Command(RulebookCommand):
    help = "Load a made-up web shop's rulebook and contacts, print what each rule costs, and serve it."
    requires_system_checks = []  # the database is made here; `check` runs before serving

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-serve", action="store_true", help="Stop before serving.")
        parser.add_argument("--host", type=host, default=LOCAL, help="0.0.0.0 opens it to phones in the room.")
        parser.add_argument("--port", type=port, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        demo.refuse_in_production()  # before anything is written, the tables too
        call_command("migrate", verbosity=0)
        demo.load(self.say)
        self._print_ledger()
        is_open = not ip_address(options["host"]).is_loopback
        self._print_addresses(options["host"], options["port"], is_open)
        if options["no_serve"]:
            return
        if is_open:
            settings.DEBUG = False  # its error pages would show the settings to everybody on the network
        served = with_port(options["host"], options["port"])
        # A phone opens it by this machine's address, whatever that is.
        settings.ALLOWED_HOSTS = ["*"] if is_open else [*settings.ALLOWED_HOSTS, served.rpartition(":")[0]]
        self.stdout.flush()
        call_command("runserver", served, use_reloader=False)

    def _print_ledger(self) -> None:
        entry = ledgers(by_policy(sources_named([demo.SOURCE])), Period())
        self.stdout.write("\nWhat the rules of this made-up web shop cost: the ten dearest\n\n")
        headers, rows = ledger_table(entry, top=TOP)
        self.table(headers, rows)
        for line in ledger_lines(entry, Period()):
            self.stdout.write(line)

    def _print_addresses(self, host: str, port: int, is_open: bool) -> None:
        shown = {"0.0.0.0": LOCAL, "::": "::1"}.get(host, host)  # noqa: S104 (looked up, not bound)
        site = f"http://{with_port(shown, port)}"
        self.stdout.write(f"\nOpen {site}/sign-in/ and sign in as one of these. The agent comes to the flag form.")
        for person in demo.sign_ins():
            said = f", password {person.password}" if person.password else " (the password was changed)"
            self.stdout.write(f"  {person.username}{said}")
        if is_open and shown != host and (here := own_address()):
            site = f"http://{with_port(here, port)}"
            self.stdout.write(f"From a phone in the room: {site}/sign-in/")
        if link := team_link():
            team, secret = link
            self.stdout.write(f"The {team} flags and votes without a sign-in, by this address:\n  {site}/t/{secret}/")
        if is_open:
            self.say(
                "Warning: everybody on this network can open it, and these passwords are all that keeps them out. "
                "Stop it with Ctrl-C when the room is done."
            )
