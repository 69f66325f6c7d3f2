"""How near a few typed words come to each of many rules: typos, word order, compounds, letters with and without marks.

Pure. Words are compared by their stems in English, Danish, Norwegian and Swedish, whichever is shortest, because a
rulebook mixes the languages and a stem needs no guess at which one it is. A word counts for more the fewer rules use
it. Numbers and codes are compared exactly: 500 is not a misspelt 5,000.
"""

import re
import unicodedata
from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from heapq import nlargest, nsmallest
from math import log

import snowballstemmer
from rapidfuzz.distance import OSA

LONGEST_TEXT = 4_000  # characters that are looked at; what stands beyond is left out
LONGEST_WORD = 40
MOST_WORDS = 16  # of what somebody typed
MOST_TERMS = 60  # words of the rules that one typed word may mean
MOST_ROUGH = 60_000  # entries read in the first, rough pass
MOST_CANDIDATES = 60  # rules that are looked at closely
ROUNDING = 1e-5  # sums of the same parts in another order differ by less

TITLE, HEARD, TEXT = 100, 85, 70  # how much a word counts, by where in the rule it stands
LITTLE = {1: 0.3, 2: 0.3, 3: 0.6, 4: 0.8}  # letters -> part of its weight
LONG_TEXT = 60  # words; in a longer text each counts for less
MARKED = str.maketrans(
    {"'": "", "’": "", "æ": "ae", "ø": "o", "ß": "ss", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "œ": "oe"}
)
DOUBLED = re.compile("aa|ae|oe")
WORD = re.compile(r"[^\W_]+")
BETWEEN_THOUSANDS = re.compile(r"(?<=\d)[., ](?=\d{3}(?!\d))")
STEMMERS = tuple(snowballstemmer.stemmer(name) for name in ("english", "danish", "norwegian", "swedish"))


@dataclass(frozen=True)
class Saying:
    """What one rule says. `names` are its code and aliases."""

    key: int
    code: str
    title: str
    text: str = ""
    heard: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Near:
    """`score` runs from 0 to 1, where 1 says every word; 2 says the very code or alias."""

    key: int
    code: str
    score: float


def fold(text: str) -> str:
    """The text as it compares: small letters without marks, å, ä and æ as a, ø and ö as o, however they were typed.

    >>> fold("Ægtefælle på Økonomi"), fold("aegtefaelle paa Oekonomi"), fold("can't")
    ('agtefalle pa okonomi', 'agtefalle pa okonomi', 'cant')
    """
    text = unicodedata.normalize("NFKD", text[:LONGEST_TEXT].casefold().translate(MARKED))
    bare = "".join(sign for sign in text if not unicodedata.combining(sign)).lower()
    return DOUBLED.sub(lambda found: found[0][0], bare)


def words_in(text: str) -> list[str]:
    """The words of a text in the form in which they compare; a number keeps no mark between its thousands.

    >>> words_in("Refunds above 5,000 kr: no!")
    ['refunds', 'above', '5000', 'kr', 'no']
    """
    return [word[:LONGEST_WORD] for word in WORD.findall(BETWEEN_THOUSANDS.sub("", fold(text)))]


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The shortest stem of a folded word in the four languages, of three letters at least.

    >>> stem("refunds"), stem("returlabelen"), stem("forsinkede"), stem("ringer")
    ('refund', 'returlabel', 'forsink', 'ring')
    """
    if len(word) < 4 or not word.isalpha():
        return word
    stems = {stemmer.stemWord(word) for stemmer in STEMMERS}
    return min((found for found in stems if len(found) >= 3), key=lambda found: (len(found), found), default=word)


def name_key(name: str) -> str:
    """A code as people type it: without signs, spaces and leading zeros.

    >>> name_key("R-0042"), name_key("r 42"), name_key("KS-4.2")
    ('r42', 'r42', 'ks42')
    """
    return re.sub(r"(?<!\d)0+(?=\d)", "", "".join(words_in(name)))


def likeness(typed: str, meant: str) -> float:
    """How likely somebody who typed one stem means another, from 0 to 1.

    Slips of the finger, and words that are part of a longer one: people type as two what Nordic rules write as one.

    >>> round(likeness("lable", "label"), 2), round(likeness("label", "returlabel"), 2), likeness("500", "5000")
    (0.72, 0.7, 0.0)
    """
    if typed == meant:
        return 1.0
    if not (typed.isalpha() and meant.isalpha()):
        return 0.0
    short, long = sorted((len(typed), len(meant)))
    part = short / long
    near = 0.0
    if short >= 3 and meant.startswith(typed):
        near = 0.6 + 0.3 * part
    elif short >= 4 and meant.endswith(typed):
        near = 0.55 + 0.3 * part
    elif short >= 4 and (typed.startswith(meant) or typed.endswith(meant)):
        near = 0.45 + 0.35 * part
    elif short >= 5 and (typed in meant or meant in typed):
        near = 0.4 + 0.3 * part
    slips = 0 if long < 4 else 1 if long < 6 else 2 if long < 10 else 3
    if long - short <= slips:
        made = OSA.distance(typed, meant, score_cutoff=slips)
        if made <= slips:
            near = max(near, (1 - made / long) ** 1.5)
    return near


def _grams(word: str) -> set[str]:
    """Threes of letters, the first with the beginning of the word."""
    marked = f"^{word}"
    return {marked[start : start + 3] for start in range(len(marked) - 2)} or {marked}


@dataclass
class Meanings:
    """What one typed word may mean: terms of the rules with their likeness, and how much the word counts."""

    terms: dict[int, float]
    weight: float


@dataclass
class Nearness:
    """The words of many rules, to be asked which of them are near.

    Takes about 1.5 kB a rule of 50 words. Not safe for threads: whoever shares one keeps a lock. The answers do not
    depend on the order in which rules were added, nor on what they said before.
    """

    terms: list[str] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _uses: list[int] = field(default_factory=list)  # term -> rules that use it
    _spelt: dict[str, "array[int]"] = field(default_factory=dict)  # three letters -> terms
    _slots: list["array[int]"] = field(default_factory=list)  # term -> slots
    _weights: list[bytearray] = field(default_factory=list)  # term -> weight in each slot
    _said: list[tuple["array[int]", bytes] | None] = field(default_factory=list)  # slot -> its terms and their weights
    _titles: list[tuple[int, ...]] = field(default_factory=list)  # slot -> terms of the title
    _keys: list[tuple[int, str]] = field(default_factory=list)  # slot -> key, code
    _slot_of: dict[int, int] = field(default_factory=dict)
    _named: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _names: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._slot_of)

    @property
    def wasted(self) -> int:
        """Places that rules which were taken out or changed still hold."""
        return len(self._said) - len(self._slot_of)

    def add(self, saying: Saying) -> None:
        """Take in one rule, in place of what it said before."""
        self.remove(saying.key)
        slot = len(self._said)
        title = tuple(dict.fromkeys(self._term(word) for word in words_in(saying.title)))
        said = dict.fromkeys(title, TITLE)
        for term in (self._term(word) for word in words_in(saying.heard)):
            said[term] = max(HEARD, said.get(term, 0))
        text = words_in(saying.text)
        worth = int(TEXT * min(1.0, LONG_TEXT / (len(text) or 1)) ** 0.25)
        for term in (self._term(word) for word in text):
            said[term] = max(worth, said.get(term, 0))
        for term, weight in said.items():
            self._uses[term] += 1
            self._slots[term].append(slot)
            self._weights[term].append(weight)
        self._said.append((array("I", said), bytes(said.values())))
        self._titles.append(title)
        self._keys.append((saying.key, saying.code))
        self._slot_of[saying.key] = slot
        self._names[saying.key] = tuple({name_key(name) for name in (saying.code, *saying.names)} - {""})
        for name in self._names[saying.key]:
            self._named[name].add(saying.key)

    def remove(self, key: int) -> None:
        """Take out one rule; nothing happens where it was not in."""
        slot = self._slot_of.pop(key, None)
        if slot is None:
            return
        for term in self._words_of(slot):
            self._uses[term] -= 1
        self._said[slot] = None
        for name in self._names.pop(key):
            self._named[name].discard(key)

    def nearest(self, text: str, *, most: int, least: float, besides: Collection[int] = ()) -> list[Near]:
        """At most so many rules, the nearest first, none below `least` and none of the keys in `besides`.

        A rule whose code or alias stands in the text leads, whatever else does.
        """
        typed = words_in(text)[:MOST_WORDS]
        named = self._named_in(text).difference(besides)
        meant = self._meanings(typed)
        whole = sum(meaning.weight for meaning in meant.values())
        found = []
        for slot in self._candidates(list(meant.values()), besides) if whole else ():
            said = self._words_of(slot)
            cover = sum(meaning.weight * _best(meaning, said) for meaning in meant.values()) / whole
            score = round(0.85 * cover + 0.15 * self._explained(slot, meant.values()), 4)
            if score >= least and self._keys[slot][0] not in named:
                found.append(Near(*self._keys[slot], score))
        found += [Near(*self._keys[self._slot_of[key]], 2.0) for key in named]
        return nsmallest(most, found, key=lambda near: (-near.score, near.code))

    def alike(self, text: str, *, most: int, least: float, besides: Collection[int] = ()) -> list[Near]:
        """The rules whose titles say much the same as a short text, both ways round; the likest first."""
        meant = self._meanings(words_in(text)[: 2 * MOST_WORDS])
        whole = sum(meaning.weight for meaning in meant.values())
        found = []
        for slot in self._candidates(list(meant.values()), besides) if whole else ():
            title = dict.fromkeys(self._titles[slot], TITLE)
            cover = sum(meaning.weight * _best(meaning, title) for meaning in meant.values()) / whole
            back = self._explained(slot, meant.values())
            score = round(2 * cover * back / (cover + back), 4) if cover and back else 0.0
            if score >= least:
                found.append(Near(*self._keys[slot], score))
        return nsmallest(most, found, key=lambda near: (-near.score, near.code))

    def _words_of(self, slot: int) -> dict[int, int]:
        """{term: weight} of one rule."""
        terms, weights = self._said[slot] or ((), ())
        return dict(zip(terms, weights, strict=True))

    def _term(self, word: str) -> int:
        root = stem(word)
        number = self._numbers.get(root)
        if number is None:
            number = self._numbers[root] = len(self.terms)
            self.terms.append(root)
            self._uses.append(0)
            self._slots.append(array("I"))
            self._weights.append(bytearray())
            if root.isalpha():
                for gram in _grams(root):
                    self._spelt.setdefault(gram, array("I")).append(number)
        return number

    def _named_in(self, text: str) -> set[int]:
        """Rules whose code or alias is all that was typed, or one of its words that has a figure in it."""
        chunks = text[:LONGEST_TEXT].split()[:MOST_WORDS]
        keys = {name_key(chunk) for chunk in chunks if any(sign.isdigit() for sign in chunk) and not _is_number(chunk)}
        keys.add(name_key(text[:LONGEST_TEXT]))
        return {key for name in keys if name for key in self._named.get(name, ())}

    def _meanings(self, typed: Iterable[str]) -> dict[str, Meanings]:
        meant = {}
        for root in dict.fromkeys(stem(word) for word in typed):
            terms = self._terms_like(root)
            exact = self._numbers.get(root)
            likest = exact if exact in terms else min(terms, key=lambda t: (-terms[t], self.terms[t]), default=None)
            meant[root] = Meanings(terms, self._telling(root, self._uses[likest] if likest is not None else 0))
        return meant

    def _telling(self, root: str, uses: int) -> float:
        """How much a word tells that so many of the rules use.

        Words of one to four letters are mostly the little ones of any language, which a house of ten rules cannot know
        by their number yet.
        """
        return log(1 + len(self) / max(uses, 1)) * (LITTLE.get(len(root), 1.0) if root.isalpha() else 1.0)

    def _terms_like(self, root: str) -> dict[int, float]:
        """{term: likeness} of the terms that a typed stem may mean, the likest ones, of those that are in use."""
        exact = self._numbers.get(root)
        found = {exact: 1.0} if exact is not None and self._uses[exact] else {}
        if len(root) < 3 or not root.isalpha():
            return found
        shared = Counter[int]()
        for gram in _grams(root):
            shared.update(self._spelt.get(gram, ()))
        enough = 1 if len(root) < 6 else 2
        for term, count in shared.items():
            if count >= enough and self._uses[term] and (near := likeness(root, self.terms[term])) >= 0.5:
                found[term] = near
        if len(found) <= MOST_TERMS:
            return found
        return dict(nsmallest(MOST_TERMS, found.items(), key=lambda item: (-item[1], self.terms[item[0]])))

    def _candidates(self, meant: list[Meanings], besides: Collection[int]) -> list[int]:
        """Slots that may be near by a rough sum over the rarer words; the common ones are weighed afterwards.

        A word that half the rules use would be read for half the rules, and tell least of all.
        """
        rough: dict[int, float] = defaultdict(float)
        read = 0
        cost = {id(meaning): sum(self._uses[term] for term in meaning.terms) for meaning in meant}
        for meaning in sorted(meant, key=lambda each: (cost[id(each)], -each.weight)):
            if read and read + cost[id(meaning)] > MOST_ROUGH:
                break
            read += cost[id(meaning)]
            best: dict[int, float] = {}
            for term, near in meaning.terms.items():
                worth = near * meaning.weight
                for slot, weight in zip(self._slots[term], self._weights[term], strict=True):
                    value = worth * weight
                    if value > best.get(slot, 0.0):
                        best[slot] = value
            for slot, value in best.items():
                rough[slot] += value
        if besides or self.wasted:
            keys = self._keys
            rough = {slot: value for slot, value in rough.items() if self._said[slot] and keys[slot][0] not in besides}
        enough = min(nlargest(MOST_CANDIDATES, rough.values()), default=0.0) - ROUNDING
        good = ((-round(value, 6), self._keys[slot][1], slot) for slot, value in rough.items() if value >= enough)
        return [slot for _value, _code, slot in nsmallest(MOST_CANDIDATES, good)]

    def _explained(self, slot: int, meant: Iterable[Meanings]) -> float:
        """The part of a title that the typed words account for, rare words counting for more."""
        near: dict[int, float] = {}
        for meaning in meant:
            for term, likely in meaning.terms.items():
                near[term] = max(likely, near.get(term, 0.0))
        title = self._titles[slot]
        telling = {term: self._telling(self.terms[term], self._uses[term]) for term in title}
        whole = sum(telling.values())
        return sum(telling[term] * near.get(term, 0.0) for term in title) / whole if whole else 0.0


def _best(meaning: Meanings, said: dict[int, int]) -> float:
    """How well a rule with these words answers one typed word, from 0 to 1."""
    either = meaning.terms.keys() & said.keys()
    return max((meaning.terms[term] * said[term] for term in either), default=0.0) / TITLE


def _is_number(chunk: str) -> bool:
    """An amount or a count is no code, even where a code has the same figures."""
    return name_key(chunk).isdigit()
