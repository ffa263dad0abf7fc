"""Answers equal their gold ones as a mathematician would say, and everything else has a state of its own."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.errors import BadInput
from canvas_pipeline.verifiers.answers import Gold, compare_answers, judge_answer, kind_of
from canvas_pipeline.verifiers.quantities import normalise, quantity
from canvas_pipeline.verifiers.symbolic import Comparison, SymbolicComparer

EQUATIONS = [
    # section 3.9, m7
    ("0.5", "50%", "right"),
    ("20", "20%", "right"),
    ("20", "0.2", "wrong"),
    ("3", "3 3/4", "wrong"),
    ("-3", "−3", "right"),
    # what math-verify reads wrongly
    ("1.5", "1 1/2", "right"),
    ("0.2", "20%", "right"),
    ("20%", "0.2", "right"),
    ("20%", "2000%", "wrong"),
    ("50%", "50 percent", "right"),
    ("5", "5 or 6", "no_answer"),
    ("6", "5 apples and 6 pears", "no_answer"),
    ("5", "x = 3 or x = 5", "no_answer"),
    ("2.1", "2, 1", "no_answer"),
    ("2.5", "2,5", "no_answer"),
    ("5", "\\pm 5", "no_answer"),
    ("-5", "- 5", "right"),
    ("1250", "1 , 250", "right"),
    ("1024", "2^{10}", "right"),
    ("1024", "2^10", "right"),
    ("25", "5**2", "right"),
    ("1000000", "1e6", "right"),
    ("1500", "1.5 \\times 10^{3}", "right"),
    ("1500", "1.5 x 10^3", "right"),
    ("2", "2 sqrt(3)", "wrong"),
    ("10", "10_2", "malformed"),
    ("5", "5^2", "wrong"),
    ("5", "5--", "malformed"),
    ("5", "5x", "wrong"),
    ("5", "5\\pi", "wrong"),
    ("5", "5 pi", "wrong"),
    ("5", "5!", "wrong"),
    # numbers
    ("5", "x=5", "right"),
    ("1000", "x = 1,000", "right"),
    ("2", "a=1,b=2", "no_answer"),
    ("5", "1,x=5", "no_answer"),
    ("5", "2+3 = 5", "right"),
    ("1234", "1,234", "right"),
    ("1234567", "1 234 567", "right"),
    ("1234", "1\\,234", "right"),
    ("1234", "1{,}234", "right"),
    ("1080", "1,080.", "right"),
    ("8", "8.0", "right"),
    ("0.75", "3/4", "right"),
    ("0.5", ".5", "right"),
    ("3.5", "3½", "right"),
    ("15/4", "3\\frac{3}{4}", "right"),
    ("-7/2", "-3 1/2", "right"),
    ("1/2", "\\frac12", "right"),
    ("5", "(5)", "right"),
    ("1/3", "0.333333", "right"),
    ("1/3", "0.333", "wrong"),
    ("2/3", "0.666666", "wrong"),
    ("1/10000000", "0.000000", "wrong"),
    ("5", "1/0", "wrong"),
    ("5", "$5", "right"),
    ("5", "\\$5.00", "right"),
    ("5", "5 €", "right"),
    ("72", "72 dollars", "right"),
    ("5", "5\\text{ cm}^2", "right"),
    ("5", "5 km/h", "right"),
    ("5", "5cm", "right"),
    ("90", "90^\\circ", "right"),
    ("90", "90°", "right"),
    ("5", "about 5", "right"),
    ("5", "5 million", "wrong"),
    ("5000000", "5 million", "right"),
    ("5", "5xy", "malformed"),
    ("5", "3:4", "wrong"),
    ("5", "1e999999", "wrong"),
    ("5", "five", "malformed"),
    ("5", "Paris", "malformed"),
    ("5", "", "malformed"),
    ("5", "9" * 1001, "malformed"),
    ("3", "x>3", "wrong"),
    ("5", "-5", "wrong"),
    ("5", "$", "malformed"),
    ("5", "\\frac{", "malformed"),
    # expressions, without dollars
    ("\\sqrt{8}", "2\\sqrt{2}", "right"),
    ("\\sqrt{8}", "2sqrt(2)", "right"),
    ("\\sqrt{8}", "√8", "right"),
    ("x^2+1", "1+x^2", "right"),
    ("x^2+1", "x^2-1", "wrong"),
    ("y=2x+1", "2x+1", "right"),
    ("\\frac{1}{\\sqrt{2}}", "$\\frac{\\sqrt{2}}{2}$", "right"),
    ("2\\pi", "2π", "right"),
    ("[0,1)", "[0,1)", "right"),
    ("[0,1)", "(0,1)", "wrong"),
    ("x \\in [3,\\infty)", "[3,∞)", "right"),
    ("5!", "120", "right"),
    ("(-\\infty,3)\\cup(5,\\infty)", "(5,\\infty)\\cup(-\\infty,3)", "right"),
    ("0.5", "4^(-1/2)", "right"),
    ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}", "right"),
    ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{pmatrix} 1 \\\\ 3 \\end{pmatrix}", "wrong"),
    # collections
    ("(1,2)", "(1, 2)", "right"),
    ("(1,2)", "1, 2", "right"),
    ("(1,2)", "(2,1)", "wrong"),
    ("(1,2)", "[1,2]", "wrong"),
    ("(1,2)", "(1,2,3)", "wrong"),
    ("(1,2)", "5", "wrong"),
    ("(\\frac{1}{2}, 3)", "(0.5, 3)", "right"),
    ("\\{1,2\\}", "$2, 1$", "right"),
    ("1, 2", "2 and 1", "right"),
    ("\\{1,2\\}", "\\{1\\}", "wrong"),
    ("1, 2", "x = 1 or 2", "right"),
    ("5,-5", "\\pm 5", "right"),
    ("1, 2", "1, 1", "wrong"),
    ("1, 2", "1, Paris", "malformed"),
    # texts
    ("Monday", "\\text{monday}.", "right"),
    ("Monday", "Tuesday", "wrong"),
]


@pytest.fixture(scope="module")
def comparer() -> Iterator[SymbolicComparer]:
    with SymbolicComparer() as comparer:
        yield comparer


class Unused:
    """A comparer that must not be asked."""

    def compare(self, gold: str, answer: str) -> Comparison:
        raise AssertionError("a number was given to the library")


class Never:
    """A comparer that finds everything different."""

    def compare(self, gold: str, answer: str) -> Comparison:
        return "different"


@pytest.mark.parametrize(("gold", "answer", "verdict"), EQUATIONS, ids=[f"{g} ~ {a[:40]}" for g, a, _ in EQUATIONS])
def test_an_answer_is_compared_with_its_gold_one(
    comparer: SymbolicComparer, gold: str, answer: str, verdict: str
) -> None:
    assert compare_answers(Gold(kind=kind_of(gold), text=gold), answer, comparer) == verdict


@pytest.mark.parametrize(
    ("gold", "kind"),
    [
        ("5", "int"),
        ("1,080", "int"),
        ("-3 dollars", "int"),
        ("8.0", "decimal"),
        ("20%", "decimal"),
        ("3/4", "fraction"),
        ("1\\frac12", "fraction"),
        ("(1,2)", "tuple"),
        ("1, 2", "set"),
        ("\\{1,2\\}", "set"),
        ("\\{1\\}", "set"),
        ("[0,1)", "expression"),
        ("x^2+1", "expression"),
        ("Monday", "text"),
        ("2\\sqrt{3}", "expression"),
        ("(x+1)(x-2)", "expression"),
        ("1\\frac{1}{2}", "fraction"),
    ],
)
def test_a_gold_answer_has_its_kind(gold: str, kind: str) -> None:
    assert kind_of(gold) == kind


OPTIONS = ("A)21", "B)21.5", "C)22", "D)22.5", "E)23")


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("23", "right"),
        ("E", "right"),
        ("(E)", "right"),
        ("e.", "right"),
        ("\\text{E}", "right"),
        ("\\textbf{(E)}", "right"),
        ("E) 23", "right"),
        ("option E", "right"),
        ("$23.00$", "right"),
        ("B or E", "wrong"),
        ("B", "wrong"),
        ("E) 21", "wrong"),
        ("B) 23", "wrong"),
        ("24", "wrong"),
        ("21 or 23", "wrong"),
        ("", "malformed"),
    ],
)
def test_a_choice_is_its_letter_or_the_text_of_exactly_one_option(
    comparer: SymbolicComparer, answer: str, verdict: str
) -> None:
    assert compare_answers(Gold(kind="choice", text="E", options=OPTIONS), answer, comparer) == verdict


def test_a_text_that_two_options_share_chooses_neither(comparer: SymbolicComparer) -> None:
    gold = Gold(kind="choice", text="A", options=("1/2", "0.5", "2"))
    assert compare_answers(gold, "0.5", comparer) == "wrong"
    assert compare_answers(gold, "A", comparer) == "right"


def test_a_gold_letter_without_an_option_is_refused() -> None:
    with pytest.raises(BadInput, match="none of the 2 options"):
        compare_answers(Gold(kind="choice", text="C", options=("1", "2")), "1", Never())


FIVE = Gold(kind="int", text="5")


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("so 5", "no_answer"),
        ("", "no_answer"),
        ("#### 5", "right"),
        ("#### 6", "wrong"),
        ("####", "malformed"),
        ("\\boxed{5", "malformed"),
        ("\\boxed{Paris}", "malformed"),
        ("The answer is 5 or 6.", "no_answer"),
        ("<think>\\boxed{6}</think>\\boxed{5}", "right"),
        ("<think>\\boxed{5}", "truncated"),
        ("<think>\\boxed{5}</think>", "no_answer"),
        ("\\boxed{4} \\boxed{5}", "right"),
    ],
)
def test_absent_malformed_wrong_and_truncated_are_different_states(text: str, state: str) -> None:
    assert judge_answer(text, FIVE, Never()).state == state


def test_an_answer_at_the_length_limit_is_truncated_even_if_it_is_right() -> None:
    result = judge_answer("#### 5", FIVE, Unused(), stopped=False)
    assert result.state == "truncated" and not result.right and not result.lenient


def test_a_row_without_a_gold_answer_is_unlabelled_and_never_wrong() -> None:
    assert judge_answer("#### 5", None, Unused()).state == "unlabelled"


def test_a_gold_answer_that_cannot_be_read_is_no_fault_of_the_model() -> None:
    assert judge_answer("#### 5", Gold(kind="int", text="see figure"), Unused()).state == "gold_unreadable"
    assert judge_answer("#### 5", Gold(kind="text", text=" "), Unused()).state == "gold_unreadable"


def test_the_last_number_counts_in_the_lenient_figure_only() -> None:
    result = judge_answer("so we get 5.", FIVE, Unused())
    assert (result.state, result.lenient) == ("no_answer", True)
    assert not judge_answer("so we get 6.", FIVE, Unused()).lenient
    assert judge_answer("\\boxed{5}", FIVE, Unused()).lenient


def test_a_tower_of_powers_is_undecided_within_the_limit() -> None:
    text = "so \\boxed{(2003^{2002^{2001}})}"
    with SymbolicComparer(seconds=0.5) as comparer:
        assert judge_answer(text, Gold(kind="int", text="5"), comparer).state == "undecided"
        assert judge_answer(text, Gold(kind="expression", text="(2003^{2002^{2001}})"), comparer).state == "right"


@given(st.text(), st.sampled_from(["int", "decimal", "fraction", "expression", "set", "tuple", "text"]))
def test_no_answer_raises(answer: str, kind: str) -> None:
    gold = Gold(kind=kind, text="(1, 2)")  # type: ignore[arg-type]
    compare_answers(gold, answer, Never())
    judge_answer(f"\\boxed{{{answer}}}", gold, Never())
    judge_answer(answer, Gold(kind="choice", text="A", options=(answer, "2")), Never())
    kind_of(answer)


@given(
    st.integers(min_value=-(10**12), max_value=10**12),
    st.sampled_from(["{}", "${}", "${}$", "{}.", "{} apples", "x = {}", "\\text{{{}}}", " {} ", "**{}**", "\\({}\\)"]),
)
def test_an_integer_is_itself_in_every_dress(number: int, dress: str) -> None:
    gold = Gold(kind="int", text=str(number))
    for spelling in (f"{number}", f"{number:,}", f"{number}.0", f"{number}".replace("-", "−")):
        assert compare_answers(gold, dress.format(spelling), Unused()) == "right"
        assert compare_answers(Gold(kind="int", text=str(number + 1)), dress.format(spelling), Unused()) == "wrong"


@given(st.fractions(max_denominator=10**6))
def test_a_fraction_is_read_exactly_in_every_form(value: Fraction) -> None:
    sign, top, under = "-" if value < 0 else "", abs(value.numerator), value.denominator
    whole, rest = divmod(top, under)
    for text in (
        f"{sign}{top}/{under}",
        f"{sign}\\frac{{{top}}}{{{under}}}",
        f"{sign}{whole} {rest}/{under}",
        f"{sign}\\dfrac{{{top}}}{{{under}}}",
    ):
        read = quantity(normalise(text))
        assert read is not None and read.value == value


@given(st.text(alphabet="0123456789.,+-*/^_(){}[]\\ abxfrcsqt%$=", max_size=40))
def test_normalising_twice_changes_nothing_that_is_read(text: str) -> None:
    once = normalise(text)
    assert quantity(normalise(once)) == quantity(once) or quantity(once) is None
