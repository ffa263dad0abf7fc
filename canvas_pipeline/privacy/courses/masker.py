"""Replace course identities in one contributor's texts by stable handles (``@COURSE12345678``).

Courses that the contributor's own records reveal (``learn``, ``merge``) are masked wherever else they are mentioned. The result
does not depend on the order of records. Masking is idempotent, and text outside the mentions keeps every byte.

A course with subject, number and term has the same handle for all contributors; with fewer parts its handle is the contributor's
own. A stated CRN is part of the identity: two sections of one course have their own teachers and due dates, and merging them would
lose work. A course without a CRN is not joined to one with a CRN, since the choice would depend on other contributors' records. A
contributor's own short handle (``@COURSE3``) is namespaced, so that those of two contributors never coincide. See
docs/decisions/007-course-identity.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from canvas_pipeline.privacy.courses import forms
from canvas_pipeline.privacy.courses.crn import (
    CourseId,
    Mention,
    View,
    candidates,
    find,
    folded,
    term_code,
    without_overlaps,
)
from canvas_pipeline.privacy.courses.own_codes import CodeToken, OwnCodes, atoms, codes_in, codes_in_name
from canvas_pipeline.privacy.courses.registry import HANDLE, Registry
from canvas_pipeline.privacy.courses.stated import CODE_PAIR, LONE_CRN, NO_PAIR, digits, formed, is_list, lone_numbers
from canvas_pipeline.records import Row

MAX_LITERAL_WORDS = 12
MAX_ROUNDS = 6
_WORD = re.compile(r"[A-Za-z0-9]+")
_GAP = re.compile(r"[^A-Za-z0-9@]{0,3}")
_DIGIT = re.compile(r"[0-9]")
_DIGIT_LIKE = re.compile("[\\d\u2460-\u2473\u24ea]")  # all characters that `folded` converts to a digit
# The digits required for a course that their records do not reveal.
_ENOUGH = re.compile(r"[0-9]{3}|[0-9][A-CE-Z]|[0-9]\.[0-9]{2}")
_PAIR = re.compile(
    rf"(?<![A-Za-z0-9])(?P<subject>[A-Za-z]{{1,11}}){forms.SEP}{{0,3}}(?P<number>[0-9]{{1,5}})(?![0-9])(?P<letters>[A-Za-z]{{0,2}}(?![A-Za-z0-9])|(?=[A-Za-z]{{3}}))"
)
_REVERSED = re.compile(
    rf"(?<![A-Za-z0-9])(?P<number>[0-9]{{4}}){forms.SEP}{{0,2}}(?P<subject>[A-Za-z]{{2,11}})(?![A-Za-z0-9])"
)
_NUMBER_ALONE = re.compile(r"(?<![A-Za-z])(?i:course|class)[\s#:]{1,3}(?P<number>[0-9]{4}[A-Za-z]?)(?![A-Za-z0-9])")
_OWN_CRN = re.compile(r"(?<![0-9])(?<![0-9][.,])(?<!\$)[0-9]{5}(?![0-9]|[.,][0-9])")


class Learned(Row, frozen=True):
    """The courses that one contributor's records reveal: plain data that can be pickled, with a ``repr`` that shows none of it."""

    courses: tuple[CourseId, ...] = ()
    literals: tuple[str, ...] = ()  # whole codes of no known form, folded
    tokens: tuple[CodeToken, ...] = ()  # the naming parts of codes, in codes and names

    def __repr__(self) -> str:
        return f"Learned({len(self.courses)} courses, {len(self.literals)} other codes, {len(self.tokens)} parts, withheld)"


def learn(code: str, term: str | None = None, name: str = "") -> Learned:
    """Return what one course record reveals by its ``code``, ``term`` and ``name``. A CRN that is only in the name completes the
    code."""
    mentions = formed(code)
    plain_code, plain_name = folded(code).text, folded(name).text
    in_name = find(name)
    crns = {m.course.crn for m in in_name if m.course.crn} | {m["crn"] for m in LONE_CRN.finditer(plain_name)}
    own: set[CourseId] = {m.course for m in in_name if m.course.subject or m.course.crn}
    stated = [m.course for m in mentions]
    if not any(course.subject for course in stated):
        stated += [
            CourseId(match["subject"].upper(), match["number"].upper())
            for match in CODE_PAIR.finditer(plain_code)
            if match["subject"].upper() not in NO_PAIR
        ]
    rest = unread = code
    for mention in reversed(mentions):
        if mention.course.known_parts > 2:  # read whole
            unread = f"{unread[: mention.start]} _ {unread[mention.end :]}"
        rest = f"{rest[: mention.start]} _ {rest[mention.end :]}"
    stated += [CourseId(crn=number) for number in lone_numbers(folded(rest).text)]
    for course in stated:
        course = _with_term(course, term)
        if course.crn is None and len(crns) == 1:
            course = course._replace(crn=next(iter(crns)))
        own.add(course)
    own |= {CourseId(crn=crn, term=term_code(term)) for crn in crns if not any(c.crn == crn for c in own)}
    literal = _literal(plain_code) if not stated else None
    # Codes that the known forms do not match, or match only in part, are stored as they are written.
    bare_name = plain_name
    for mention in reversed(find(plain_name)):
        if mention.course.subject or mention.course.crn:
            bare_name = f"{bare_name[: mention.start]} _ {bare_name[mention.end :]}"
    found = [] if "@" in code else codes_in(folded(unread).text)
    found += [] if "@" in name else codes_in_name(bare_name)
    tokens = [CodeToken(token, code, term) for token in found if not _is_pair(token, own)]
    return merge([Learned(courses=tuple(own), literals=(literal,) if literal else (), tokens=tuple(tokens))])


def merge(parts: Iterable[Learned]) -> Learned:
    """Unite several results, sorted and without duplicates: the same for any order and grouping of the parts."""
    courses: set[CourseId] = set()
    literals: set[str] = set()
    tokens: set[CodeToken] = set()
    for part in parts:
        courses.update(part.courses)
        literals.update(part.literals)
        tokens.update(part.tokens)
    return Learned(
        courses=tuple(sorted(courses, key=lambda c: tuple(part or "" for part in c))), literals=tuple(sorted(literals)),
        tokens=tuple(sorted(tokens, key=lambda t: (t.token, t.code, t.term or ""))),
    )  # fmt: skip


class CourseMasker:
    """Masks the courses of one contributor. A shorter mention of a learnt course gets the handle of the full identity."""

    def __init__(self, registry: Registry, contributor: str, learned: Learned | None = None) -> None:
        self._registry = registry
        self._contributor = contributor
        self._index(learned or Learned())

    def __repr__(self) -> str:
        return f"CourseMasker({self._learned!r})"

    def _index(self, learned: Learned) -> None:
        self._learned = learned
        self._by_pair: dict[tuple[str, str], list[CourseId]] = {}
        self._by_crn: dict[str, list[CourseId]] = {}
        for course in learned.courses:
            if course.subject and course.number:
                self._by_pair.setdefault((course.subject, digits(course.number)), []).append(course)
            if course.crn:
                self._by_crn.setdefault(course.crn, []).append(course)
        self._subjects = frozenset(subject for subject, _ in self._by_pair)
        self._numbers: dict[str, set[str]] = {}
        for subject, number in self._by_pair:
            self._numbers.setdefault(number, set()).add(subject)
        # First word of a literal → the lengths, in words, of literals that begin with it; words → the literal.
        self._literals = {tuple(_WORD.findall(text)): text for text in learned.literals}
        self._lengths: dict[str, tuple[int, ...]] = {}
        for words in sorted(self._literals, key=lambda w: -len(w)):
            self._lengths[words[0]] = (*self._lengths.get(words[0], ()), len(words))
        self._lengths = {word: tuple(dict.fromkeys(lengths)) for word, lengths in self._lengths.items()}
        self._owners: dict[tuple[str, ...], set[tuple[str, str | None]]] = {}
        for token, code, term in learned.tokens:
            self._owners.setdefault(atoms(token), set()).add((code, term))
        self._own_codes = OwnCodes(token for token, _, _ in learned.tokens)
        # The fewest digits, in a row and in total, of any code to be found: a cheap test that rejects most texts.
        counts = [len(number) for _, number in self._by_pair] + [
            sum(c.isdigit() for c in text) for text in learned.literals
        ]
        counts += [sum(c.isdigit() for c in token.token) for token in learned.tokens]
        self._least = min([3, *counts])
        short = any(len(max(re.findall("[0-9]+", token.token), key=len, default="")) < 3 for token in learned.tokens)
        self._in_a_row = _ENOUGH if self._least >= 3 and not self._literals and not short else _DIGIT
        self._handles: dict[CourseId, str] = {}

    def handle_of_code(self, code: str, term: str | None = None) -> str:
        """Return the handle for a ``course_code`` field of any form."""
        handle = HANDLE.search(code)
        if handle:
            return handle.group()
        plain = folded(code).text
        mentions = formed(code, self._subjects)
        stated = [m.course for m in sorted(mentions, key=lambda m: (-m.course.known_parts, m.start))]
        stated = stated or [
            CourseId(pair["subject"].upper(), pair["number"].upper())
            for pair in CODE_PAIR.finditer(plain)
            if pair["subject"].upper() not in NO_PAIR
        ]
        stated = stated or [CourseId(crn=number) for number in lone_numbers(plain)]
        if is_list(stated, plain):  # a course of its own, not the first of the list
            return self._private(f"codes/{term_code(term) or '-'}/{' '.join(plain.casefold().split())}")
        if stated:
            return self._handle(_with_term(stated[0], term))
        short = forms.SHORT_HANDLE.search(code)
        if short:
            return self._private(f"handle/{int(short.group(1))}")
        return self._private(f"code/{_literal(plain) or ' '.join(plain.casefold().split())}")

    def handle_of_site(self, course_id: int | str) -> str:
        """Return the handle for a to-do item's ``course_id`` (an id of the learning platform, private to the contributor)."""
        return self._private(f"site/{course_id}")

    def mask(self, text: str) -> tuple[str, int]:
        """Replace every course in a text by its handle; return the text and the number of replacements."""
        if not self._may_hold(text) and "@COURSE" not in text:
            return text, 0
        count = 0
        for _ in range(MAX_ROUNDS):  # a new handle may make the rest of a partly masked code recognisable
            masked, found = self._mask_once(text)
            if masked == text:
                break
            text, count = masked, count + found
            if not self._may_hold(HANDLE.sub("@", text)):
                break
        return text, count

    def _may_hold(self, text: str) -> bool:
        if text.isascii() and not self._in_a_row.search(text):
            return self._least == 0
        return len(_DIGIT_LIKE.findall(text)) >= min(self._least, 1)

    def _mask_once(self, text: str) -> tuple[str, int]:
        view = folded(text)
        found = without_overlaps([*candidates(view, self._subjects), *self._own_mentions(view)], text, view)
        pieces = [
            (m.start, end, self._handle_of(m, text)) for m, end in zip(found, _with_sections(found, text), strict=True)
        ]
        if "@COURSE" in text:
            spans = {(m.start, m.end) for m in found}
            pieces += [
                (m.start(), m.end(), self._private(f"handle/{int(m.group(1))}"))
                for m in forms.SHORT_HANDLE.finditer(text)
                if m.span() not in spans
            ]
        out, position = [], 0
        for start, end, handle in sorted(pieces):
            out += [text[position:start], handle]
            position = end
        return "".join((*out, text[position:])), len(pieces)

    def _own_mentions(self, view: View) -> Iterator[Mention]:
        text = view.text
        if self._by_pair:
            for match in _PAIR.finditer(text):
                yield from self._own_pair(match, match["letters"])
            for match in _REVERSED.finditer(text):
                yield from self._own_pair(match, "")
            for match in _NUMBER_ALONE.finditer(text):
                for subject in sorted(self._numbers.get(digits(match["number"]), ()))[:1]:
                    alone = len(self._numbers[digits(match["number"])]) == 1
                    yield Mention(*match.span("number"), CourseId(subject if alone else None, match["number"].upper()))
        if self._by_crn:
            for match in _OWN_CRN.finditer(text):
                if match.group() in self._by_crn:
                    yield Mention(match.start(), match.end(), CourseId(crn=match.group()))
        yield from (Mention(s.start, s.end, CourseId(number=s.token)) for s in self._own_codes.find(text))
        if self._lengths:
            words = [(match.group().casefold(), match.start(), match.end()) for match in _WORD.finditer(text)]
            for at, (word, start, _) in enumerate(words):
                for length in self._lengths.get(word, ()):
                    span = words[at : at + length]
                    near = all(_GAP.fullmatch(text, a[2], b[1]) for a, b in zip(span, span[1:], strict=False))
                    if near and tuple(w for w, _, _ in span) in self._literals:
                        yield Mention(start, span[-1][2], CourseId())

    def _own_pair(self, match: re.Match[str], letters: str) -> Iterator[Mention]:
        subject, number = match["subject"].upper(), match["number"]
        if (subject, number) in self._by_pair:
            yield Mention(match.start(), match.end(), CourseId(subject, number + letters.upper()))

    def _handle_of(self, mention: Mention, text: str) -> str:
        if mention.course != CourseId():
            return self._handle(mention.course)
        words = tuple(w.casefold() for w in _WORD.findall(folded(text[mention.start : mention.end]).text))
        return self._private(f"code/{self._literals.get(words) or ' '.join(words)}")

    def _handle(self, course: CourseId) -> str:
        """Return the handle of the contributor's fullest course that agrees, if there is exactly one; else of the course itself."""
        handle = self._handles.get(course)
        if handle is None:
            plain = course.number and not (course.subject or course.crn)
            handle = self._of_token(course.number or "") if plain else self._registered(self._fullest(course))
            self._handles[course] = handle
        return handle

    def _of_token(self, token: str) -> str:
        """Return the handle of the only code with this token, else a handle of the token's own."""
        owners = self._owners.get(atoms(token), set())
        if len(owners) == 1:
            code, term = next(iter(owners))
            return self.handle_of_code(code, term)
        return self._private(f"code/{token.casefold()}")

    def _fullest(self, course: CourseId) -> CourseId:
        near = self._by_pair.get((course.subject or "", digits(course.number or "")), [])
        agreeing = {own for own in (*near, *self._by_crn.get(course.crn or "", ())) if own.agrees(course)}
        most = max((own.known_parts for own in agreeing), default=0)
        fullest = [own for own in agreeing if own.known_parts == most]
        return fullest[0] if len(fullest) == 1 and most >= course.known_parts else course

    def _registered(self, course: CourseId) -> str:
        identity = "/".join(part or "-" for part in course)
        if course.subject and course.number and course.term:
            return self._registry.handle(f"course/{identity}")
        return self._private(f"course/{identity}")

    def _private(self, identity: str) -> str:
        # An unpaired surrogate, which JSON allows, cannot be encoded and is escaped.
        clean = f"of/{self._contributor}/{identity}".encode("utf-8", "backslashreplace").decode("utf-8")
        return self._registry.handle(clean)


def _is_pair(token: str, own: set[CourseId]) -> bool:
    """Return whether a token is a learnt subject and number of at most four digits, which ``_PAIR`` finds in all spellings."""
    return sum(map(str.isdigit, token)) <= 4 and any(
        c.subject and c.number and atoms(token) == atoms(f"{c.subject} {c.number}") for c in own
    )


def _with_sections(mentions: list[Mention], text: str) -> list[int]:
    """Return the end of each mention including the sections that follow it, up to the next mention."""
    starts = [*(m.start for m in mentions[1:]), len(text)]
    ends = []
    for mention, limit in zip(mentions, starts, strict=False):
        rest = forms.SECTIONS.match(text, mention.end)
        ends.append(rest.end() if rest and rest.end() <= limit else mention.end)
    return ends


def _literal(plain: str) -> str | None:
    """Return a folded code of no known form if texts can be searched for it, else None.

    It needs a digit and four characters, or the form of an identifier. Terms, and common words with a number, do not qualify."""
    folded_code = plain.casefold().strip()
    words = _WORD.findall(folded_code)
    distinctive = [
        w for w in words if w.upper() not in NO_PAIR and not re.fullmatch(r"[0-9]{1,4}|(?:19|20)[0-9]{4}", w)
    ]
    shaped = any(c.isdigit() for c in folded_code) or "_" in folded_code or bool(re.search(r"\w-\w", folded_code))
    if (
        "@" in folded_code
        or not distinctive
        or not shaped
        or sum(map(len, words)) < 4
        or len(words) > MAX_LITERAL_WORDS
    ):
        dotted = re.fullmatch(r"[0-9]{1,2}\.[0-9]{2,4}[a-z]?", folded_code)  # "6.006"
        return folded_code if dotted else None
    return " ".join(folded_code.split())


def _with_term(course: CourseId, term: str | None) -> CourseId:
    return course if course.term else course._replace(term=term_code(term))
