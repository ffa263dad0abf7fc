"""Decide whether a number or name that a pattern matched counts: national check digits, telephone plans, words that are no
login.

Check digits are python-stdnum's; telephone plans are libphonenumber's, of every region.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module

from canvas_pipeline.privacy.identities.folding import LETTERS
from canvas_pipeline.privacy.identities.gazetteer import TERMS
from canvas_pipeline.privacy.identities.vocabulary import is_course_work, is_ordinary, is_proper, is_word, reads_as_word
from canvas_pipeline.privacy.word_lists import word_list

_FILE_ENDS = frozenset(
    "md py txt pdf com io org net edu gov doc docx zip js ts html css java cpp c h ipynb csv json xlsx pptx".split()
)
_NO_LOGIN = frozenset(word_list("no_logins"))
# Accounts that come with a machine, and parts of addresses that are nobody's.
_NO_ACCOUNT = frozenset(word_list("no_accounts"))
# Countries and their numbers whose check digits suffice without a word beside them.
_CHECKED = (
    "es.nif", "cl.rut", "br.cpf", "it.codicefiscale", "mx.curp", "gb.nino", "fi.hetu", "kr.rrn", "se.personnummer", "ch.ssn",
    "be.nn", "ar.cuit", "cn.ric", "fr.nir", "dk.cpr",
)  # fmt: skip
_NINO = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-Z]{2}\d{6}[A-D]")
_ROUND = re.compile(r"(?:\d{0,2}00\s){1,3}\d{0,2}00")
_DATE = re.compile(
    r"(?:19|20)\d\d[-/. ]\d{1,2}[-/. ]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)?\d\d|(?:19|20)\d\d\s?-\s?(?:19|20)\d\d"
)


@cache
def _checks() -> tuple[Callable[[str], bool], ...]:
    found = []
    for name in _CHECKED:
        try:
            found.append(import_module(f"stdnum.{name}").is_valid)
        except ModuleNotFoundError:  # a country's number that this release of stdnum does not have
            continue
    return tuple(found)


def is_checked(number: str) -> bool:
    """Return whether the check digits (in Britain, the letters) of a national identity number are right, in a country of the
    table."""
    plain = re.sub(r"[\s]", "", number)
    return bool(_NINO.fullmatch(plain)) or any(check(number) for check in _checks())


def is_identifying(number: str) -> bool:
    """Match five digits or more that are no date, after the name of a national or student number."""
    return sum(c.isdigit() for c in number) >= 5 and not _DATE.fullmatch(number)


def is_callable(number: str) -> bool:
    """Return whether a number has the length of a telephone number of some region and is no date or row of round amounts. For
    use after a word of calling."""
    return not _is_other(number) and _in_some_region(number, assigned=False)


def is_assigned(number: str) -> bool:
    """Return whether the plan of some region assigns the number. Sufficient without a word beside it."""
    return not _is_other(number) and _in_some_region(number, assigned=True)


def _is_other(number: str) -> bool:
    return bool(_DATE.fullmatch(number) or _ROUND.fullmatch(number) or re.fullmatch(r"\d+\.\d+", number))


@cache
def _regions() -> tuple[str, ...]:
    import phonenumbers

    first = ("US", "GB", "IN", "CN", "DE", "FR", "ES", "AU", "BR", "MX", "IT", "NL", "SE", "NO", "HK", "SG")
    return (*first, *sorted(set(phonenumbers.SUPPORTED_REGIONS) - set(first)))


def _in_some_region(number: str, assigned: bool) -> bool:
    import phonenumbers

    test = phonenumbers.is_valid_number if assigned else phonenumbers.is_possible_number
    for region in _regions():
        try:
            if test(phonenumbers.parse(number, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
        if number.startswith("+"):  # the region is in the number
            return False
    return False


def is_login(name: str) -> bool:
    """Return whether a name is unlikely in a sentence: no ordinary word, no part of course work with its number."""
    words = [word.lower() for word in LETTERS.findall(name)]
    if not words:
        return len(name) >= 5
    if any(c.isdigit() for c in name):
        return not (len(words) == 1 and (words[0] in _NO_LOGIN or (is_course_work(words[0]) and len(words[0]) > 2)))
    return not all(word in _NO_LOGIN or is_word(word) or is_ordinary(word) for word in words)


def is_handle(name: str) -> bool:
    """Return whether a name is no word and no file's name ("lab3", "README.md", "week.two")."""
    words = [word.lower() for word in LETTERS.findall(name)]
    if not words or words[-1] in _FILE_ENDS:
        return False
    return not all(
        word in _NO_LOGIN or (is_word(word) and not is_proper(word)) or is_course_work(word) for word in words
    )


def is_owner(name: str) -> bool:
    """Return whether a name in a place of account names is an account: no word, program, topic, file or default account."""
    words = [word.lower() for word in LETTERS.findall(name)]
    return is_handle(name) and not all(map(_is_nobodys, words))


def is_account(name: str) -> bool:
    """Return whether a name among other words is an account: as ``is_owner``, and no compound word ("mergesort") unless two
    digits follow."""
    words = [word.lower() for word in LETTERS.findall(name)]
    numbered = re.search(r"\d\d$", name) is not None
    return is_owner(name) and (numbered or not all(_is_nobodys(word) or _is_run_on(word) for word in words))


def _is_nobodys(word: str) -> bool:
    return word in _NO_LOGIN or word in _NO_ACCOUNT or word in TERMS or is_ordinary(word) or is_word(word)


def _is_run_on(word: str) -> bool:
    """Return whether a word is two words of three letters or more, one of them ordinary."""
    halves = ((word[:at], word[at:]) for at in range(3, len(word) - 2))
    return any(is_word(one) and is_word(other) and (is_ordinary(one) or is_ordinary(other)) for one, other in halves)


def is_long_id(number: str) -> bool:
    """Match seven digits or more that are no date, no row of round amounts and no book's number."""
    digits = re.sub(r"\D", "", number)
    dated = re.fullmatch(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", digits)
    book = len(digits) == 13 and digits.startswith(("978", "979"))
    groups = number.split()
    round_ = digits.endswith("00000") or (len(groups) > 1 and all(group.endswith("0") for group in groups))
    return len(digits) >= 7 and not (dated or book or round_ or _DATE.fullmatch(number))


def is_group_code(code: str) -> bool:
    """Match a meeting's code: groups of lower-case letters and digits between dashes, two of them no words."""
    groups = code.split("-")
    mixed = [group for group in groups if not group.isalpha() and not group.isdigit()]
    strange = [g for g in groups if g.isalpha() and not (is_word(g) or is_proper(g) or g in TERMS or g in _NO_LOGIN)]
    return len(mixed) + len(strange) >= 2


def is_coined(name: str) -> bool:
    """Match letters that are no word of any kind, with digits or signs or without."""
    parts = LETTERS.findall(name)
    if not parts or parts[-1] in _FILE_ENDS:
        return False
    long = [part for part in parts if len(part) > 3]
    if re.search(r"\d", name):
        return any(not is_word(part) and part not in TERMS and not is_ordinary(part) for part in long) and is_handle(
            name
        )
    return bool(long) and all(not reads_as_word(part, slips=False) for part in long)


def is_coined_or_mixed(name: str) -> bool:
    """Match the same after a label of a login, where two letters and digits suffice."""
    letters = "".join(LETTERS.findall(name))
    return (
        (is_login(name) and (len(letters) < 4 or not is_word(letters)))
        if re.search(r"\d{2}", name)
        else is_coined(name)
    )


def is_coined_with_digits(name: str) -> bool:
    """Match letters that are no word of any kind, with digits: a login without a label."""
    return (
        name not in TERMS
        and all(not reads_as_word(part, slips=False) for part in LETTERS.findall(name))
        and is_account(name)
    )


def is_secret(code: str) -> bool:
    """Match a code with a digit in it that is no date, share or time."""
    return not _DATE.fullmatch(code) and re.fullmatch(r"\d{1,2}:\d\d\w*|\d+%|[a-z]+-?\d", code) is None
