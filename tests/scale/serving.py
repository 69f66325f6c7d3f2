"""Pages of one database, one at a time, for a manager who has signed in: `python -m tests.scale.serving CASES`.

Reads the name of a page from each line, opens it with Django's test client, and answers with one line of JSON: seconds,
queries and bytes. Stands beside another such process on another database, so that both can be asked in turns.
"""

import json
import os
import sys
import time
from contextlib import nullcontext
from random import Random
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rulebook.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.db.models import F  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

from rulebook.access.models import Person  # noqa: E402
from rulebook.cases.models import Source  # noqa: E402
from rulebook.catalogue.models import Rule  # noqa: E402
from tests.scale.large import external_id  # noqa: E402
from tests.scale.pages import PAGES  # noqa: E402


class Desk:
    def __init__(self, cases: int) -> None:
        self.cases, self.dice = cases, Random("which case")
        self.client = Client(SERVER_NAME="localhost")
        self.client.force_login(Person.objects.get(username="manager"))
        # The rule that blocked most: its pages have most to show.
        dearest = Rule.objects.order_by(F("figures__blocked").desc(nulls_last=True), "code")
        self.dear = dearest[0].pk
        self.source = Source.objects.get().pk

    def address(self, page: str) -> str:
        name, query = PAGES[page]
        case = self.dice.randrange(self.cases)
        given: dict[str, Any] = {}
        if name.startswith("catalogue_rule_") and name != "catalogue_rule_changelist":
            given = {"object_id": self.dear}
        elif name == "cases_case_change":
            given = {"object_id": case + 1}
        asked = query.format(case=external_id(case), source=self.source)
        return reverse(f"admin:{name}", kwargs=given) + (f"?{asked}" if asked else "")

    def open(self, page: str, *, counting: bool) -> dict[str, Any]:
        address, queries = self.address(page), []

        def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            queries.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(count) if counting else nullcontext():
            began = time.perf_counter()
            response = self.client.get(address)
            size = len(response.content)
            seconds = time.perf_counter() - began
        if response.status_code != 200:
            raise SystemExit(f"{address} answered {response.status_code}.")
        return {"seconds": seconds, "queries": len(queries), "bytes": size}


def main(cases: str) -> None:
    desk = Desk(int(cases))
    for line in sys.stdin:
        word, page = line.split(maxsplit=1)
        sys.stdout.write(json.dumps(desk.open(page.strip(), counting=word == "count")) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
