"""What the name recogniser is corrected by: templates, topics and eponyms that nothing was trained on. Data only.

What must hold: no template is one of ``name_model.templates`` or ``name_model.unseen``. Texts drawn from here may be looked at; what is claimed
of the recogniser is measured on ``name_model.unseen``.
"""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline.privacy.name_model.fillers import split as _split

FRESH: Mapping[str, tuple[str, ...]] = {
    "person": _split(
        "Sit beside {p} during {w}|Handoff to {p} at {k}|{w} swap: {f}|Thank-you card for {p}|Ride home with {p} {d}|{f} covers {w}|"
        "Wait for {p} to upload {w}|Moderator: {f}|Scribe: {f}|{p} lost the {w} sheet|shadowing {p} on {d}|Debrief with {h} after {w}|"
        "{c0} / {h}|{c0} taught by {h}|Second reader: {h}|please forward this to {p}|our captain {f} booked {d}|{w} under {h}|"
        "Send {p} the {t} summary|could {p} join {w}?|I owe {p} an apology|{p} volunteered for {w}|Committee: {f}, {f} and {f}|"
        "Thesis defense of {f}|Q&A with {h} on {t}|{h} wants {w} stapled|Jointly with {f}|Copy {p} on the {t} thread|nudge {p} re {w}|"
        "Return book to {p} by {d}|{f} – {w} extension|Drop-in with {h}, {d}|Ping-pong with {g} {d}|{g} turned nineteen {d}|"
        "cover letter read by {p}|Attn: {f}|Signed, {f}|Witness: {f}|{p} graded {w} harshly|ask whether {p} saw {w}"
    ),
    "place": _split(
        "Overnight stay in {pl}|Depart {pl} {k}|Soil samples from {pl}|Clinical rotation at {pl}|Food drive at {pl}|We move to {pl} in {d}|"
        "Assemble outside {pl}|Charter bus to {pl}|{w} rehearsal, {pl}|Sketching trip: {pl}|Student teaching in {pl}|Meetup near {pl}|"
        "My cousin goes to school in {pl}|Poll workers needed in {pl}|Ushering at {pl}|Birdwatching around {pl}|job fair in {pl} on {d}|"
        "commute from {pl}|Hackathon hosted in {pl}|{d}: {pl} outing|Back from {pl} on {d}"
    ),
    "room": _split(
        "Retake in {r} at {k}|Print shop next to {r}|Seats assigned in {r}|{w} viewing, {r}|Find the box outside {r}|Swap to {r} on {d}|"
        "{r} is locked until {k}|Piano practice {r}|Late pickup: {r}|Doors of {r} open {k}|wait in {r} for {w}|Conference with {h} in {r}|"
        "{t} tutoring {r}|Mailbox at {r}"
    ),
    "plain": _split(
        "{t} write-up|Skill check: {t}|{t} portfolio entry|{w} corrections ({t})|Sketch of {t}|{t} jigsaw|Pop quiz on {t}|{t} fact sheet|"
        "Wrap-up: {t}|Fishbowl: {t}|{t} lab safety|{t} self-test {n}|Gallery walk - {t}|Bring {o} to {w}|{w} grace day|Muddiest point: {t}|"
        "{e} {m} practice|Using {e}'s {m}|{e} and his critics|Was {e} right?|{e} reading guide|The age of {e}|{e} vs {e}|Proof of {e}'s {m}|"
        "A critique of {e}|{t} after {e}|{sx}'s {m} worksheet|Verify the {sx} {m}|Background of the {y}|{y} map quiz|{t} (graded)|"
        "Turn in {o} with {w}|Rank {t} against {t}|{w} for {c0}|{c0} orientation|Please rate {t}|do I need {t} for {w}?|{t} & {t} matrix|"
        "what counts toward {w}?|push {w} back a day|Submit {o} before {d}|Mid-term feedback on {t}|Optional: {t} bonus|{t} glossary|"
        "Term paper: {t} in practice|{t}, part {n}|{n}. {t}|{t} simulation run {n}|{d} {w}: {t}|Revisiting {t}|{t} → {t}|{t} clinic hours"
    ),
}
FRESH_TOPICS = _split(
    "Heaps and Priority Queues|Context-Free Grammars|Race Conditions|Semaphores|Virtual Memory|TCP Handshake|Load Balancing|Lambda Functions|"
    "Stacks|Greedy Methods|Random Forests|Gradient Descent|Word Embeddings|Quaternions|Contour Integration|Cosets|Metric Spaces|Ring Theory|"
    "Laurent Series|Vector Bundles|Cardinality|Bending Moments|Fatigue Cracks|Truss Bridges|Open Channel Flow|Soil Mechanics|Concrete Mix|"
    "Surveying|Traffic Signals|Steel Beams|Mass Balance|Distillation Columns|Heat Exchangers|Process Safety|Semiconductors|Antennas|"
    "Signal Sampling|Phase Locked Loops|Grignard Reagents|Aldol Condensation|Crystal Field|Nucleophiles|Buffer Solutions|Colligative Properties|"
    "Electron Orbitals|Polymer Chains|Krebs Cycle|Glycolysis|Action Potentials|Gene Drive|Stem Cells|Coral Reefs|Bird Songs|Wolf Ecology|"
    "Ferns and Mosses|Lichens|Trout Streams|Bees and Pollination|Cattle Nutrition|Sheep Breeding|Turf Grass|Rice Farming|Wine Chemistry|"
    "Moraines|Karst|Ice Cores|Hurricanes|El Niño|Jet Streams|Mineral Hardness|Black Holes|Red Giants|Star Clusters|Mars Rovers|"
    "Supply Shocks|Bond Pricing|Bank Runs|Price Floors|Minimum Wage|Auction Design|Bill of Materials|Cost Drivers|Cash Budgets|Payroll|"
    "Brand Equity|Retail Pricing|Franchise Law|Torts|Miranda Rights|Due Process|Grand Jury|Roe v. Wade|Electoral College|Filibuster|"
    "Bill of Rights|Checks and Balances|NATO|Cuban Missile Crisis|Jim Crow|Harlem Renaissance|Boston Massacre|Ellis Island|Dust Bowl|"
    "Boxer Rebellion|Meiji Restoration|Opium War|Black Death|Magna Carta|Spanish Armada|War of the Roses|Trail of Tears|Salem Witch Trials|"
    "Rosetta Stone|Code of Hammurabi|Punic Wars|Gothic Cathedrals|Still Life|Lost Wax Casting|Mary Magdalene in Art|Stained Glass|"
    "Waltz|Blues Scale|Barbershop|Swing|Gregorian Chant|Stage Lighting|Method Acting|Improv|Screenwriting|Jump Cuts|Film Noir|"
    "Free Verse|Magical Realism|Slam Poetry|Memoir|Dark Romanticism|The Crucible|Pride and Prejudice|Beloved|Huckleberry Finn|Jane Eyre|"
    "A Rose for Emily|Death of a Salesman|Don Juan|Brave New World|Lord of the Flies|Their Eyes Were Watching God|Ser vs. Estar|"
    "Passé Composé|German Cases|Hangul|Kanji Drill|Tone Sandhi|Phonemes|Creole Languages|Sign Language|Attribution Error|Locus of Control|"
    "Grief|Twins Studies|Phineas Gage|Little Albert|Stanford Prison Experiment|Hawthorne Effect|Stroop Task|Sleep Hygiene|Hope Theory|"
    "Grounded Theory|Rites of Passage|Kinship|Potlatch|Margaret Mead in Samoa|Food Deserts|Redlining|Hunger Games Theory|Trolley Problem|"
    "Veil of Ignorance|Cave Allegory|Ship of Theseus|Zeno's Paradoxes|Pascal's Wager|Occam's Razor|Just War|Golden Rule|Four Noble Truths|"
    "Book of Job|Gospel of Mark|Sermon on the Mount|Five Pillars|Bhagavad Gita|Sharpe Ratio|Fisher Information|Bell Curve|Box Plots|"
    "Chi Square|Type I Error|Monty Hall|Simpson's Paradox|Nurse Staffing|Wound Care|Blood Types|Insulin Dosing|Vital Signs|Patient Charting|"
    "Motor Learning|Strength Training|Grant Writing|Elevator Pitch|Cover Letters|LinkedIn Profile|Time Management|Library Tour|Honor Code"
)
FRESH_EPONYMS = _split(
    "Abel|Born|Chandler|Clebsch|Compton|Curie|Debye|Dewey|Dirac|Durkheim|Eliot|Fick|Foucault|Frobenius|Fresnel|Galton|Goethe|Gram|Hegel|Hotelling|"
    "Hubble|Ibsen|Jung|Kuhn|Kafka|Kuznets|Lebesgue|Leibniz|Lenz|Mahler|Malthus|Mill|Minkowski|Orwell|Ovid|Parseval|Peano|Plath|Popper|Proust|"
    "Rankine|Ricardo|Rousseau|Rutherford|Sartre|Schubert|Solow|Stirling|Stravinsky|Tesla|Thoreau|Tolstoy|Tukey|Verdi|Weber|Woolf|Yeats|Zeno"
)
