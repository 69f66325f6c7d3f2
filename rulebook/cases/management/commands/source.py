"""manage.py source NAME: show and set how a source measures first-contact resolution."""

from argparse import ArgumentParser
from typing import Any

from rulebook.cases.models import Method, Source
from rulebook.cases.policies import effective_horizon
from rulebook.cases.queries import by_policy, sources_named
from rulebook.cases.services import delete_cases, refresh_all, set_policy, set_retired
from rulebook.cases.telling import complete_until
from rulebook.commands import RulebookCommand
from rulebook.tables.values import clean_key


class Command(RulebookCommand):
    help = "Show a source, and set its primary policy: method, window in days and issue key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--method", choices=Method.values)
        parser.add_argument("--window", type=int, metavar="DAYS")
        parser.add_argument("--key", metavar="customer,topic")
        parser.add_argument("--retired", choices=["yes", "no"], help="yes: it sends no more cases.")
        parser.add_argument(
            "--delete-cases", nargs="+", default=[], metavar="ID", help="Cases that should never have come."
        )
        parser.add_argument("--format", choices=["json", "table"], default="table")

    def handle(self, *args: Any, **options: Any) -> None:
        (source,) = sources_named([options["name"]])
        (policy,) = by_policy([source], options["method"], options["window"], options["key"])
        set_policy(
            source=source, method=policy.method, window_days=policy.window_days, key=",".join(policy.key), by=None
        )
        if options["retired"]:
            set_retired(source=source, retired=options["retired"] == "yes", by=None)
        if options["delete_cases"]:
            wanted = {clean_key(name) for name in options["delete_cases"]}
            deleted = delete_cases(source=source, external_ids=sorted(wanted), by=None)
            self.say(f"Cases deleted: {deleted}. Not found: {len(wanted) - deleted}.")
        if Source.objects.get(pk=source.pk).stale:
            self.say("Computing outcomes ...")
            if not refresh_all(source=source):
                self.say("An import of this source is running. Its end brings the outcomes up to date.")
        source.refresh_from_db()
        horizon = effective_horizon(Source.objects.filter(space=source.space))
        shown: dict[str, Any] = {
            "source": source.name,
            "method": source.method,
            "window_days": source.window_days,
            "key": source.key.split(","),
            "timezone": source.time_zone,
            "space": source.space,
            "retired": source.retired,
            "horizon": horizon.isoformat() if horizon else None,
        }
        if options["format"] == "json":
            self.print_json(shown)
        else:
            told = {**shown, "horizon": complete_until(shown["horizon"])}
            self.table(["source", source.name], [[name, _text(value)] for name, value in list(told.items())[1:]])


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " and ".join(value) if isinstance(value, list) else value
