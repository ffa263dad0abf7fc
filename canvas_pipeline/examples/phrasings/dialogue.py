"""Wordings beyond the request: two requests joined, remarks after an answer, and what needs no call.

In: nothing. Out: ``JOINERS``, and ``REMARKS`` and ``PLAIN``, subject → wordings. What must hold: see ``wording``; a
joiner's slots are {first} and {second}; no entry of ``REMARKS`` and ``PLAIN`` can be served by a tool as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline.examples.phrasings.wording import Wording, wordings

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

# What to say to each subject is in ``policy.PLAIN_ANSWERS``.
PLAIN: Mapping[str, tuple[Wording, ...]] = {
    "greeting": wordings(
        "greeting",
        train=(
            "Hi",
            "Hello",
            "Hey",
            "Good [morning|evening|afternoon]",
            "Hi, how are you?",
            "Hello there",
            "Hey, are you there?",
            "Yo",
        ),
        bench=("Hello, good day", "Hi assistant", "Hey, how is it going?"),
    ),
    "gratitude": wordings(
        "gratitude",
        train=(
            "Thanks for [your help|yesterday|everything]",
            "You are [great|very helpful]",
            "Good job",
            "I appreciate it",
            "Thanks again",
        ),
        bench=("Thank you for the help", "You did well", "I am grateful"),
    ),
    "ability": wordings(
        "ability",
        train=(
            "What can you do?",
            "[How|With what] can you help me?",
            "Who are you?",
            "What are you [for|good at]?",
            "Help",
            "Which things can you do?",
        ),
        bench=("What are you able to do?", "Tell me what you can help with", "What is your job?"),
    ),
    "outside": wordings(
        "outside",
        train=(
            "[Write|Do] my essay for me",
            "What is the weather [today|tomorrow]?",
            "Order me a pizza",
            "Who won the game?",
            "Tell me a joke",
            "Solve this equation for me",
            "[Book|Find] a flight",
            "Translate this sentence",
            "Play some music",
            "Call my mother",
            "What is the capital of Peru?",
            "Buy me a laptop",
        ),
        bench=(
            "Write a poem about spring",
            "How is the weather outside?",
            "Find me a restaurant",
            "Do my math homework for me",
            "Who is the president?",
        ),
    ),
    "which_course": wordings(
        "which_course",
        train=(
            "[Show|Open] the syllabus",
            "What does the syllabus say?",
            "Who teaches that course?",
            "[Show|List] the announcements of that course",
            "[Details|Info] of the course",
            "How many credits is it?",
            "What is my grade in that class?",
            "Is anything due in that course?",
            "Any announcements in the course?",
            "How big is the class?",
        ),
        bench=(
            "Read me the syllabus",
            "Which news does that course have?",
            "How many students are in the course?",
            "Give me that course's grade",
        ),
    ),
    "when_event": wordings(
        "when_event",
        train=(
            "[Add|Put] {title} [to|on] my calendar",
            "[Book|Schedule] {title}",
            "Create an event {title}",
            "I want to do {title}, book it",
            "New event: {title}",
            "Put {title} into the calendar on {day}",
            "Block time for {title} on {day}",
        ),
        bench=(
            "Make a calendar event for {title}",
            "Schedule {title} on {day}",
            "Enter {title} into my calendar",
            "Reserve time for {title}",
        ),
    ),
    "why_delete": wordings(
        "why_delete",
        train=(
            "[Delete|Remove|Cancel] event {event_id}",
            "[Delete|Cancel] {event_id}",
            "Take {event_id} off my calendar",
            "Get rid of {event_id}",
            "Can you [delete|remove] event {event_id}?",
        ),
        bench=("I want event {event_id} deleted", "Have {event_id} cancelled", "Event {event_id} has to go"),
    ),
    "which_event": wordings(
        "which_event",
        train=(
            "[Delete|Cancel|Remove] [that|the] event",
            "[Move|Reschedule] [that|the] event",
            "Rename the event",
            "Cancel it",
            "Move it to another day",
            "[Change|Edit] the event",
        ),
        bench=("Drop that event", "Shift the event to a later time", "Please change that event"),
    ),
    "move_where": wordings(
        "move_where",
        train=(
            "[Move|Reschedule|Shift] event {event_id}",
            "[Change|Edit] event {event_id}",
            "Move {event_id} to another day",
            "{event_id} must be later",
        ),
        bench=("Please shift {event_id}", "Reschedule the event {event_id}", "Event {event_id} needs a new time"),
    ),
    "when_exam": wordings(
        "when_exam",
        train=(
            "Plan study sessions for my exam",
            "[Space|Spread] my studying",
            "Make a spaced schedule for my exam",
            "I have an exam soon, plan it",
            "[Bracket|Frame] my exam",
            "Help me study for the exam",
            "Plan {n_sessions} sessions before my exam",
        ),
        bench=(
            "Give me a study plan for my exam",
            "Spread {n_sessions} study sessions before the exam",
            "Plan review and rest around my exam",
        ),
    ),
    "what_work": wordings(
        "what_work",
        train=(
            "How long should a block be?",
            "Recommend a block size",
            "How many minutes should I [work|study]?",
            "What is a good block length?",
        ),
        bench=("Which block size do you recommend?", "How long should I sit?", "What block length is best?"),
    ),
    "what_semester": wordings(
        "what_semester",
        train=(
            "Plan my semester",
            "Make a semester plan",
            "[Organise|Lay out] my semester",
            "Help me plan the term",
            "Semester schedule please",
        ),
        bench=("Create a plan for the semester", "I need a semester schedule", "Schedule the whole semester"),
    ),
    "which_items": wordings(
        "which_items",
        train=(
            "Which should I do first?",
            "What is more urgent?",
            "Which one comes first?",
            "Which of the two has priority?",
            "Help me decide between two things",
        ),
        bench=("What should I begin with?", "Which task is more important?", "Decide which I do first"),
    ),
}
