"""What the name recogniser is judged by: wordings, topics and eponyms written before its present training. Data only.

In: nothing. Out: ``UNSEEN``, templates by kind; ``UNSEEN_TOPICS``, ``UNSEEN_EPONYMS``. What must hold: no template is one of the other
sets; nobody trains on, corrects by, or reads single texts drawn from here: only rates are printed. Who needs texts to look at takes
``name_model.templates.HELD_OUT`` or ``name_model.held_out.FRESH``.
"""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline.privacy.name_model.fillers import split as _split

UNSEEN: Mapping[str, tuple[str, ...]] = {
    "person": _split(
        # assignment titles
        "Recital attendance: {f}, cello|Guest talk reaction paper, {f}|Author visit with {f} (signup)|Oral exam slot {k} {h}|Peer edit #2, {f}|"
        "Capstone sponsor check-in ({f})|Lab 4, bench partner {f}|Notebook check by {h}|Trio critique: {f}, {f}, {f}|Essay 3 one-on-one, {h}|"
        "Regrade request to {h}|Skit cast: {f} as narrator|{h}'s bonus question|Make-up with {h} only|Micro-teaching ({f} observing)|"
        "Advisee form signed by {h}|Jury: {f}, {f}|{f} & {f} slide deck|Proposal pitch to {f}|Biweekly memo to {h}|{l} – late pass|"
        # to-do items
        "pay {g} back for the textbook|ring {p} before {d}|drop the poster at {p}'s desk|figure out a time for {p}|find out if {p} is free {d}|"
        "return {p}'s charger|finish the slides so {g} can practice|get the login off {p}|pester {p} until the data arrives|print {p}'s handout|"
        "dinner w {g}, {k}|{g}'s birthday cake|water {g}'s plants over break|take {g} to the airport {d}|RSVP to {p}|nag {g} again|"
        "pick a topic before {p} does|double-check references like {p} said|bring {p} coffee|forgive {g} :)|Haircut, then {g}|"
        # course names and codes
        "{c0} w/ {h}|{c0}, sec 2, {s}|{s} {c0} Fall|{c0} ft. {f}|{c0} (eve.) {h}|{c0}: {s} sections only|{h} Studio II|Thesis credits, {h}|"
        # session text
        "I promised {p} that I'd send the outline before {d}, can you block an hour?|{p} just texted me that lab is cancelled|"
        "so my group is me, {g} and {g}, and nobody has started|what did {h} announce about the final?|ugh, {h} moved the quiz again|"
        "Put dinner with {g} and {g} on my calendar for {d} at {k}|Is there a message from {p} about extensions?|{g} thinks we should skip {t}|"
        "my lab partner's name is {f} if that helps|can I switch my slot with {p}?|please don't schedule anything over my call with {p}|"
        "I work better when {g} is around|since {p} is sick I have to present alone|the person grading us is {f}|who's {f} again?|"
        "{g} and I split the problem set|because {h} curves, I only need a {n}|should I email {h} or just show up?|{p} never answered|"
        "Everyone except {f} has submitted.|You told me {p} wanted two drafts|let {p} know I'm running late|as {h} put it, {t} matters|"
        "yesterday {p} explained {t} to me and now it makes sense|did I already thank {p}?|i keep forgetting {p}'s email|"
        # tool results, announcements, mail
        "title: Conference call, attendees: {f}; {f}|Announcement posted by {f} on {d}|Hi everyone, this is {f}, your new grader.|"
        "All the best, {h}|Warm regards, {f}|Sincerely, {f}|Cheers, {g}|See you in class! - {h}|Office hours this week are covered by {f}.|"
        "instructors of both sections: {f} and {f}|Created event: catch-up with {p} ({d}, {k})|rationale: the user asked to keep {p}'s slot free|"
        "Congratulations to {f} and {f} for winning the poster prize!|{f} has been added to your group.|{f} commented on your submission|"
        "{f} mentioned you in Discussion {n}|Your peer reviewer is {f}.|Substitute on {d}: {f}|A reminder from {h}: no phones.|"
        "Questions go to {f}, not to me.|Please welcome {f}, who joins us as visiting lecturer.|Recorded with {f} behind the camera|"
        "From the desk of {h}|Replying to {f}:|moderated by {f}, with {f} and {f}|Group 6 = {g} + {g} + {g}|Assigned to: {f}|Speaker 2 is {f}"
    ),
    "place": _split(
        "Site sketch at {pl}|Weekend service in {pl}|Bring boots: {pl} hike|Catch the 7 am van to {pl}|Water quality readings, {pl}|"
        "Group photo by {pl}|Choir tour stop: {pl}|Regional finals in {pl}|Band bus leaves {pl} {k}|Practicum placement: {pl}|"
        "Archive day at {pl}|We sleep in {pl} on {d}|my family is driving up from {pl}|I'm stuck in {pl} until {d}, can you move {w}?|"
        "Block out {d}, I'll be in {pl}|my internship starts in {pl} on {d}|how long does it take to get to {pl}?|i commute in from {pl}|"
        "Can I take the exam remotely from {pl}?|grandma's house in {pl}|home for break ({pl})|the clinic in {pl} wants my forms|"
        "Convocation, {pl}, doors {k}|Info session tonight at {pl}|Lecture has been moved to {pl} this week.|"
        "Parking is free behind {pl}.|Line up at the north door of {pl}|Meet the bus in front of {pl} at {k}|Blood drive - {pl}|"
        "Film screening, {pl}, free pizza|Tabling outside {pl} {d}|Yoga on the lawn at {pl}|The food bank near {pl} needs help|"
        "Soccer vs. them in {pl}|away game: {pl}|Summer field school, {pl}|Semester in {pl} info night|Interpreting {t} (fieldwork in {pl})|"
        "Greetings from {pl}!|My hometown, {pl}, flooded last year.|I was born in {pl}|We drove through {pl} on {d}|apartment hunting in {pl}|"
        "Voting absentee in {pl}|dentist in {pl}, {k}|package is waiting at {pl}|{g} moved to {pl}|Flying {pl} to {pl} on {d}|"
        "course meets at our {pl} site|{c0} at {pl}|Nursing clinical - {pl}|Kitchen shift at {pl} {k}|sunset walk around {pl}"
    ),
    "room": _split(
        "Final is in {r}, not the usual room|Bring ID to {r}|Group study in {r} till {k}|{w} pickup, {r}|Mic check {r} {k}|Sit-in at {r}|"
        "The review moved into {r}|TA desk: {r}|Where is {r}?|Late exams go under the door of {r}|Booked {r} for {d}|"
        "Our section now meets in {r}.|come by {r} any time {d}|Poster session ({r})|Overflow seating: {r}|I left my jacket in {r}|"
        "{h} sits in {r}|Rehearse in {r} at {k}|3D printer is in {r}|Room change! {r}|{c0} meets {r}|Drop the form at {r} before {k}|"
        "is {r} free on {d}?|the projector in {r} is broken|Exam 2 seating: {r} rows A-F|{w} makeup / {r}|Lockers are across from {r}"
    ),
    "plain": _split(
        # with slots
        "{t} problem sheet|{t} mini-project|Mastery quiz: {t}|{t} scavenger hunt|Entry ticket {n}: {t}|{t} one-pager|Annotate: {t}|"
        "Concept check – {t}|Pre-class video: {t}|{t} in the news|Think-pair-share on {t}|{t} lab make-up|Upload your {t} notes|"
        "Case brief: {t}|{t} debate prep|{t} practice set (ungraded)|Two truths about {t}|{t} takeaways|Chapter {n} – {t}|Lesson {n} {t}|"
        "{e} {m} warm-up|{e} close reading|Who was {e}?|The {e} {m} in practice|{e}'s {m} (extra practice)|From {e} to {e}|{e} seminar notes|"
        "Intro to {e}|Reading {e} today|{e} and the {m}|After {e}: {t}|Presentation on {e}|{sx}'s {m} practice|The {sx} {m}, explained|{y} essay|"
        "{y} timeline|Primary sources on the {y}|What is {t}?|Help me understand {t}|quiz me on {t}|explain {t} like I'm five|"
        "Is {t} on the final?|my {c0} grade dropped, what can I do?|how do I study for {c0}|Which of my classes covers {t}?|{c0} syllabus|"
        "Welcome to {c0}!|{c0} final exam info|{w} has been graded.|Score for {w}: {n}|{w} closes {d} at {k}|two hours for {t}, one for {w}|"
        "title: {t}, due {d}|{w} opens {d}|Don't forget {w}!|{w} was returned ungraded|push {w} to {d} please|Study block: {t} ({n} min)|"
        # literal titles
        "Syllabus Acknowledgement|WileyPLUS Chapter 3|MyLab Math Section 2.4|zyBooks 5.1-5.6|Mastering Biology Homework|LearnSmart Chapter 12|"
        "Gradescope upload|Perusall annotation 4|LockDown Browser practice quiz|iClicker points week 9|Top Hat attendance|Turnitin draft check|"
        "Halloween Candy Statistics|Thanksgiving Break - No Class|Labor Day: no lecture|Martin Luther King Jr. Day - university closed|"
        "Lincoln's Second Inaugural|Federalist No. 10|Letter from Birmingham Jail|Marbury v. Madison brief|Nike Case Study|Apple vs. Samsung|"
        "Ford Pinto Case|Tesla Financial Statements|Wells Fargo Scandal Memo|Johnson & Johnson Tylenol Crisis|Southwest Airlines Strategy|"
        "Ben & Jerry's Ethics Case|Adobe Illustrator Basics|Amazon Web Services Lab|Jupyter Notebook 3|Raspberry Pi Setup|Kahoot Review|"
        "Myers-Briggs Reflection|Victorian Novel Midterm|Elizabethan Theatre|Newtonian Mechanics|Darwinian Evolution|Freudian Slips|"
        "Marxist Criticism|Bayesian Updating|Markov Chain Text Generator|Monte Carlo Estimate of Pi|Gaussian Elimination by Hand|"
        "Vietnam War Oral Histories|Apartheid in South Africa|Japan's Lost Decade|The Partition of India|Weimar Germany|Brexit Debate|"
        "Mexican Cession Map|Chinese Dynasties Timeline|Ottoman Empire Quiz|Hamilton Musical Review|Romeo and Juliet Act II|To Kill a Mockingbird|"
        "Sherlock Holmes Short Story|Harry Potter and Philosophy|Alice in Wonderland Logic|Star Wars Score Analysis|Malcolm X Speech Analysis|"
        "Rosa Parks and the Bus Boycott|Anne Frank's Diary|Frida Kahlo Self-Portraits|Van Gogh Color Study|Georgia O'Keeffe Flowers|"
        "Nelson Mandela Biography Quiz|Marie Curie Timeline|Rosalind Franklin and DNA|Ada Lovelace Podcast|Alan Turing Film Response|"
        "Library Orientation Quiz|Meet at the Student Union|Dining Hall Survey|Rec Center Waiver|Writing Center Visit|Career Center Workshop|"
        "Bring your lab coat|Goggles required in lab|Museum Worksheet|Chapel Architecture Sketch|Campus Map Activity|Town Hall Reflection|"
        "Extra Credit: Attend a Play|Volunteer Hours Log|Blood Pressure Lab|Will and Trust Drafting|May Day Protests|March Madness Brackets|"
        "April Fools Hoaxes|August Heat Data|Summer Reading List|Autumn Leaves Pigments|Christian Ethics|Violet Light Absorption|"
        "Amber Alert Policy|Jade Carvings|Pearl Harbor Address|Ivy League Admissions Data|Ruby on Rails Tutorial|Crystal Structures|"
        "Scarlet Letter Symbols|Black Friday Pricing|Red Cross Training|Green Energy Audit|White Paper Draft|Brown Bag Lunch Talk|"
        "Mason Jar Ecosystem|Carpenter Ant Behavior|Hunter-Gatherer Societies|Baker's Percentage|Cook County Data Set|Potter's Wheel Demo|"
        "Taylor Polynomial Error|Fisher Exact Test|Rose Window Geometry|Frank-Starling Curve|Jordan Canonical Form|Austin Texas Housing Data|"
        "Wheatstone Bridge|Manhattan Project Memo|Bronx Science Reading|Cambridge Analytica|Stanford Encyclopedia Entry|Yale Lecture Video|"
        "Cornell Notes Template|Chicago Manual Footnotes|Oxford Comma Quiz|Philadelphia Chromosome|Lyme Disease Vectors|Ebola Case Fatality|"
        # literal session text and tool results
        "what's due before the weekend?|move my study block to Thursday afternoon|make me a plan for finals week|am I passing everything?|"
        "Can you mark it as done?|May I hand it in on May 12?|I'm free Mon, Wed and Fri after two|should I drop Chem or Stats|read me the rubric|"
        "I need a break, push everything to Saturday|Will late work be accepted?|hope this helps, chat later|Bill of materials is missing|"
        "You have three assignments due before Sunday: Quiz 4, Essay 2 and Lab 6.|Event created: study block, Tue 4 to 5:30 PM.|"
        "No free block of 90 minutes was found between 7 and 22.|That course has no syllabus.|Grade posted: 87.5 out of 100|"
        "I could not find an assignment with that title.|Your calendar is empty on Friday.|Deleting this event needs a reason.|"
        "The exam covers chapters 4 through 7 and the guest lectures.|Office hours are by appointment only.|Bring a photo ID and two pencils.|"
        "Please read the announcement from last Tuesday.|Ask your classmates on the forum first.|Class is online today because of snow.|"
        "The professor extended the deadline by two days.|My roommate is loud, find a quiet block|my mom is visiting on Sunday|"
        "the TA said recitation counts|our team meets on Discord|my advisor wants the degree audit|see the dean about withdrawal|coach wants us at six"
    ),
}
UNSEEN_TOPICS = _split(
    "Bubble Sort|Merge Conflicts|Page Tables|Mutexes|DNS Lookup|REST APIs|Tries|Backpropagation|Decision Trees|Overfitting|Halting Problem|"
    "Type Systems|Garbage Collection|Pipelining|Cache Coherence|Floating Point|Optical Illusions|Matrix Inverse|Chain Rule|Improper Integrals|"
    "Level Curves|Saddle Points|Abelian Groups|Prime Factorization|Modular Arithmetic|Pigeonhole Principle|Complex Roots|Polar Coordinates|"
    "Free Body Diagrams|Simple Harmonic Motion|Capacitors|Standing Waves|Photoelectric Effect|Radioactive Decay|Special Relativity|Tides|"
    "Moment of Inertia|Stress and Strain|Retaining Walls|Pump Curves|Refrigeration|Control Loops|Rectifiers|Sampling Theorem|Limiting Reagent|"
    "Molecular Geometry|Gas Laws|Electrochemistry|Chirality|Esterification|Mass Spectra|Lewis Structures|Hybrid Orbitals|Cell Respiration|"
    "Osmosis|Punnett Squares|Natural Selection|Mutualism|Invasive Species|Biomes|Gram Staining|Bone Marrow|Reflex Arcs|Kidney Function|"
    "Sourdough Microbes|Aquifers|Sea Level Rise|Fault Lines|Comets|Exoplanets|Dark Energy|Comparative Advantage|Sunk Cost|Externalities|"
    "Tragedy of the Commons|Fiscal Policy|Exchange Rates|Crypto Markets|Depreciation|Break-even Analysis|Audit Risk|Supply Chains|Six Sigma|"
    "Consumer Behavior|SWOT Analysis|Negotiation|Contract Law|Fourth Amendment|Gerrymandering|Lobbying|Separation of Powers|Cold War Spies|"
    "Manifest Destiny|Gilded Age|Prohibition|Women's Suffrage|Underground Railroad|Mongol Empire|Bubonic Plague|Age of Sail|Norse Sagas|"
    "Pax Romana|Byzantine Icons|Impressionism|Bauhaus|Etching|Color Wheel|Fugues|Twelve-Bar Blues|Major Scales|Blocking and Staging|"
    "Montage|Documentary Ethics|Haiku|Unreliable Narrators|Foreshadowing|The Great Gatsby|Things Fall Apart|Wuthering Heights|1984|"
    "Fahrenheit 451|Of Mice and Men|The Bluest Eye|Invisible Man|Paradise Lost|Don Giovanni|Les Misérables|Por vs. Para|Imperfect Tense|"
    "Kana Practice|Morphemes|Dialects|Working Memory|Cognitive Dissonance|Bystander Effect|Classical Conditioning|Attachment Styles|"
    "Operant Chambers|Social Capital|Gentrification|Participant Observation|Gift Economies|Categorical Imperative|Social Contract|"
    "Problem of Evil|Mind-Body Problem|Eightfold Path|Psalms|Book of Ruth|Epic of Gilgamesh|Hypothesis Tests|Central Limit Theorem|P-values|"
    "Scatter Plots|Bootstrapping|Survival Analysis|Infection Control|Care Plans|Medication Safety|Triage|Body Composition|Warm-up Drills|"
    "Networking Event|Resume Draft|Mock Trial|Study Skills|Stress Relief|Academic Integrity|Team Contract|Data Privacy|Ethical Hacking"
)
UNSEEN_EPONYMS = _split(
    "Abbe|Bacon|Bandura|Berkeley|Bourdieu|Brahms|Bohm|Butler|Camus|Cantor|Cavendish|Chomsky|Clausius|Cézanne|Dalí|Dickens|Dostoevsky|Erdős|"
    "Euclid|Fibonacci|Fermat|Feynman|Friedman|Galileo|Gramsci|Haydn|Hayek|Hertz|Hemingway|Herodotus|Jenner|Knuth|Lavoisier|Linnaeus|"
    "Lyapunov|Machiavelli|Matisse|McLuhan|Mendeleev|Michelangelo|Morse|Nusselt|Ockham|Pasteur|Poincaré|Ptolemy|Pythagoras|Ramanujan|Rorschach|"
    "Rodin|Saussure|Seurat|Shannon|Sierpinski|Steinbeck|Thales|Thucydides|Twain|Van der Waals|Voltaire|Wagner|Wittgenstein|Zorn"
)
