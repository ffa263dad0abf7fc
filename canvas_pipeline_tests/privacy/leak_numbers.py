"""Draws national numbers that are well formed: their check digits are right, and they are nobody's on purpose."""

from __future__ import annotations

import random
from collections.abc import Sequence
from importlib import import_module

_TRIED = {
    "tfn": ("### ### ###", "au.tfn"),
    "tckimlik": ("###########", "tr.tckimlik"),
    "cnp": ("1{born}12####", "ro.cnp"),
    "hetu": ("{day}{month}{year}-###?", "fi.hetu"),
    "zaid": ("{born}####08#", "za.idnr"),
    "ecuador": ("17########", "ec.ci"),
    "ric": ("11010119{born}###%", "cn.ric"),
    "rrn": ("{born}-1######", "kr.rrn"),
    "oib": ("###########", "hr.oib"),
    "nir": ("1 {year} {month} 75 ### ### ##", "fr.nir"),
    "cpr": ("{day}{month}{year}-####", "dk.cpr"),
}
"""Slot → its form and the ``stdnum`` module of its check: drawn until it holds. ``#``: a digit, ``?``, ``%``: a check."""

_SIGNS = {"#": "0123456789", "?": "0123456789ABCDEFHJKLMNPRSTUVWXY", "%": "0123456789X"}


def _tried(rng: random.Random, form: str, module: str, born: str) -> str:
    check = import_module(f"stdnum.{module}").is_valid
    dated = form.format(born=born, year=born[:2], month=born[2:4], day=born[4:])
    while True:
        number = "".join(rng.choice(_SIGNS.get(sign, sign)) for sign in dated)
        if check(number):
            return number


def numbered(rng: random.Random, key: str) -> str:
    """A national number that is well formed: its check digits are right."""
    from stdnum import verhoeff
    from stdnum.br import cpf
    from stdnum.cl import rut
    from stdnum.es import dni
    from stdnum.it import codicefiscale
    from stdnum.pl import pesel

    def digits(count: int) -> str:
        return rng.choice("123456789") + "".join(rng.choices("0123456789", k=count - 1))

    def weighted(count: int, weights: Sequence[int], modulus: int) -> str:
        while True:
            body = digits(count)
            check = sum(w * int(d) for w, d in zip(weights, body, strict=True)) % modulus
            if check < 10:
                return body + str(check)

    def luhn(body: str) -> str:
        total = sum(sum(divmod(int(d) * (2 - at % 2), 10)) for at, d in enumerate(body))
        return body + str(-total % 10)

    letters = "BCDFGHJKLMNPRSTVXZ"
    born = f"{rng.randint(60, 99)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
    if key in ("rut", "rutplain"):
        body = digits(8)
        check = str(rut.calc_check_digit(body))
        return f"{body[:2]}.{body[2:5]}.{body[5:]}-{check}" if key == "rut" else f"{body}-{check}"
    if key == "cpf":
        return str(cpf.format(body + cpf._calc_check_digits(body))) if (body := digits(9)) else ""
    if key == "nie":
        return (body := f"X{digits(7)}") + str(dni.calc_check_digit("0" + body[1:]))
    if key == "nino":
        return (
            f"{rng.choice('ABCEGHJ')}{rng.choice('ABCEGHJ')} {digits(2)} {digits(2)} {digits(2)} {rng.choice('ABCD')}"
        )
    if key == "curp":
        consonants = "".join(rng.choices("BCDFGHJKLMNPQRSTVWXYZ", k=3))
        body = f"{rng.choice(letters)}O{rng.choice(letters)}{rng.choice(letters)}{born}HDF{consonants}0"
        alphabet = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ"
        return body + str(-sum((18 - i) * alphabet.index(c) for i, c in enumerate(body)) % 10)
    if key == "aadhaar":
        body = rng.choice("23456789") + digits(10)
        whole = body + str(verhoeff.calc_check_digit(body))
        return f"{whole[:4]} {whole[4:8]} {whole[8:]}"
    if key == "pesel":
        body = born + digits(4)
        return body + str(pesel.calc_check_digit(body))
    if key == "personnummer":
        whole = luhn(born + digits(3))
        return f"{whole[:6]}-{whole[6:]}"
    if key == "bsn":
        return weighted(8, (9, 8, 7, 6, 5, 4, 3, 2), 11)
    if key == "nhs":
        while True:
            body = digits(9)
            digit = -sum((10 - at) * int(d) for at, d in enumerate(body)) % 11
            if digit < 10:
                return f"{body[:3]} {body[3:6]} {body[6:]}{digit}"
    if key == "sin":
        body = digits(8)
        total = sum(sum(divmod(int(d) * (1 + at % 2), 10)) for at, d in enumerate(body))
        whole = body + str(-total % 10)
        return f"{whole[:3]} {whole[3:6]} {whole[6:]}"
    if key == "fiscale":
        body = (
            "".join(rng.choices(letters, k=6))
            + f"{born[:2]}H{rng.randint(1, 28):02d}{rng.choice('ABCDEFGHIL')}{digits(3)}"
        )
        return body + str(codicefiscale.calc_check_digit(body))
    return _tried(rng, *_TRIED[key], born)
