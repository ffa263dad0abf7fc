"""Wordings beyond one request: two requests joined, and remarks after an answer that need no tool.

A joiner's slots are {first} and {second}."""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline.tracks.canvas.examples.phrasings.wording import Wording, wordings

JOINERS: tuple[Wording, ...] = wordings(
    "several",
    train=(
        "{first} Also, {second}",
        "{first} And {second}",
        "Two things: {first} {second}",
        "{first} Besides, {second}",
        "{first} [Also|Plus]: {second}",
        "{first} Another thing: {second}",
        "[I have two questions|Two questions]. {first} {second}",
        "First question: {first} Second question: {second}",
        "{first} [At the same time|And at the same time], {second}",
        "Do both: {first} {second}",
        "{first} On top of that, {second}",
        "{first} Apart from that, {second}",
        "1) {first} 2) {second}",
        "{first} While you are at it, {second}",
    ),
    bench=(
        "{first} In addition, {second}",
        "I need two things. {first} And also {second}",
        "{first} Together with that, {second}",
        "Please do these two: {first} {second}",
        "{first} One more thing: {second}",
    ),
)

REMARKS: Mapping[str, tuple[Wording, ...]] = {
    "repeat": wordings(
        "repeat",
        train=(
            "[Sorry, what|What] was that?",
            "[Can|Could] you [repeat that|say that again]?",
            "Say that again",
            "Once more",
            "[Wait, what|What] did you say?",
            "Repeat that [for me|please]",
            "[Pardon|Sorry]?",
            "I did not get that",
            "What was it again?",
            "Tell me again",
            "[And in short|In short]?",
            "So what is the result?",
        ),
        bench=(
            "I missed that, what did you say?",
            "Come again?",
            "Could you tell me that once more?",
            "Please say it again",
            "What was the answer again?",
        ),
    ),
    "thanks": wordings(
        "thanks",
        train=(
            "Thanks",
            "[Thank you|Thanks a lot]",
            "[Great|Perfect|Cool], thanks",
            "Thanks, that helps",
            "That is all, thank you",
            "Nice, thank you",
            "[Thx|Ty]",
            "Many thanks",
            "Ok thanks",
            "[Awesome|Super]",
        ),
        bench=("Thank you so much", "Wonderful, thanks a lot", "You helped me a lot", "Brilliant, I appreciate it"),
    ),
    "sure": wordings(
        "sure",
        train=(
            "Are you sure?",
            "Is that [right|correct|true]?",
            "Really?",
            "[Sure|You sure]?",
            "Is this up to date?",
            "Can I [trust|rely on] that?",
            "And that is everything?",
            "Is that all?",
        ),
        bench=("Are you certain about that?", "Is that really correct?", "Was that everything?", "Did Canvas say so?"),
    ),
    "done": wordings(
        "done",
        train=(
            "[Ok|Okay], [that is all|nothing else]",
            "[Good|Fine], I am done",
            "No more questions",
            "[Bye|Goodbye]",
            "That was all",
            "Never mind the rest",
            "Nothing else [for now|today]",
            "Ok, [got it|noted]",
        ),
        bench=("That is everything I needed", "Okay, bye", "Good, nothing more for now", "Understood"),
    ),
}
