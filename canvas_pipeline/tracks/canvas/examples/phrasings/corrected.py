"""Wordings that correct the request before: the same call is made again with the value they name."""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline.tracks.canvas.examples.phrasings.wording import Wording, wordings

CORRECTED: Mapping[str, tuple[Wording, ...]] = {
    "other_course": wordings(
        "other_course",
        train=(
            "No, I meant {course}", "I meant {course}", "Sorry, I meant {course}", "The other one, {course}",
            "No, the other one, {course}", "No, {course}", "[Not that one|Wrong one], {course}",
            "[Wrong class|Wrong course], I meant {course}", "I mean {course}", "No, for {course}", "Oops, {course}",
            "Not this course, {course}", "I didn't mean that one, I meant {course}", "I was asking about {course}",
            "No no, {course}", "[Sorry|Oops], wrong course, {course}", "{course}, not that one", "{course} is what I meant",
            "{course}, sorry", "Actually {course}", "Actually, I meant {course}", "[Same|The same] for {course}",
            "And the same for {course}", "What about {course}?", "And {course}?", "No, perdón, {course}", "Nein, {course}",
            "I wanted {course}", "It's {course} I need",
        ),
        bench=(
            "I should have said {course}", "That should have been {course}", "My mistake, it is about {course}",
            "I was thinking of {course}", "{course} instead", "Please use {course}", "You have the wrong course, try {course}",
            "That was for the wrong class, take {course}", "I got that wrong: {course}", "What I need is rather {course}",
            "Non, {course}", "Would you do it with {course}?", "And how about {course}?",
        ),
    ),
    "other_day": wordings(
        "other_day",
        train=(
            "No, {on_day}", "No, I meant {day}", "I meant {day}", "Sorry, I meant {day}", "Sorry, {on_day}",
            "[Wrong day|Not that day], I meant {day}", "[Wrong day|Not that day], {on_day}", "I mean {day}", "Oops, {on_day}",
            "Oops, I meant {day}", "No no, {on_day}", "Actually {on_day}", "Actually, I meant {day}", "Make it {day}",
            "{day}, not that day", "{day} is what I meant", "{on_day}, sorry", "What about {day}?", "And {on_day}?",
            "[Same|The same] for {day}", "And the same {on_day}", "The other day, I mean {day}", "No, it's {on_day}",
            "No, perdón, {on_day}", "Nein, {on_day}", "I wanted {day}", "I said {day}",
        ),
        bench=(
            "I should have said {day}", "That should have been {day}", "{on_day} instead", "Not then but {on_day}",
            "I was thinking of {day}", "My mistake, it is {on_day}", "I got the day wrong: {day}",
            "What I need is rather {on_day}", "Non, {on_day}", "Please use {day}", "That was the wrong day, take {day}",
            "And how about {day}?", "Would you do that for {day}?",
        ),
    ),
    "other_duration": wordings(
        "other_duration",
        train=(
            "No, {duration}", "I meant {duration}", "No, I meant {duration}", "Sorry, {duration}", "Sorry, I meant {duration}",
            "I need {duration}", "No, I need {duration}", "Actually {duration}", "Actually, I need {duration}",
            "No no, {duration}", "That's not what I need, I need {duration}", "Wrong length, {duration} please",
            "It has to be {duration}", "It should be {duration}", "Oops, {duration}", "Make it {duration}",
            "{duration}, not that", "{duration}, sorry", "{duration} is what I need", "{duration} is what I meant",
            "At least {duration}", "No, at least {duration}", "What about {duration}?", "And for {duration}?",
            "And with {duration}?", "No, perdón, {duration}", "Nein, {duration}", "I said {duration}",
        ),
        bench=(
            "I should have said {duration}", "{duration} instead", "{duration} would be better", "I'd like {duration}",
            "That should have been {duration}", "My mistake, {duration}", "What I need is rather {duration}", "Non, {duration}",
            "Please use {duration}", "It takes {duration}, look again", "I got that wrong, it takes {duration}",
            "Try it with {duration}", "And how about {duration}?",
        ),
    ),
    "other_horizon": wordings(
        "other_horizon",
        train=(
            "No, {horizon}", "No, I meant {horizon}", "I meant {horizon}", "Sorry, {horizon}", "Sorry, I meant {horizon}",
            "I mean {horizon}", "Actually {horizon}", "Actually, I meant {horizon}", "Oops, {horizon}", "No no, {horizon}",
            "Only {horizon}", "Just {horizon}", "No, only {horizon}", "Not that, {horizon}", "Wrong days, {horizon}",
            "And {horizon}?", "What about {horizon}?", "And the same {horizon}", "Make it {horizon}", "{horizon}, not that",
            "{horizon}, sorry", "{horizon} is what I meant", "No, perdón, {horizon}", "Nein, {horizon}", "I said {horizon}",
        ),
        bench=(
            "I should have said {horizon}", "{horizon} instead", "That should have been {horizon}",
            "What I need is rather {horizon}", "My mistake, {horizon}", "I wrote it wrong, {horizon}",
            "What I wanted to know is {horizon}", "Try again, {horizon}", "I only care about what comes {horizon}",
            "Non, {horizon}", "I got that wrong: {horizon}", "And how about {horizon}?", "Would you change that: {horizon}?",
        ),
    ),
    "other_exam_day": wordings(
        "other_exam_day",
        train=(
            "Sorry, the exam is {on_day}", "The exam is {on_day}", "No, the exam is {on_day}", "No, my exam is {on_day}",
            "Oops, the exam is {on_day}", "Actually, the exam is {on_day}", "Actually my exam is {on_day}",
            "[Wrong day|Not that day], the exam is {on_day}", "I meant {day} for the exam", "Sorry, I have the exam {on_day}",
            "I have the exam {on_day}, not then", "The exam was moved to {day}", "My exam was moved to {day}",
            "They moved the exam to {day}", "The date is wrong, the exam is {on_day}", "The exam date is {day}",
            "No, the exam date is {day}", "No, I have it {on_day}", "The exam isn't then, it's {on_day}",
            "I checked, the exam is {on_day}", "Make it {day} for the exam", "What if the exam is {on_day}?",
            "What if my exam was {on_day}?", "And if the exam is {on_day}?", "No, perdón, the exam is {on_day}",
            "Nein, the exam is {on_day}", "Wait, the exam is {on_day}", "The [final|test] is {on_day}, sorry",
        ),
        bench=(
            "I got it wrong, my exam will be {on_day}", "The exam will be {on_day} instead",
            "My mistake, we write the exam {on_day}", "{day} is the day of the exam", "The exam takes place {on_day}",
            "{on_day} is when I have my exam, not then", "Please plan for an exam {on_day}",
            "It turns out the exam is {on_day}", "Our professor moved the exam, now it's {on_day}", "Non, the exam is {on_day}",
            "I was wrong about the exam day, it's {day}", "That should have been {day}, the exam", "Use {day} as the exam day",
        ),
    ),
    "other_time": wordings(
        "other_time",
        train=(
            "No, {span} instead", "No, {span}", "That day but {span} instead", "Sorry, {span}", "Sorry, I meant {span}",
            "I meant {span}", "No, I meant {span}", "Oops, {span}", "Actually {span}", "Actually, make it {span}",
            "Make it {span}", "Make it {span} instead", "[Wrong time|Not then], {span}",
            "[Wrong time|Not then], I meant {span}", "The time is wrong, it's {span}", "It's {span}, not that",
            "It has to be {span}", "It should be {span}", "{span}, sorry", "{span}, not then", "{span} is what I meant",
            "I'd rather have it {span}", "I can't then, {span} please", "Better {span}", "Can it be {span}?", "Let's do {span}",
            "No, perdón, {span}", "Nein, {span}", "Same day but {span}", "The same day, {span}",
        ),
        bench=(
            "I should have said {span}", "That should have been {span}", "What I need is rather {span}",
            "My mistake, it is {span}", "I got the time wrong, {span}", "That day yes, only {span}",
            "Please have it {span} on that day", "It would be nicer {span}", "It suits me more {span}",
            "The right time is {span}", "Non, {span}", "Could we say {span}?", "I was thinking {span}, that same day",
        ),
    ),
    "other_kind": wordings(
        "other_kind",
        train=(
            "No, it's for {task_type}", "It's for {task_type}", "No, for {task_type}", "I meant {task_type}",
            "No, I meant {task_type}", "Sorry, {task_type}", "Sorry, it's for {task_type}", "Sorry, I meant {task_type}",
            "Oops, {task_type}", "Actually it's for {task_type}", "Actually {task_type}", "I mean {task_type}",
            "{task_type}, not that", "{task_type}, sorry", "{task_type} is what I meant", "And for {task_type}?",
            "And {task_type}?", "What about {task_type}?", "[Same|The same] for {task_type}", "And the same for {task_type}",
            "Not that, {task_type}", "Wrong one, {task_type}", "I'm doing {task_type}", "No, I'm doing {task_type}",
            "I need it for {task_type}", "No, perdón, {task_type}", "Nein, {task_type}", "And when it's {task_type}?",
        ),
        bench=(
            "I should have said {task_type}", "{task_type} instead", "That should have been for {task_type}",
            "What I need is rather {task_type}", "My mistake, this is about {task_type}", "I was thinking of {task_type}",
            "I got that wrong: it's {task_type}", "Please use {task_type}", "The work is {task_type}, in fact",
            "Non, {task_type}", "And how about {task_type}?", "What if it is {task_type}?",
            "Would that change with {task_type}?",
        ),
    ),
}  # fmt: skip
