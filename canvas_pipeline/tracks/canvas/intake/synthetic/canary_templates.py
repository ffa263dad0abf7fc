"""The wordings that contain canaries and decoys. Data only, independent of the templates that the recogniser is trained on.

No wording here is in ``name_model.templates``. Each type has at least 60 wordings, with the identity at the start, in the middle
and at the end. Nothing but ``{x}`` in a wording is an identity.
"""

from __future__ import annotations

from collections.abc import Mapping


def _lines(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for line in text.strip().splitlines() for part in line.split("¦"))


def _framed(stems: str, frames: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(frame.format(s=stem) for stem in _lines(stems) for frame in frames)


_PERSON = _lines("""
    Essay swap with {x} before Thursday ¦ {x} is presenting after us ¦ Ask {x} whether the rubric changed
    Group 4 ({x}, me) slides ¦ Lab notebook shared with {x} ¦ Thank-you card for {x} ¦ Makeup quiz, proctored by {x}
    {x} wants the draft by noon ¦ Tutoring: {x}, second floor desk ¦ Response to {x}'s discussion post
    Read {x}'s comments on my outline ¦ Debate team: {x} speaks first ¦ Carpool to the field trip with {x}
    Oral exam slot right after {x} ¦ Send survey results to {x} ¦ Feedback from {x} on draft two
    Code review requested by {x} ¦ Annotated bibliography – checked by {x} ¦ Final project proposal (supervisor: {x})
    Zoom link from {x} ¦ Studio critique led by {x} ¦ Swap shifts with {x} before the midterm
    Homework help session hosted by {x} ¦ Permission slip signed by {x} ¦ {x} grades the odd-numbered sections
    Sign up for {x}'s review session ¦ Meet {x} to rehearse the skit ¦ Recommendation letter from {x}, due Friday
    Prof. {x} moved the deadline ¦ Dr. {x} guest talk reflection ¦ Ms. {x} needs the consent form
    Capstone check-in w/ {x} ¦ My lab partner {x} dropped the class ¦ Give the calculator back to {x}
    Peer evaluation for {x} and for yourself ¦ Reply to {x} about the missing grade ¦ {x} + me: chapter outline
    Interview {x} about study habits ¦ Poster session, booth shared with {x} ¦ TA {x} holds extra hours on Monday
    Presentation order: {x}, then our team ¦ Watch {x}'s recorded lecture ¦ Borrowed notes from {x} for the lab report
    Talk to {x} re: incomplete ¦ Study guide written by {x} ¦ Practice quiz (ask {x} for the key)
    Turn in the form at {x}'s desk ¦ Advisor appointment: {x} ¦ {x}: please upload your half
    Discussion leader this week: {x} ¦ Email draft to {x} by Sunday ¦ Honor council statement for {x}
    Worked with {x} on problem six ¦ Submit jointly with {x} ¦ Violin duet with {x}, recital hearing
    Journal entry on the talk {x} gave ¦ Shadow day with nurse {x} ¦ Pick up transcript request from {x}
    Reading circle at {x}'s place ¦ Scavenger hunt partners: {x} and whoever is free ¦ Late pass approved by {x}
    Concert report, went with {x}
""")
_ROOM = _lines("""
    Midterm is in {x} ¦ {x}: bring a laptop ¦ Moved to {x} because of the flood ¦ Office hours today only, {x}
    Lab safety walk, meet at {x} ¦ Pick up graded tests in {x} ¦ Quiz makeup – {x}, bring a pencil
    The review happens at {x} tonight ¦ Final presentations ({x}) ¦ Poster printing, {x}, before four
    Drop the portfolio off at {x} ¦ Go to {x} for the retake ¦ Recitation now meets in {x}
    {x} is booked for our rehearsal ¦ Study group @ {x} after lunch ¦ Team meeting, {x}, whiteboard available
    Turn in lab coats to {x} ¦ Exam seating chart posted outside {x} ¦ Microscope training in {x} on Friday
    Group photo in front of {x} ¦ Collect the kit from {x} first ¦ Guest speaker, {x}, doors open early
    Workshop location: {x} ¦ Chem review session ({x}) optional ¦ Proctored exam in {x}, photo card needed ¦ Where: {x}
    We present in {x} next week ¦ Swap from the gym to {x} ¦ Advising walk-ins at {x} ¦ Tutoring center relocated to {x}
    Last lecture held in {x} ¦ Sign the sheet outside {x} ¦ Practice talk, {x}, ten minutes each
    Check out a camera from {x} ¦ Film screening in {x} counts as attendance ¦ Lockers near {x} close at noon
    Bring the poster board to {x} ¦ Class meets in {x} instead of online ¦ Extra credit: attend the panel in {x}
    Return clickers to {x} by Friday ¦ Pottery kiln unloading, {x} ¦ Data lab moved, now {x}
    Find your seat in {x} ten minutes early ¦ Written portion in {x}; oral part on Zoom
    Peer tutoring is in {x} all semester ¦ Hold on to your ticket for {x} ¦ Section B reports to {x}
    Career fair prep in {x} ¦ Project demo day at {x} ¦ Makeup lab – {x} – wear goggles ¦ Concert rehearsal in {x}
    Practical exam rotation starts at {x} ¦ Reserve {x} for the debate ¦ Field notebooks are kept in {x}
    Ask at the counter of {x} ¦ Meet your mentor in {x} ¦ Honors seminar gathers in {x} ¦ Language lab check-in, {x}
    Flu shots in {x}, not graded ¦ Observation hours in {x} this week
""")
_PLACE = _lines("""
    Field trip to {x} on Saturday ¦ Our site visit in {x} ¦ Photos from {x} for the blog ¦ Interviews collected in {x}
    Bus leaves for {x} at dawn ¦ Soil samples from {x} ¦ Travel form for the {x} conference
    Water quality survey near {x} ¦ Clinical placement in {x} ¦ Moved back home to {x}
    Teaching practice at a school in {x} ¦ Reflection on the weekend in {x} ¦ Internship report – {x} office
    Volunteer day in {x} ¦ My hometown essay about {x} ¦ Map exercise: walk through {x} ¦ Summer session held in {x}
    Family history project on {x} ¦ Away game in {x}, submit early ¦ Ride share from {x} to campus
    Choir tour stops in {x} ¦ {x}: muddy boots, full notebook ¦ Observation at the clinic in {x} ¦ {x} trip waiver
    Dig season near {x}, packing list ¦ Essay: growing up in {x} ¦ Census exercise for {x}
    Oral history recorded in {x} ¦ Hometown profile ({x}) ¦ Train schedule to {x} for the retreat
    Service learning hours in {x} ¦ Spring break plan: {x} with the team ¦ Coastal erosion walk at {x}
    Commute log between {x} and campus ¦ Survey mailed to households in {x} ¦ Student teaching, {x} district
    Research stay in {x} application ¦ Robotics finals are in {x} ¦ Our apartment in {x} has no internet
    Lived in {x} until last year ¦ Hospital rotation, {x} ¦ Marathon in {x}, request extension ¦ Bird count around {x}
    Farm visit outside {x} ¦ Exchange semester in {x} ¦ Retreat in {x}, cabins assigned ¦ Museum day, {x}
    Presenting at the {x} symposium ¦ Moving out of {x} this weekend ¦ Studio visit in {x}, bring sketchbook
    Band competition in {x} ¦ Drive up to {x} with the debate club ¦ Swim meet in {x} ¦ Local government meeting in {x}
    Trail mapping near {x} ¦ Church records from {x} ¦ Dialect recordings made in {x} ¦ Visit the mill in {x}
    Snow day in {x}, class online ¦ Wedding in {x}, missed the quiz
""")
_CONTACT_FRAMES = ("{s}", "Reminder: {s}", "{s} – see announcement")
_EMAIL = _framed("""
    Send the draft to {x} tonight ¦ {x} is the grader's address ¦ Reply to {x} with your topic
    Write {x} if the upload fails ¦ CC {x} on the proposal ¦ Forward receipts to {x} please ¦ Group inbox ({x})
    Absent? Tell {x} beforehand ¦ Invite {x} to the shared folder ¦ RSVP: {x} ¦ Share your doc with {x} as editor
    Questions about grading go to {x}, not the forum ¦ Submit by mail:{x} ¦ Survey link was mailed from {x}
    Sign-up list kept by <{x}> ¦ Extension requests to {x} only ¦ The librarian ({x}) can help
    Password reset sent to {x}. ¦ Ask,{x},for the template ¦ Scan it and mail {x}
""", _CONTACT_FRAMES)  # fmt: skip
_PHONE = _framed("""
    Text me at {x} when done ¦ Help desk {x} until nine ¦ Call {x} for the gate code
    Driver's number is {x}, field trip ¦ {x} if you get lost ¦ Clinic front desk ({x}) confirms shifts
    Emergency contact: {x} ¦ Leave a voicemail on {x} ¦ WhatsApp group {x} ¦ Lab manager's cell {x}
    Ring {x} at the loading dock ¦ My new number {x}, old one is dead ¦ Dial {x} and ask for the studio
    Fax the waiver to {x} ¦ Host family: {x} ¦ Reach the tutor under {x} ¦ Hotline {x} is open late
    Roommate's phone {x} as backup ¦ Confirm pickup by texting {x} ¦ Signed form or call {x}
""", _CONTACT_FRAMES)  # fmt: skip
_SSN = _framed("""
    Payroll form wants SSN {x} ¦ Background check, social security number {x} ¦ {x} is on the tax form
    Stipend paperwork ({x}) ¦ SSN: {x} ¦ Wrong social on file: {x} ¦ Work study W-4 lists {x}
    Hiring packet, SSN {x}, sign page two ¦ Loan counseling form {x} ¦ I typed {x} as my social
    Clinical clearance with {x} ¦ Fingerprint appointment, {x} ¦ Scholarship tax info {x} attached
    Direct deposit needs {x} ¦ Redact {x} before uploading ¦ Fafsa correction: {x} ¦ Insurance waiver, social {x}
    Volunteer screening {x} pending ¦ Bring the card that says {x} ¦ I-9 section one: {x}
""", _CONTACT_FRAMES)  # fmt: skip
_STUDENT_ID = _framed("""
    My student ID is {x} ¦ Student number {x} on the cover page ¦ Put {x} in the header, no name ¦ Lab access for ID {x}
    Bubble in {x} on the answer sheet ¦ Swipe card {x} not working ¦ {x} missing from the roster
    Transcript hold on {x} ¦ Register clicker with {x} ¦ Student id: {x} ¦ Banner ID {x} for the waiver
    Print quota exhausted for {x} ¦ Turnitin shows {x} instead of me ¦ Add {x} to our group ¦ Exam booklet {x}
    Locker assigned to {x} ¦ Appeal filed under {x} ¦ Use {x} as your anonymous code? No! ¦ Grade posted for {x}
    ID no. {x} (mine)
""", _CONTACT_FRAMES)  # fmt: skip
_URL = _framed("""
    Portfolio at {x} ¦ Watch {x} before class ¦ Peer site: {x} ¦ My blog {x} has the essay
    Upload link {x} closes Sunday ¦ Comment on {x} twice ¦ {x} holds our slides ¦ Fork the starter from {x}
    Livestream ({x}) ¦ Sign in through {x} ¦ Gallery of drafts: {x} ¦ Résumé is on {x} ¦ See {x}, section two
    Demo video {x} under a minute ¦ Booking page {x} ¦ Read the post on {x} and respond ¦ Team page {x}
    Backup copy: {x} ¦ Reflection is published at {x} ¦ Join via {x}
""", _CONTACT_FRAMES)  # fmt: skip
_USERNAME = _framed("""
    Message {x} on the class server ¦ Tag {x} in your post ¦ {x} has the lecture notes ¦ Follow {x} for lab updates
    DM {x} to join our group ¦ Thanks {x} for the outline ¦ Pull request by {x} ¦ Shout-out to {x} ¦ Our mod is {x}
    Add {x} to the chat ¦ Ping {x} when you push ¦ Slack: {x} ¦ Replying to {x} in the thread
    Mention {x} in the commit ¦ Team handle {x} ¦ Video credit {x} ¦ Instagram takeover by {x} ¦ Ask {x} or me
    Quoted from {x} ¦ Review assigned to {x}
""", _CONTACT_FRAMES)  # fmt: skip
_ADDRESS = _framed("""
    Study group at {x} ¦ Mail the sample to {x} ¦ Shift starts at {x} ¦ Host home: {x} ¦ Pickup from {x} at seven
    {x} is the shelter's address ¦ Field site, {x} ¦ Party after finals, {x} ¦ Deliver meals to {x}
    Interview location: {x} ¦ My place ({x}) for the rehearsal ¦ Return books to {x} ¦ Volunteer check-in – {x}
    Survey stop three: {x} ¦ Moved to {x} last week ¦ Parking behind {x} ¦ Office is now at {x}, ring twice
    Clinic address {x} ¦ Film shoot at {x} tomorrow ¦ Meet outside {x}
""", _CONTACT_FRAMES)  # fmt: skip
_COURSE = _framed("""
    {x} problem set five ¦ Read ahead for {x} ¦ Cross-posted from {x} ¦ {x}: final project rubric
    Drop {x} before the deadline ¦ Same quiz as {x} ¦ Prerequisite check ({x}) ¦ Study for {x} and sleep
    Write-up for the bench work [{x}] ¦ Bring notes from {x}, chapters one to three ¦ Swap into {x}
    Combined lecture with {x} today
    Exam conflict: {x} ¦ Recordings of {x} are up ¦ TA application for {x} ¦ Compare with what we did in {x}
    Feedback survey, {x} ¦ {x}/lab safety quiz ¦ Transfer credit for {x}? ¦ Syllabus of {x} attached
""", _CONTACT_FRAMES)  # fmt: skip
TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "PERSON": _PERSON, "ROOM": _ROOM, "PLACE": _PLACE, "EMAIL": _EMAIL, "PHONE": _PHONE, "SSN": _SSN, "STUDENT_ID": _STUDENT_ID,
    "URL": _URL, "USERNAME": _USERNAME, "ADDRESS": _ADDRESS, "COURSE": _COURSE,
}  # fmt: skip
"""Type → wordings with one field ``{x}``, for titles, to-do items, questions and results."""

COURSE_NAMES: Mapping[str, tuple[str, ...]] = {
    "PERSON": ("{t} – {x}", "{t} ({x})", "{x} - {t}", "{t} with Prof. {x}", "{t} | {x}", "Dr. {x}, {t}"),
    "ROOM": ("{t} {x}", "{t}, {x}", "{t} – TR 9:30 AM {x}", "{t} ({x})"),
    "COURSE": ("{x} {t}", "{x}: {t}", "{t} ({x})", "{t} - {x}", "{x} - {t} - Online"),
}
TOPICS = _lines("""
    Introductory Botany ¦ Medieval Literature ¦ Fluid Mechanics ¦ Urban Planning ¦ Marine Ecology ¦ Digital Photography
    Labor Economics ¦ Veterinary Anatomy ¦ Stage Lighting ¦ Number Theory ¦ Soil Physics ¦ Ethics of Care
""")

FRAMES = _lines("""
    {d} worksheet ¦ Read about {d} ¦ Quiz on {d} ¦ {d}: short answer ¦ Notes on {d}, part two ¦ Homework – {d}
    Post one question on {d} ¦ Lab report: {d} ¦ Watch the video on {d} ¦ Discussion of {d} (graded)
    Optional practice, {d} ¦ Summary of {d} due soon ¦ Explain {d} in your own words ¦ Group work: {d}
    Bring an example of {d} ¦ Slides for {d} ¦ Self-check {d} ¦ Extra credit ({d}) ¦ Week in review: {d}
    Project idea based on {d} ¦ Reflection about {d} ¦ Compare {d} with last week ¦ Problem session, {d} ¦ Poster on {d}
    Presentation: {d} ¦ {d} corrections ¦ {d} – first draft ¦ Peer feedback for {d} ¦ Outline, {d} ¦ Online module {d}
    Revise {d} ¦ Warm-up {d} ¦ Sources for {d} ¦ Cheat sheet: {d} ¦ Everything on {d} ¦ Upload {d}
    Worked solution of {d} ¦ Practice exam covering {d} ¦ Concept map ({d}) ¦ {d} reading response ¦ Handout {d}
    Questions on {d}? ¦ Do not forget {d} ¦ Old exam, {d} ¦ Tutorial {d} ¦ Checklist for {d}
""")
DECOYS: Mapping[str, tuple[str, ...]] = {
    "term": _lines("""
    Fall 2023 ¦ Spring 2026 ¦ Summer 2024 ¦ Winter 2025 ¦ FALL 2022 ¦ SPRING 2021 ¦ Fall 2019 cohort ¦ AY 2024
    Summer Session 2 ¦ Term 3 ¦ Semester 1 ¦ 2025-2026 ¦ the 2024 election ¦ COVID 2020 ¦ the 1918 pandemic ¦ the 1960s
"""),
    "standard": _lines("""
    ISO 8601 ¦ ISO 9001 ¦ RFC 9110 ¦ RFC 2119 ¦ IEEE 754 ¦ IEEE 802 ¦ HTTP 404 ¦ HTTP 500 ¦ NIST 800 ¦ ANSI 1986 ¦ UTF 8
    SHA 256 ¦ AES 128 ¦ MIL-STD-1553 ¦ ASTM 1000 ¦ IEC 61508 ¦ PEP 484 ¦ DIN 1302
"""),
    "version": _lines("""
    Python 3.12 ¦ R 4.3.2 ¦ version 2.4.1 ¦ Java 17 ¦ C++20 ¦ Matlab 2023b ¦ v1.0.0 ¦ Windows 11 ¦ Excel 2019 ¦ HTML 5
    Unicode 15.1 ¦ Blender 4.2
"""),
    "eponym": _lines("""
    Bayes' theorem ¦ the Fourier transform ¦ Gauss's law ¦ a Turing machine ¦ Newton's second law
    the Pythagorean theorem ¦ Ohm's law ¦ Mendel's laws ¦ the Doppler effect ¦ Euler's formula ¦ the Krebs cycle
    Maxwell's equations ¦ the Nash equilibrium ¦ Hooke's law ¦ the Hardy-Weinberg equilibrium ¦ the Monte Carlo method
    Moore's law ¦ Occam's razor ¦ the Bohr model ¦ a Venn diagram ¦ Punnett squares ¦ the Pareto principle ¦ Boyle's law
    a Riemann sum ¦ Kepler's third law ¦ the Laplace transform ¦ Taylor series ¦ Markov chains ¦ the Gram stain
    Huffman coding ¦ Dijkstra's algorithm ¦ the Cartesian plane ¦ Lagrange multipliers ¦ Avogadro's number
    the Stroop effect ¦ Pavlovian conditioning ¦ Freudian slips ¦ Maslow's hierarchy ¦ Bloom's taxonomy
    Shakespearean sonnets
"""),
    "points": _lines("""
    100 points ¦ 25 pts ¦ EXAM 100 ¦ QUIZ 2500 ¦ the top 1000 words ¦ 1,234,567 cells ¦ 3.14159 ¦ 0.05 significance
    99.9 percent ¦ 10,000 steps ¦ 500 words minimum ¦ 2 x 4 grids ¦ items 1000 to 2000 ¦ page 1024 ¦ pages 310-325
    a score of 1480
"""),
    "number": _lines("""
    Problem 4021 ¦ Exercise 12.7 ¦ ticket 48213 ¦ figure 3.2 ¦ Table 14 ¦ Unit 7 ¦ Module 12 ¦ Step 3000 ¦ Level 5
    Part 2 of 6 ¦ Question 17 ¦ Lab 9 ¦ Set 11 ¦ section 4.4 ¦ equation 2.17 ¦ the 3n+1 problem
    10-fold cross validation ¦ item 67109
"""),
    "time": _lines("""
    11:59 PM ¦ 7:30 AM ¦ due at 5 pm ¦ noon on Friday ¦ the 24-hour rule ¦ a 50-minute block ¦ Monday 9:00 ¦ March 14
    2026-03-01 ¦ 15 minutes ¦ midnight ¦ 04:59
"""),
    "chapter": _lines("""
    Chapter 12 ¦ Chapters 3 and 4 ¦ Chapter 7: Motion ¦ Act 2 ¦ Book 4 ¦ Volume 3 ¦ the preface ¦ Appendix B
    Lecture 22 ¦ Article 5 ¦ Verse 18 ¦ Scene 3
"""),
    "subject": _lines("""
    the French Revolution ¦ World War II ¦ the Cold War ¦ Roman architecture ¦ Spanish grammar ¦ Latin verbs
    Greek tragedy ¦ the Great Depression ¦ American Sign Language ¦ Japanese calligraphy ¦ the Silk Road
    English syntax ¦ Baroque Music ¦ Renaissance Art ¦ Organic Chemistry ¦ Linear Algebra ¦ the Industrial Revolution
    African Studies ¦ Gothic Novels ¦ Impressionism
"""),
    "tool": _lines("""
    Google Docs ¦ Microsoft Excel ¦ Adobe Illustrator ¦ GitHub Actions ¦ Zoom etiquette ¦ Canvas Studio
    LockDown Browser ¦ Turnitin ¦ Jupyter notebooks ¦ Visual Studio Code ¦ the Linux shell ¦ Arduino ¦ Raspberry Pi
    Tableau ¦ MyMathLab ¦ Top Hat ¦ Gradescope ¦ Overleaf
"""),
    "work": _lines("""
    The Great Gatsby ¦ Beowulf ¦ The Odyssey ¦ Citizen Kane ¦ the Magna Carta ¦ The Federalist Papers ¦ Starry Night
    The Rite of Spring ¦ A Raisin in the Sun ¦ Brave New World ¦ Things Fall Apart ¦ Invisible Man
"""),
    "phrase": _lines("""
    Due Dates ¦ Final Paper ¦ Group Contract ¦ Rough Draft ¦ Peer Review ¦ Office Hours Policy ¦ Midterm Review
    Lab Safety ¦ Extra Credit ¦ Honor Code ¦ Academic Integrity ¦ Course Evaluation ¦ Mental Health Day
    Guest Speaker Series ¦ Field Work ¦ Career Center ¦ Writing Center ¦ Student Government ¦ May break
    Mark your calendar ¦ Will power ¦ Grace period ¦ a Rose window ¦ Hall of fame
"""),
}  # fmt: skip
"""Family → texts that look like an identity or are capitalised, but must not be masked."""
