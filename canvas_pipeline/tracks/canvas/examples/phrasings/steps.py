"""Wordings of requests that need one result to make the next call. Slots are values that ``sequences`` draws."""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline.tracks.canvas.examples.phrasings.wording import Wording, wordings

STEPS: Mapping[str, tuple[Wording, ...]] = {
    "grades_by_name": wordings(
        "grades_by_name",
        train=(
            "What is my [grade|score] in {name}?",
            "[Show|Check] my grade for {name}",
            "How am I doing in {name}?",
            "My score in {name}, I do not know the id",
        ),
        bench=("Which grade do I have in {name}?", "Tell me my score for {name}"),
    ),
    "syllabus_by_name": wordings(
        "syllabus_by_name",
        train=(
            "[Show|Open] the syllabus of {name}",
            "What does the syllabus for {name} say?",
            "Syllabus of {name}?",
            "[Find|Get] me the {name} syllabus",
        ),
        bench=("Read the syllabus for {name}", "I need what the syllabus of {name} says"),
    ),
    "course_by_name": wordings(
        "course_by_name",
        train=(
            "Who teaches {name}?",
            "How many credits is {name}?",
            "[Tell me about|Details of] {name}",
            "How many students are in {name}?",
        ),
        bench=("Give me details about {name}", "Who is the instructor in {name}?"),
    ),
    "assignments_by_name": wordings(
        "assignments_by_name",
        train=(
            "What is due in {name}?",
            "[Show|List] the assignments of {name}",
            "[Homework|Assignments] for {name}?",
            "Is anything due for {name}?",
        ),
        bench=("Which assignments are coming up for {name}?", "Tell me what is due for {name}"),
    ),
    "announcements_by_name": wordings(
        "announcements_by_name",
        train=(
            "[Any news|Any announcements] in {name}?",
            "[Show|List] the announcements of {name}",
            "What was announced in {name}?",
            "[News|Announcements] from {name}",
        ),
        bench=("Which announcements are there for {name}?", "Look for news in {name}"),
    ),
    "all_announcements": wordings(
        "all_announcements",
        train=(
            "[Any news|Any announcements] in any of my courses?",
            "[Show|List] announcements of all my courses",
            "What was announced in all my classes?",
            "Check every course for announcements",
        ),
        bench=("Are there announcements in my courses, whichever it is?", "Go through all my classes for news"),
    ),
    "book_free": wordings(
        "book_free",
        train=(
            "[Find|Look for] a free block of {min_minutes} minutes in the next {horizon_days} days and [book|schedule] {title}",
            "[Book|Schedule] {title} for {min_minutes} minutes at the first free time in the next {horizon_days} days",
            "Put {title} into my first free {min_minutes} minutes, next {horizon_days} days",
            "I need {min_minutes} minutes for {title} in the next {horizon_days} days, find time and [book|add] it",
        ),
        bench=(
            "Find {min_minutes} free minutes within {horizon_days} days and put {title} there",
            "Whenever I am first free for {min_minutes} minutes in the next {horizon_days} days, book {title}",
        ),
    ),
    "todo_priority": wordings(
        "todo_priority",
        train=(
            "Look at my to-do list: of the first two, {query}?",
            "[Check|Open] my todo list and tell me {query} of the first two",
            "From the top two of my to-do list, {query}?",
            "Take the first two todos. {query}?",
        ),
        bench=("Go to my to-do list and say {query} of the two on top", "Two top todos: {query}?"),
    ),
    "cancel_by_title": wordings(
        "cancel_by_title",
        train=(
            "[Cancel|Delete] {event} on {date} because {rationale}",
            "[Remove|Delete] {event} from my calendar on {date}, {rationale}",
            "{event} on {date} is off because {rationale}, [delete|cancel] it",
            "Take {event} on {date} off my calendar: {rationale}",
        ),
        bench=("Please drop {event} on {date} because {rationale}", "I want {event} on {date} removed, {rationale}"),
    ),
    "move_by_title": wordings(
        "move_by_title",
        train=(
            "[Move|Shift] {event} on {date} to {day} from {from} to {to}",
            "[Reschedule|Move] {event} from {date} to {day}, {from} to {to}",
            "{event} of {date} should be on {day} from {from} to {to}",
            "Can you move my {event} on {date} to {day} {from} to {to}?",
        ),
        bench=(
            "Please reschedule {event} on {date}, new time {day} from {from} to {to}",
            "Let {event} on {date} take place on {day} from {from} to {to}",
        ),
    ),
    "exam_study": wordings(
        "exam_study",
        train=(
            "Find {event} on {date} and [plan|space] {n_sessions} study sessions for it",
            "[Look up|Check] when {event} is on {date}, then plan {n_sessions} spaced sessions",
            "Plan {n_sessions} sessions for my {event}, it is in my calendar on {date}",
            "My {event} is in the calendar on {date}: space {n_sessions} sessions before it",
        ),
        bench=(
            "See when {event} is on {date} and spread {n_sessions} study sessions before it",
            "Get {event} on {date} from the calendar and make {n_sessions} spaced sessions",
        ),
    ),
    "bracket_by_title": wordings(
        "bracket_by_title",
        train=(
            "[Bracket|Plan a bracket around] {event} on {date}",
            "Review before and rest after {event} on {date}, [plan it|please plan]",
            "Look up {event} on {date} and [bracket it|make an exam bracket]",
            "When do I review and rest around {event} on {date}? Check my calendar",
        ),
        bench=(
            "Check {event} on {date} in the calendar and plan the review and rest",
            "Make a bracket around my {event} on {date}",
        ),
    ),
    "block_then_free": wordings(
        "block_then_free",
        train=(
            "How long should a block of {task_type} be, and when am I free for one in the next {horizon_days} days?",
            "Find time for one block of {task_type} in the next {horizon_days} days, as long as recommended",
            "Recommend a block size for {task_type} and find a free block of that size, next {horizon_days} days",
            "When can I fit a recommended block of {task_type} in the next {horizon_days} days?",
        ),
        bench=(
            "Look for free time as long as a good block of {task_type}, next {horizon_days} days",
            "What is a good block for {task_type} and where does it fit in the next {horizon_days} days?",
        ),
    ),
}
