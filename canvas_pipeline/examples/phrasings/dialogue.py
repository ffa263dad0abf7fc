"""Wordings beyond the single request: joined requests, requests in steps, remarks after an answer, and what needs no call.

In: nothing. Out: ``JOINERS``, ``STEPS``, ``REMARKS``, ``PLAIN``, each subject → wordings. What must hold: see ``wording``; a joiner's
slots are {first} and {second}; no entry of ``REMARKS`` and ``PLAIN`` can be served by a tool as it stands.
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

STEPS: Mapping[str, tuple[Wording, ...]] = {
    "grades_by_name": wordings(
        "grades_by_name",
        train=("What is my [grade|score] in {name}?", "[Show|Check] my grade for {name}", "How am I doing in {name}?",
               "My score in {name}, I do not know the id"),
        bench=("Which grade do I have in {name}?", "Tell me my score for {name}"),
    ),
    "syllabus_by_name": wordings(
        "syllabus_by_name",
        train=("[Show|Open] the syllabus of {name}", "What does the syllabus for {name} say?", "Syllabus of {name}?",
               "[Find|Get] me the {name} syllabus"),
        bench=("Read the syllabus for {name}", "I need what the syllabus of {name} says"),
    ),
    "course_by_name": wordings(
        "course_by_name",
        train=("Who teaches {name}?", "How many credits is {name}?", "[Tell me about|Details of] {name}",
               "How many students are in {name}?"),
        bench=("Give me details about {name}", "Who is the instructor in {name}?"),
    ),
    "assignments_by_name": wordings(
        "assignments_by_name",
        train=("What is due in {name}?", "[Show|List] the assignments of {name}", "[Homework|Assignments] for {name}?",
               "Is anything due for {name}?"),
        bench=("Which assignments are coming up for {name}?", "Tell me what is due for {name}"),
    ),
    "announcements_by_name": wordings(
        "announcements_by_name",
        train=("[Any news|Any announcements] in {name}?", "[Show|List] the announcements of {name}",
               "What was announced in {name}?", "[News|Announcements] from {name}"),
        bench=("Which announcements are there for {name}?", "Look for news in {name}"),
    ),
    "all_announcements": wordings(
        "all_announcements",
        train=("[Any news|Any announcements] in any of my courses?", "[Show|List] announcements of all my courses",
               "What was announced in all my classes?", "Check every course for announcements"),
        bench=("Are there announcements in my courses, whichever it is?", "Go through all my classes for news"),
    ),
    "book_free": wordings(
        "book_free",
        train=("[Find|Look for] a free block of {min_minutes} minutes in the next {horizon_days} days and [book|schedule] {title}",
               "[Book|Schedule] {title} for {min_minutes} minutes at the first free time in the next {horizon_days} days",
               "Put {title} into my first free {min_minutes} minutes, next {horizon_days} days",
               "I need {min_minutes} minutes for {title} in the next {horizon_days} days, find time and [book|add] it"),
        bench=("Find {min_minutes} free minutes within {horizon_days} days and put {title} there",
               "Whenever I am first free for {min_minutes} minutes in the next {horizon_days} days, book {title}"),
    ),
    "todo_priority": wordings(
        "todo_priority",
        train=("Look at my to-do list: of the first two, {query}?", "[Check|Open] my todo list and tell me {query} of the first two",
               "From the top two of my to-do list, {query}?", "Take the first two todos. {query}?"),
        bench=("Go to my to-do list and say {query} of the two on top", "Two top todos: {query}?"),
    ),
    "cancel_by_title": wordings(
        "cancel_by_title",
        train=("[Cancel|Delete] {event} on {date} because {rationale}", "[Remove|Delete] {event} from my calendar on {date}, {rationale}",
               "{event} on {date} is off because {rationale}, [delete|cancel] it", "Take {event} on {date} off my calendar: {rationale}"),
        bench=("Please drop {event} on {date} because {rationale}", "I want {event} on {date} removed, {rationale}"),
    ),
    "move_by_title": wordings(
        "move_by_title",
        train=("[Move|Shift] {event} on {date} to {day} from {from} to {to}", "[Reschedule|Move] {event} from {date} to {day}, {from} to {to}",
               "{event} of {date} should be on {day} from {from} to {to}", "Can you move my {event} on {date} to {day} {from} to {to}?"),
        bench=("Please reschedule {event} on {date}, new time {day} from {from} to {to}",
               "Let {event} on {date} take place on {day} from {from} to {to}"),
    ),
    "exam_study": wordings(
        "exam_study",
        train=("Find {event} on {date} and [plan|space] {n_sessions} study sessions for it",
               "[Look up|Check] when {event} is on {date}, then plan {n_sessions} spaced sessions",
               "Plan {n_sessions} sessions for my {event}, it is in my calendar on {date}",
               "My {event} is in the calendar on {date}: space {n_sessions} sessions before it"),
        bench=("See when {event} is on {date} and spread {n_sessions} study sessions before it",
               "Get {event} on {date} from the calendar and make {n_sessions} spaced sessions"),
    ),
    "bracket_by_title": wordings(
        "bracket_by_title",
        train=("[Bracket|Plan a bracket around] {event} on {date}", "Review before and rest after {event} on {date}, [plan it|please plan]",
               "Look up {event} on {date} and [bracket it|make an exam bracket]",
               "When do I review and rest around {event} on {date}? Check my calendar"),
        bench=("Check {event} on {date} in the calendar and plan the review and rest", "Make a bracket around my {event} on {date}"),
    ),
    "block_then_free": wordings(
        "block_then_free",
        train=("How long should a block of {task_type} be, and when am I free for one in the next {horizon_days} days?",
               "Find time for one block of {task_type} in the next {horizon_days} days, as long as recommended",
               "Recommend a block size for {task_type} and find a free block of that size, next {horizon_days} days",
               "When can I fit a recommended block of {task_type} in the next {horizon_days} days?"),
        bench=("Look for free time as long as a good block of {task_type}, next {horizon_days} days",
               "What is a good block for {task_type} and where does it fit in the next {horizon_days} days?"),
    ),
}  # fmt: skip

REMARKS: Mapping[str, tuple[Wording, ...]] = {
    "repeat": wordings(
        "repeat",
        train=("[Sorry, what|What] was that?", "[Can|Could] you [repeat that|say that again]?", "Say that again", "Once more",
               "[Wait, what|What] did you say?", "Repeat that [for me|please]", "[Pardon|Sorry]?", "I did not get that",
               "What was it again?", "Tell me again", "[And in short|In short]?", "So what is the result?"),
        bench=("I missed that, what did you say?", "Come again?", "Could you tell me that once more?", "Please say it again",
               "What was the answer again?"),
    ),
    "thanks": wordings(
        "thanks",
        train=("Thanks", "[Thank you|Thanks a lot]", "[Great|Perfect|Cool], thanks", "Thanks, that helps", "That is all, thank you",
               "Nice, thank you", "[Thx|Ty]", "Many thanks", "Ok thanks", "[Awesome|Super]"),
        bench=("Thank you so much", "Wonderful, thanks a lot", "That helps, thank you", "Ok great, thank you"),
    ),
    "sure": wordings(
        "sure",
        train=("Are you sure?", "Is that [right|correct|true]?", "Really?", "[Sure|You sure]?", "Is this up to date?",
               "Can I [trust|rely on] that?", "And that is everything?", "Is that all?"),
        bench=("Are you certain about that?", "Is that really correct?", "Was that everything?", "Did Canvas say so?"),
    ),
    "done": wordings(
        "done",
        train=("[Ok|Okay], [that is all|nothing else]", "[Good|Fine], I am done", "No more questions", "[Bye|Goodbye]", "That was all",
               "Never mind the rest", "Nothing else [for now|today]", "Ok, [got it|noted]"),
        bench=("That is everything I needed", "Okay, bye", "Good, nothing more for now", "Understood"),
    ),
}  # fmt: skip

# What to say to each subject is in ``policy.PLAIN_ANSWERS``.
PLAIN: Mapping[str, tuple[Wording, ...]] = {
    "greeting": wordings(
        "greeting",
        train=("Hi", "Hello", "Hey", "Good [morning|evening|afternoon]", "Hi, how are you?", "Hello there", "Hey, are you there?", "Yo"),
        bench=("Hello, good day", "Hi assistant", "Hey, how is it going?"),
    ),
    "gratitude": wordings(
        "gratitude",
        train=("Thanks for [your help|yesterday|everything]", "You are [great|very helpful]", "Good job", "I appreciate it", "Thanks again"),
        bench=("Thank you for the help", "You did well", "I am grateful"),
    ),
    "ability": wordings(
        "ability",
        train=("What can you do?", "[How|With what] can you help me?", "Who are you?", "What are you [for|good at]?", "Help", "Which things can you do?"),
        bench=("What are you able to do?", "Tell me what you can help with", "What is your job?"),
    ),
    "outside": wordings(
        "outside",
        train=("[Write|Do] my essay for me", "What is the weather [today|tomorrow]?", "Order me a pizza", "Who won the game?", "Tell me a joke",
               "Solve this equation for me", "[Book|Find] a flight", "Translate this sentence", "Play some music", "Call my mother",
               "What is the capital of Peru?", "Buy me a laptop"),
        bench=("Write a poem about spring", "How is the weather outside?", "Find me a restaurant", "Do my math homework for me",
               "Who is the president?"),
    ),
    "which_course": wordings(
        "which_course",
        train=("[Show|Open] the syllabus", "What does the syllabus say?", "Who teaches that course?", "[Show|List] the announcements of that course",
               "[Details|Info] of the course", "How many credits is it?", "What is my grade in that class?", "Is anything due in that course?",
               "Any announcements in the course?", "How big is the class?"),
        bench=("Read me the syllabus", "Which news does that course have?", "How many students are in the course?", "Give me that course's grade"),
    ),
    "when_event": wordings(
        "when_event",
        train=("[Add|Put] {title} [to|on] my calendar", "[Book|Schedule] {title}", "Create an event {title}", "I want to do {title}, book it",
               "New event: {title}", "Put {title} into the calendar on {day}", "Block time for {title} on {day}"),
        bench=("Make a calendar event for {title}", "Schedule {title} on {day}", "Enter {title} into my calendar", "Reserve time for {title}"),
    ),
    "why_delete": wordings(
        "why_delete",
        train=("[Delete|Remove|Cancel] event {event_id}", "[Delete|Cancel] {event_id}", "Take {event_id} off my calendar", "Get rid of {event_id}",
               "Can you [delete|remove] event {event_id}?"),
        bench=("I want event {event_id} deleted", "Please cancel {event_id}", "Event {event_id} has to go"),
    ),
    "which_event": wordings(
        "which_event",
        train=("[Delete|Cancel|Remove] [that|the] event", "[Move|Reschedule] [that|the] event", "Rename the event", "Cancel it",
               "Move it to another day", "[Change|Edit] the event"),
        bench=("Drop that event", "Shift the event to a later time", "Please change that event"),
    ),
    "move_where": wordings(
        "move_where",
        train=("[Move|Reschedule|Shift] event {event_id}", "[Change|Edit] event {event_id}", "Move {event_id} to another day",
               "{event_id} must be later"),
        bench=("Please shift {event_id}", "Reschedule the event {event_id}", "Event {event_id} needs a new time"),
    ),
    "when_exam": wordings(
        "when_exam",
        train=("Plan study sessions for my exam", "[Space|Spread] my studying", "Make a spaced schedule for my exam", "I have an exam soon, plan it",
               "[Bracket|Frame] my exam", "Help me study for the exam", "Plan {n_sessions} sessions before my exam"),
        bench=("Give me a study plan for my exam", "Spread {n_sessions} study sessions before the exam", "Plan review and rest around my exam"),
    ),
    "what_work": wordings(
        "what_work",
        train=("How long should a block be?", "Recommend a block size", "How many minutes should I [work|study]?", "What is a good block length?"),
        bench=("Which block size do you recommend?", "How long should I sit?", "What block length is best?"),
    ),
    "what_semester": wordings(
        "what_semester",
        train=("Plan my semester", "Make a semester plan", "[Organise|Lay out] my semester", "Help me plan the term", "Semester schedule please"),
        bench=("Create a plan for the semester", "I need a semester schedule", "Schedule the whole semester"),
    ),
    "which_items": wordings(
        "which_items",
        train=("Which should I do first?", "What is more urgent?", "Which one comes first?", "Which of the two has priority?", "Help me decide between two things"),
        bench=("What should I begin with?", "Which task is more important?", "Decide which I do first"),
    ),
}  # fmt: skip
