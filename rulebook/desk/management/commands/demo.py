"""manage.py demo: from an empty folder to a priced rulebook in the browser."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command

from rulebook.cases.fcr import Period
from rulebook.cases.queries import by_policy, sources_named
from rulebook.commands import RulebookCommand
from rulebook.desk import demo
from rulebook.insight.queries import ledgers
from rulebook.insight.telling import ledger_lines, ledger_table

TOP = 10
LOCAL = "127.0.0.1"


class Command(RulebookCommand):
    help = "Load a made-up web shop's rulebook and contacts, print what each rule costs, and serve it."
    requires_system_checks = []  # the database is made here; `check` runs before serving

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-serve", action="store_true", help="Stop before serving.")
        parser.add_argument("--host", default=LOCAL, help="0.0.0.0 opens it to phones in the room.")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        demo.load(self.say)
        self._print_ledger()
        self._print_addresses(options["host"], options["port"])
        if options["no_serve"]:
            return
        if options["host"] != LOCAL:
            settings.ALLOWED_HOSTS = ["*"]  # a phone opens it by this machine's address, whatever that is
        self.stdout.flush()
        call_command("runserver", f"{options['host']}:{options['port']}", use_reloader=False)

    def _print_ledger(self) -> None:
        entry = ledgers(by_policy(sources_named([demo.SOURCE])), Period())
        self.stdout.write("\nWhat the rules of this made-up web shop cost: the ten dearest\n\n")
        headers, rows = ledger_table(entry, top=TOP)
        self.table(headers, rows)
        for line in ledger_lines(entry, Period()):
            self.stdout.write(line)

    def _print_addresses(self, host: str, port: int) -> None:
        shown = LOCAL if host in {"0.0.0.0", "::"} else host  # noqa: S104 (compared, not bound)
        self.stdout.write(f"\nOpen http://{shown}:{port}/admin/ and sign in as:")
        for person in demo.sign_ins():
            self.stdout.write(f"  {person.username:<8} {person.password or '(the password was changed)'}")
        if host != LOCAL:
            self.say(
                "Warning: everybody on this network can open it, and these passwords are all that keeps them out. "
                "Stop it with Ctrl-C when the room is done."
            )
