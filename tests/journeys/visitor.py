"""Somebody in front of a browser without JavaScript: follows links by their words, fills forms, presses buttons."""

import http.cookiejar
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    action: str = ""
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)  # words, name, value


class Page(HTMLParser):
    """The links, forms and words of a page."""

    def __init__(self, address, text):
        super().__init__()
        self.address, self.text = address, text
        self.links, self.forms = [], []
        self._href = self._button = self._area = None
        self._words = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "a" and "href" in given:
            self._href, self._words = given["href"], []
        elif tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif self.forms and tag == "input" and given.get("name"):
            ticked = given.get("type") not in {"checkbox", "radio"} or "checked" in given
            if ticked and given.get("type") != "submit":
                self.forms[-1].fields[given["name"]] = given.get("value", "")
        elif self.forms and tag == "textarea":
            self._area, self._words = given.get("name"), []
        elif self.forms and tag == "button":
            self._button, self._words = (given.get("name", ""), given.get("value", "")), []

    def handle_data(self, data):
        self._words.append(data)

    def handle_endtag(self, tag):
        words = " ".join("".join(self._words).split())
        if tag == "a" and self._href is not None:
            self.links.append((words, self._href))
            self._href = None
        elif tag == "textarea" and self._area:
            self.forms[-1].fields[self._area] = "".join(self._words)
            self._area = None
        elif tag == "button" and self._button is not None:
            self.forms[-1].buttons.append((words, *self._button))
            self._button = None


class Visitor:
    """`steps` are the pages that were opened: each is one thing that a person did."""

    def __init__(self, address):
        self.address, self.steps = address, []
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._browser = urllib.request.build_opener(jar)
        self.page = None

    def open(self, path):
        return self._go(urllib.parse.urljoin(self.address, path), None, f"open {path}")

    def follow(self, words):
        """Follow the first link whose words hold these."""
        href = next((href for said, href in self.page.links if words in said), None)
        assert href is not None, f"no link '{words}' on {self.page.address}"
        return self._go(urllib.parse.urljoin(self.page.address, href), None, f"follow '{words}'")

    def press(self, words, **fields):
        """Fill these fields and press the first button whose words begin with these."""
        for form in self.page.forms:
            for said, name, value in form.buttons:
                if said.startswith(words):
                    sent = {**form.fields, **fields, **({name: value} if name else {})}
                    where = urllib.parse.urljoin(self.page.address, form.action or self.page.address)
                    return self._go(where, sent, f"press '{words}'")
        raise AssertionError(f"no button '{words}' on {self.page.address}")

    def _go(self, address, sent, step):
        body = urllib.parse.urlencode(sent).encode() if sent is not None else None
        request = urllib.request.Request(address, body, {"Referer": address, "Accept-Language": "en"})
        with self._browser.open(request, timeout=60) as answer:
            self.page = Page(answer.url, answer.read().decode())
        self.steps.append(step)
        return self.page
