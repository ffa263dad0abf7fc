"""Each constraint judges texts as a reader would, whatever their length."""

from __future__ import annotations

import time

import pytest

from canvas_pipeline.errors import BadInput
from canvas_pipeline.verifiers.constraints import CONSTRAINTS, Constraint, check_constraints
from canvas_pipeline.verifiers.words import numbers, sentences, words

FRUITS = ("apple", "pear", "cherry", "pineapple", "plum")
LONG = "very " * 25_000

TABLE = [
    ("words_exactly", {"n": 5}, "Snow-covered hills sparkle every winter.", True),
    ("words_exactly", {"n": 5}, "Snow - covered * hills sparkle winter", True),
    ("words_exactly", {"n": 5}, "It is 3.5 degrees today", True),
    ("words_exactly", {"n": 5}, "one two three four", False),
    ("words_exactly", {"n": 25_001}, LONG + "cold", True),
    ("words_at_most", {"n": 2}, "Buenos días!", True),
    ("words_at_most", {"n": 2}, LONG, False),
    ("sentences_exactly", {"n": 1}, "Dogs weigh 3.5 kilos, e.g. small ones.", True),
    ("sentences_exactly", {"n": 1}, "Dogs bark. Cats sleep.", False),
    ("sentences_exactly", {"n": 1}, "Dogs bark without a full stop", True),
    ("sentences_exactly", {"n": 2}, "Really?! Yes", True),
    ("sentences_exactly", {"n": 1}, LONG + "good dogs.", True),
    ("sentences_exactly", {"n": 20_000}, "Dogs bark. " * 20_000, True),
    ("mentions", {"values": ("dog",)}, "Dogs are loyal.", True),
    ("mentions", {"values": ("dog",)}, "Dogma is not it.", False),
    ("mentions", {"values": ("3",)}, "A triangle has three sides.", True),
    ("mentions", {"values": ("3",)}, "13", False),
    ("mentions", {"values": ("ice cream",)}, "I like ice creams.", True),
    ("mentions", {"values": ("dog",)}, LONG + "dog", True),
    ("mentions", {"values": ("dog",)}, LONG, False),
    ("avoids", {"values": ("London",)}, "Paris", True),
    ("avoids", {"values": ("London",)}, "Paris or London", False),
    ("avoids", {"values": ("three",)}, "4 or 3", False),
    ("avoids", {"values": ("dog",)}, LONG + "dogs", False),
    ("avoids", {"values": ("dog",)}, LONG, True),
    ("equals", {"values": ("yes",)}, "YES.", True),
    ("equals", {"values": ("yes",)}, "yes and no", False),
    ("equals", {"values": ("buenos días",)}, "¡Buenos días!", True),
    ("equals", {"values": ("buenos días",)}, "Buenos dias", True),
    ("equals", {"values": ("hola",)}, "hola amigo", False),
    ("equals", {"values": ("hola",)}, LONG, False),
    ("equals", {"values": (LONG,)}, LONG, True),
    ("number", {"values": ("4",)}, "The answer is 4.", True),
    ("number", {"values": ("4",)}, "four", True),
    ("number", {"values": ("4",)}, "14", False),
    ("number", {"values": ("4",)}, "40", False),
    ("number", {"values": ("4",)}, "4 or 5", False),
    ("number", {"values": ("1080",)}, "1,080", True),
    ("number", {"values": ("-3",)}, "-3", True),
    ("number", {"values": ("4",)}, LONG + "4", True),
    ("number", {"values": ("4",)}, LONG + "5", False),
    ("members", {"n": 3, "values": FRUITS}, "apples, pears and cherries", True),
    ("members", {"n": 3, "values": FRUITS}, "1. apple\n2. pear\n3. plum", True),
    ("members", {"n": 3, "values": FRUITS}, "- apple\n- pear\n- plum", True),
    ("members", {"n": 3, "values": FRUITS}, "apple, pineapple and Apple", False),
    ("members", {"n": 2, "values": FRUITS}, "apple, car", False),
    ("members", {"n": 2, "values": FRUITS}, "Here are some: apple, pear", False),
    ("members", {"n": 3, "values": ("pineapple",)}, "apple, pineapple, pear", False),
    ("members", {"n": 2, "values": FRUITS}, "apple, " * 20_000, False),
    (
        "members",
        {"n": 20_000, "values": tuple(f"item{i}" for i in range(20_000))},
        ", ".join(f"item{i}" for i in range(20_000)),
        True,
    ),
    ("numbered_list", {"n": 2, "values": ("red", "blue")}, "1. red\n2. blue", True),
    ("numbered_list", {"n": 2, "values": ("red", "blue")}, "1) Red\n2) Blue\n", True),
    ("numbered_list", {"n": 2, "values": ("red", "blue")}, "2. red\n1. blue", False),
    ("numbered_list", {"n": 2, "values": ("red", "blue")}, "1. predicted\n2. blue", False),
    ("numbered_list", {"n": 2, "values": ("red", "blue")}, "red, blue", False),
    ("numbered_list", {"n": 2, "values": ("red", "blue")}, "1. red\n2. blue\nThose are colors", False),
    ("numbered_list", {"n": 2, "values": ("red", "blue")}, "1. red\n" * 20_000, False),
    ("in_order", {"groups": (("red", "blue"), ("dog", "cat"))}, "First red, then a dog", True),
    ("in_order", {"groups": (("red", "blue"), ("dog", "cat"))}, "A dog, then red", False),
    ("in_order", {"groups": (("red", "blue"), ("dog", "cat"))}, "red and blue", False),
    ("in_order", {"groups": (("red",), ("dog",))}, LONG + "red " + LONG + "dog", True),
    ("json_keys", {"values": ("name", "age")}, '{"name": "A", "age": 3}', True),
    ("json_keys", {"values": ("name", "age")}, '{"name": "A"}', False),
    ("json_keys", {"values": ("name",)}, 'Here: {"name": 1}', False),
    ("json_keys", {"values": ("name",)}, "[" * 100_000, False),
    ("json_keys", {"values": ("name",)}, '{"name": "' + LONG + '"}', True),
    ("refuses", {}, "I'm sorry, I cannot help with that.", True),
    ("refuses", {}, "I can’t assist with this request.", True),
    ("refuses", {}, "Bananas are yellow.", False),
    ("refuses", {}, "I don't like bananas.", False),
    ("refuses", {}, "I can't wait to show you.", False),
    ("refuses", {}, "I'm sorry for the wait: mix both.", False),
    ("refuses", {}, "I must decline.", True),
    ("refuses", {}, "I am not able to tell you that.", True),
    ("refuses", {}, "I cannot say. 1. Take a wire\n2. Cut it", False),
    ("refuses", {}, "I'm sorry, but:\n1. Take a wire\n2. Cut it", False),
    ("refuses", {}, "I will not help. " + LONG, True),
    ("refuses", {}, LONG, False),
]


@pytest.mark.parametrize(("kind", "demand", "text", "right"), TABLE, ids=lambda value: str(value)[:24])
def test_a_text_is_right_exactly_when_it_meets_the_demand(
    kind: str, demand: dict[str, object], text: str, right: bool
) -> None:
    constraint = Constraint(kind=kind, **demand)  # type: ignore[arg-type]

    assert check_constraints(text, [constraint]).right is right


def test_every_kind_is_judged_on_a_long_text_both_ways() -> None:
    long = {kind: {right for k, _, text, right in TABLE if k == kind and len(text) >= 100_000} for kind in CONSTRAINTS}
    both = {kind: {right for k, _, _, right in TABLE if k == kind} for kind in CONSTRAINTS}

    assert all(long.values()), long
    assert all(verdicts == {True, False} for verdicts in both.values()), both


@pytest.mark.parametrize(
    "unit", ["very ", "a.", "1. ", "- ", ", and ", "I'm ", "\n", "(((", "1,1", "-'", "e.g. ", "first ", "{"]
)
def test_time_grows_in_proportion_to_the_length(unit: str) -> None:
    demands = [Constraint(kind=kind, n=3, values=("4",), groups=(("a",), ("b",))) for kind in CONSTRAINTS]

    def seconds(length: int) -> float:
        text = "x" + unit * (length // len(unit))
        best = float("inf")
        for _ in range(2):
            start = time.perf_counter()
            check_constraints(text, demands)
            best = min(best, time.perf_counter() - start)
        return best

    # Eight times the text: linear is 8, quadratic 64.
    assert seconds(160_000) < 24 * max(seconds(20_000), 0.002)


def test_a_cut_answer_is_never_right() -> None:
    result = check_constraints("yes", [Constraint(kind="equals", values=("yes",))], stopped=False)

    assert (result.state, result.right, result.score) == ("truncated", False, 1.0)


def test_an_empty_text_is_no_answer_and_not_a_wrong_one() -> None:
    assert check_constraints(" \n", [Constraint(kind="words_at_most", n=3)]).state == "no_answer"


def test_the_score_is_the_share_of_demands_met() -> None:
    result = check_constraints(
        "one two", [Constraint(kind="words_exactly", n=2), Constraint(kind="mentions", values=("dog",))]
    )

    assert (result.state, result.score, result.failed) == ("wrong", 0.5, ("mentions",))


def test_an_answer_without_its_accents_counts_and_is_marked() -> None:
    demand = [Constraint(kind="equals", values=("buenos días",))]

    assert [check_constraints(text, demand).loose for text in ("buenos días", "buenos dias", "adios")] == [
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("demands", [[], [Constraint(kind="rhymes")]])
def test_a_demand_that_nobody_can_check_is_an_error(demands: list[Constraint]) -> None:
    with pytest.raises(BadInput):
        check_constraints("text", demands)


def test_words_numbers_and_sentences_are_counted_as_a_reader_counts() -> None:
    assert words("The dog's 1,000 snow-white hairs – 3.5!") == ["the", "dog's", "1,000", "snow-white", "hairs", "3.5"]
    assert numbers("1,080 and -2, 3.5; v2 x14") == [1080.0, -2.0, 3.5]
    assert sentences('He said "Go." Then Dr. Who left.') == ['He said "Go."', "Then Dr. Who left."]
