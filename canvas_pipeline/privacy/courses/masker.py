"""Put stable handles in the place of course identities, one contributor at a time.

In: what a contributor's own records reveal (``learn``, united by ``merge``), a registry, and any text of theirs. Out: the text with
``@COURSE12345678`` where a course was named. What must hold: what their records reveal is masked wherever else they mention it; the
order of learning never shows; masking twice is masking once; text outside the mentions keeps every byte.

Identity: with subject, number and term a course is the same for everyone and shares a handle; with less, it is this
contributor's only. The CRN belongs to the identity where it is stated: two sections of one course have teachers and due dates of
their own, and merging them would lose work. One who states no CRN is not joined to one who does: to which would depend on who
else contributes, and a handle must depend on its own contributor's records alone. A contributor's own short handle
(``@COURSE3``) is namespaced, so that two of them never meet. See docs/decisions/007-course-identity.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from canvas_pipeline.privacy.courses import forms
from canvas_pipeline.privacy.courses.crn import CourseId, Mention, View, apart, candidates, find, folded, term_code
from canvas_pipeline.privacy.courses.own_codes import CodeToken, OwnCodes, atoms, codes_in, codes_in_name
from canvas_pipeline.privacy.courses.registry import HANDLE, Registry
from canvas_pipeline.privacy.courses.stated import CODE_PAIR, LONE_CRN, NO_PAIR, digits, formed, is_list, lone_numbers
from canvas_pipeline.records import Row

MAX_LITERAL_WORDS = 12
MAX_ROUNDS = 6
_WORD = re.compile(r"[A-Za-z0-9]+")
_GAP = re.compile(r"[^A-Za-z0-9@]{0,3}")
_DIGIT = re.compile(r"[0-9]")
_DIGIT_LIKE = re.compile("[\\d\u2460-\u2473\u24ea]")  # all that `folded` makes a digit of
_ENOUGH = re.compile(r"[0-9]{3}|[0-9][A-CE-Z]|[0-9]\.[0-9]{2}")  # of digits, for a course that is not theirs
_PAIR = re.compile(
    rf"(?<![A-Za-z0-9])(?P<subject>[A-Za-z]{{1,11}}){forms.SEP}{{0,3}}(?P<number>[0-9]{{1,5}})(?![0-9])(?P<letters>[A-Za-z]{{0,2}}(?![A-Za-z0-9])|(?=[A-Za-z]{{3}}))"
)
_REVERSED = re.compile(
    rf"(?<![A-Za-z0-9])(?P<number>[0-9]{{4}}){forms.SEP}{{0,2}}(?P<subject>[A-Za-z]{{2,11}})(?![A-Za-z0-9])"
)
_NUMBER_ALONE = re.compile(r"(?<![A-Za-z])(?i:course|class)[\s#:]{1,3}(?P<number>[0-9]{4}[A-Za-z]?)(?![A-Za-z0-9])")
_OWN_CRN = re.compile(r"(?<![0-9])(?<![0-9][.,])(?<!\$)[0-9]{5}(?![0-9]|[.,][0-9])")


class Learned(Row, frozen=True):
    """What one contributor's records reveal: plain data that pickles, and says nothing when shown."""

    courses: tuple[CourseId, ...] = ()
    literals: tuple[str, ...] = ()  # whole codes of no known form, folded
    tokens: tuple[CodeToken, ...] = ()  # the naming parts of codes, in codes and names

    def __repr__(self) -> str:
        return f"Learned({len(self.courses)} courses, {len(self.literals)} other codes, {len(self.tokens)} parts, withheld)"


def learn(code: str, term: str | None = None, name: str = "") -> Learned:
    """What one course record reveals: ``code``, ``term`` and ``name`` are its own fields. A CRN that stands in the name alone
    completes the code."""
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
    # What the known forms do not read, or do not read whole, is remembered as it is written.
    bare_name = plain_name
    for mention in reversed(find(plain_name)):
        if mention.course.subject or mention.course.crn:
            bare_name = f"{bare_name[: mention.start]} _ {bare_name[mention.end :]}"
    found = [] if "@" in code else codes_in(folded(unread).text)
    found += [] if "@" in name else codes_in_name(bare_name)
    tokens = [CodeToken(token, code, term) for token in found if not _is_pair(token, own)]
    return merge([Learned(courses=tuple(own), literals=(literal,) if literal else (), tokens=tuple(tokens))])


def merge(parts: Iterable[Learned]) -> Learned:
    """All of it once, sorted: the same for any order and any grouping of the parts."""
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
    """Masks the courses of one contributor. What was learnt of their codes is masked wherever else they mention it, and shorter
    mentions find the fuller identity."""

    def __init__(self, registry: Registry, contributor: str, learned: Learned | None = None) -> None:
        self._registry = registry
        self._contributor = contributor
        self._known(learned or Learned())

    def __repr__(self) -> str:
        return f"CourseMasker({self._learned!r})"

    @property
    def learned(self) -> Learned:
        return self._learned

    def learn(self, code: str, term: str | None = None, name: str = "") -> None:
        """Take in one more course record (see the function ``learn``). For many, ``merge`` first."""
        self._known(merge([self._learned, learn(code, term, name)]))

    def _known(self, learned: Learned) -> None:
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
        # First word of a literal → numbers of words of the literals that begin so; words → the literal itself.
        self._literals = {tuple(_WORD.findall(text)): text for text in learned.literals}
        self._lengths: dict[str, tuple[int, ...]] = {}
        for words in sorted(self._literals, key=lambda w: -len(w)):
            self._lengths[words[0]] = (*self._lengths.get(words[0], ()), len(words))
        self._lengths = {word: tuple(dict.fromkeys(lengths)) for word, lengths in self._lengths.items()}
        self._owners: dict[tuple[str, ...], set[tuple[str, str | None]]] = {}
        for token, code, term in learned.tokens:
            self._owners.setdefault(atoms(token), set()).add((code, term))
        self._own_codes = OwnCodes(token for token, _, _ in learned.tokens)
        # The fewest digits that anything to be found can have, in a row and in all: a sound and cheap test of a text.
        counts = [len(number) for _, number in self._by_pair] + [
            sum(c.isdigit() for c in text) for text in learned.literals
        ]
        counts += [sum(c.isdigit() for c in token.token) for token in learned.tokens]
        self._least = min([3, *counts])
        short = any(len(max(re.findall("[0-9]+", token.token), key=len, default="")) < 3 for token in learned.tokens)
        self._in_a_row = _ENOUGH if self._least >= 3 and not self._literals and not short else _DIGIT
        self._handles: dict[CourseId, str] = {}

    def handle_of_code(self, code: str, term: str | None = None) -> str:
        """The handle of a ``course_code`` field, whatever it looks like."""
        ours = HANDLE.search(code)
        if ours:
            return ours.group()
        plain = folded(code).text
        mentions = formed(code, self._subjects)
        stated = [m.course for m in sorted(mentions, key=lambda m: (-m.course.known_parts, m.start))]
        stated = stated or [
            CourseId(pair["subject"].upper(), pair["number"].upper())
            for pair in CODE_PAIR.finditer(plain)
            if pair["subject"].upper() not in NO_PAIR
        ]
        stated = stated or [CourseId(crn=number) for number in lone_numbers(plain)]
        if is_list(stated, plain):  # a course of its own, not the first one that it lists
            return self._private(f"codes/{term_code(term) or '-'}/{' '.join(plain.casefold().split())}")
        if stated:
            return self._handle(_with_term(stated[0], term))
        short = forms.SHORT_HANDLE.search(code)
        if short:
            return self._private(f"handle/{int(short.group(1))}")
        return self._private(f"code/{_literal(plain) or ' '.join(plain.casefold().split())}")

    def handle_of_site(self, course_id: int | str) -> str:
        """The handle of a to-do item's ``course_id`` (a number of the learning platform, private to the contributor)."""
        return self._private(f"site/{course_id}")

    def mask(self, text: str) -> tuple[str, int]:
        """The text with a handle for every course in it, and how many were put there."""
        if not self._may_hold(text) and "@COURSE" not in text:
            return text, 0
        count = 0
        for _ in range(MAX_ROUNDS):  # beside a new handle, the rest of a partly masked code may show itself
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
        found = apart([*candidates(view, self._subjects), *self._own_mentions(view)], text, view)
        pieces = [
            (m.start, end, self._handle_of(m, text)) for m, end in zip(found, _with_sections(found, text), strict=True)
        ]
        if "@COURSE" in text:
            taken = {(m.start, m.end) for m in found}
            pieces += [
                (m.start(), m.end(), self._private(f"handle/{int(m.group(1))}"))
                for m in forms.SHORT_HANDLE.finditer(text)
                if m.span() not in taken
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
        """The fullest of the contributor's own courses that agrees, if exactly one does; else the course as it stands."""
        handle = self._handles.get(course)
        if handle is None:
            plain = course.number and not (course.subject or course.crn)
            handle = self._of_token(course.number or "") if plain else self._registered(self._fullest(course))
            self._handles[course] = handle
        return handle

    def _of_token(self, token: str) -> str:
        """The handle of the one code that has this token, else one of the token's own."""
        owners = self._owners.get(atoms(token), set())
        if len(owners) == 1:
            code, term = next(iter(owners))
            return self.handle_of_code(code, term)
        return self._private(f"code/{token.casefold()}")

    def _fullest(self, course: CourseId) -> CourseId:
        near = self._by_pair.get((course.subject or "", digits(course.number or "")), [])
        candidates_ = {own for own in (*near, *self._by_crn.get(course.crn or "", ())) if own.agrees(course)}
        most = max((own.known_parts for own in candidates_), default=0)
        fullest = [own for own in candidates_ if own.known_parts == most]
        return fullest[0] if len(fullest) == 1 and most >= course.known_parts else course

    def _registered(self, course: CourseId) -> str:
        identity = "/".join(part or "-" for part in course)
        if course.subject and course.number and course.term:
            return self._registry.handle(f"course/{identity}")
        return self._private(f"course/{identity}")

    def _private(self, identity: str) -> str:
        # Half a surrogate pair, as JSON can bring it, has no bytes: it is spelled out.
        clean = f"of/{self._contributor}/{identity}".encode("utf-8", "backslashreplace").decode("utf-8")
        return self._registry.handle(clean)


def _is_pair(token: str, own: set[CourseId]) -> bool:
    """Whether a token is a subject and a number of four digits or fewer, known as such: ``_PAIR`` finds it in all spellings."""
    return sum(map(str.isdigit, token)) <= 4 and any(
        c.subject and c.number and atoms(token) == atoms(f"{c.subject} {c.number}") for c in own
    )


def _with_sections(mentions: list[Mention], text: str) -> list[int]:
    """Where each mention ends with the sections that it runs on into; never in the next one."""
    starts = [*(m.start for m in mentions[1:]), len(text)]
    ends = []
    for mention, limit in zip(mentions, starts, strict=False):
        rest = forms.SECTIONS.match(text, mention.end)
        ends.append(rest.end() if rest and rest.end() <= limit else mention.end)
    return ends


def _literal(plain: str) -> str | None:
    """A code of no known form, folded, if it is one that a text can be searched for: with a digit and four characters, or made
    like an identifier; not a term, not an everyday word and a number."""
    folded_code = plain.casefold().strip()
    words = _WORD.findall(folded_code)
    telling = [w for w in words if w.upper() not in NO_PAIR and not re.fullmatch(r"[0-9]{1,4}|(?:19|20)[0-9]{4}", w)]
    shaped = any(c.isdigit() for c in folded_code) or "_" in folded_code or bool(re.search(r"\w-\w", folded_code))
    if "@" in folded_code or not telling or not shaped or sum(map(len, words)) < 4 or len(words) > MAX_LITERAL_WORDS:
        dotted = re.fullmatch(r"[0-9]{1,2}\.[0-9]{2,4}[a-z]?", folded_code)  # "6.006"
        return folded_code if dotted else None
    return " ".join(folded_code.split())


def _with_term(course: CourseId, term: str | None) -> CourseId:
    return course if course.term else course._replace(term=term_code(term))
