"""What fills the name recogniser's templates beside names: topics, kinds of work, days, eponyms, verbs, words. Data only.

``HELD_OUT_*`` are for measuring; training does not see them.
"""

from __future__ import annotations

import re


def split(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split("|") if part)


TOPICS = split(
    "Recursion|Hash Tables|Linked Lists|Big-O|Unit Testing|Graph Search|Pointers|Memory Safety|Inheritance|Compilers|Databases|"
    "SQL Joins|Operating Systems|Threads|Regular Expressions|Machine Learning|Neural Networks|Git|Docker|Cryptography|Limits|"
    "Derivatives|Integration by Parts|Partial Fractions|Sequences and Series|Vectors|Eigenvectors|Matrices|Row Reduction|Proofs|"
    "Induction|Set Theory|Combinatorics|Probability|Sampling|Regression|ANOVA|Confidence Intervals|Outliers|Normal Distribution|"
    "Statics|Dynamics|Heat Transfer|Fluid Flow|Thermodynamics|Entropy|Optics|Waves|Momentum|Torque|Circular Motion|Magnetism|"
    "Circuits|Op Amps|Logic Gates|Transistors|Kinetics|Equilibrium|Acids and Bases|Titration|Stoichiometry|Redox|Organic Synthesis|"
    "Spectroscopy|Mitosis|Photosynthesis|Genetics|Evolution|Ecology|Enzymes|Cell Membranes|Immunology|Neurons|Soil Erosion|Glaciers|"
    "Plate Tectonics|Minerals|Climate Change|Supply and Demand|Elasticity|Inflation|Monopoly|Game Theory|Trade|Balance Sheets|"
    "Marketing Mix|Leadership|Ethics|Utilitarianism|Free Will|Epistemology|Logic|Justice|Memory|Attachment|Perception|Motivation|"
    "Conditioning|Sleep|Stress|Personality|Social Norms|Gender Roles|Deviance|Urbanization|Cold War|Reconstruction|Industrial Revolution|"
    "Civil Rights|Enlightenment|Reformation|Feudalism|Silk Road|New Deal|Great Depression|Thesis Statement|Close Reading|Rhetoric|"
    "Metaphor|Sonnets|Irony|Narrative Voice|Citations|Plagiarism|Persuasion|Public Speaking|Debate|Color Theory|Perspective|Typography|"
    "Baroque|Jazz|Counterpoint|Rhythm|Opera|Ear Training|Nutrition|Fitness|Anatomy|First Aid|Grammar|Vocabulary|Subjunctive|Verb Tenses|"
    "Tree Traversal|Dynamic Programming|Sorting|Version Control|Agile|Requirements|User Stories|Prototyping|Usability|Accessibility|"
    "Constitution|Federalism|Voting|Supreme Court|Foreign Policy|Immigration|Public Health|Epidemiology|Vaccines|Sustainability|"
    "Hamlet|Macbeth|The Odyssey|Beowulf|Frankenstein|Antigone|Gatsby|Othello|The Iliad|Candide|Dracula|Ulysses|Middlemarch|Moby Dick"
)
HELD_OUT_TOPICS = split(
    "Binary Trees|Deadlocks|Green Functions|Surface Integrals|Cross Products|Boxplots|Shear Stress|Buoyancy|Diffraction|Flip-Flops|"
    "Covalent Bonds|Chromatography|Meiosis|Ribosomes|Food Webs|Volcanoes|Opportunity Cost|Cash Flow|Stoicism|Skepticism|Attention|"
    "Groupthink|Stratification|Gold Rush|Decolonization|Printing Press|Synecdoche|Peer Feedback|Impromptu Speech|Cubism|Syncopation|"
    "Vitamins|Conjugation|Wireframes|Judicial Review|Herd Immunity|King Lear|Jane Eyre|The Aeneid|Walden|Don Quixote|Dark Matter"
)
WORKS = split(
    "Homework {n}|HW{n}|HW {n}|Lab {n}|Lab Report {n}|Quiz {n}|Exam {n}|Midterm|Final Exam|Essay|Essay {n}|Paper {n}|Project {n}|"
    "Problem Set {n}|PSet {n}|Reading {n}|Reading Response|Discussion {n}|Discussion Board|Worksheet {n}|Draft|Final Draft|Rough Draft|"
    "Presentation|Poster|Reflection|Journal {n}|Case Study|Group Project|Peer Review|Syllabus Quiz|Module {n}|Unit {n}|Chapter {n}|"
    "Week {n}|Practice Test|Study Guide|Review Session|Recitation|Workshop|Proposal|Portfolio|Capstone|Annotated Bibliography|"
    "Attendance|Participation|Extra Credit|Survey|Lecture {n}|Lecture Notes|Slides|Video {n}|Tutorial {n}|Exercise {n}|Assignment {n}|"
    "Office Hours|Field Notes|Book Report|Research Paper|Code Review|Demo|Milestone {n}|Checkpoint {n}|Critique|Seminar|Team Contract"
)
DAYS = split(
    "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|tomorrow|tonight|next week|March 3|April 12|Oct 5|Sept. 9|May 1|11/4|"
    "2/14|the 15th|June|November|Fall Break|finals week|noon|Thursday night|Mon/Wed|January 20|Spring 2026|August"
)
CLOCKS = split("3pm|10 am|5:30|11:59 PM|2:15 pm|noon|8am|7:00 PM|14:00")
COURSES = split(
    "Intro to Psychology|Organic Chemistry|Calculus II|World History|Data Structures|Microeconomics|Public Speaking|Linear Algebra|"
    "Music Theory|Creative Writing|General Biology|Physics I|Statistics|Art History|Philosophy of Mind|Software Design|Geology|"
    "American Government|Spanish 2|Differential Equations|Thermo|Human Anatomy|Financial Accounting|Film Studies|Ethics of Technology"
)
EPONYMS = split(
    "Bayes|Fourier|Bernoulli|Newton|Euler|Gauss|Laplace|Taylor|Maclaurin|Riemann|Lagrange|Hamilton|Maxwell|Ohm|Kirchhoff|Faraday|Ampere|"
    "Coulomb|Hooke|Kepler|Boyle|Charles|Avogadro|Dalton|Hess|Nernst|Gibbs|Carnot|Joule|Planck|Bohr|Pauli|Hund|Schrodinger|Schrödinger|"
    "Heisenberg|Einstein|Lorentz|Doppler|Snell|Brewster|Huygens|Stokes|Reynolds|Pascal|Archimedes|Venturi|Navier|Green|Cauchy|Cramer|"
    "Markov|Poisson|Pearson|Spearman|Student|Fisher|Chebyshev|Monte Carlo|Turing|Von Neumann|Dijkstra|Huffman|Boolean|Karnaugh|Moore|"
    "Nash|Pareto|Lorenz|Phillips|Laffer|Keynes|Mendel|Hardy-Weinberg|Punnett|Krebs|Darwin|Lamarck|Calvin|Golgi|Pavlov|Skinner|Piaget|"
    "Maslow|Erikson|Freud|Milgram|Plato|Aristotle|Socrates|Kant|Descartes|Hume|Locke|Hobbes|Marx|Nietzsche|Shakespeare|Homer|Dante|"
    "Bach|Mozart|Beethoven|Picasso|Monet|Bloom|Cornell|Venn|Gantt|Likert|Richter|Bessel|Legendre|Hilbert|Banach|Galois|Noether"
)
HELD_OUT_EPONYMS = split(
    "Jacobi|Wronski|Hermite|Chandrasekhar|Young|Biot-Savart|Thevenin|Norton|Arrhenius|Raoult|Henry|Le Chatelier|Michaelis-Menten|Bragg|"
    "Stefan-Boltzmann|Wien|Rayleigh|Weibull|Wilcoxon|Bonferroni|Kruskal|Bellman|Hamming|Nyquist|Bode|Mohr|Giffen|Cobb-Douglas|Okun|Coase|"
    "Gini|Simpson|Goodhart|Kohlberg|Vygotsky|Asch|Rawls|Spinoza|Chopin|Vivaldi|Rembrandt|Virgil|Sophocles|Chaucer|Babbage|Mercator"
)
EPONYM_NOUNS = split(
    "theorem|law|laws|equation|equations|series|transform|distribution|inequality|method|rule|effect|principle|cycle|test|process|"
    "algorithm|model|curve|diagram|number|constant|matrix|lemma|formula|criterion|paradox|experiment|hypothesis|theory|scale|integral|"
    "polynomial|polynomials|expansion|coefficient|correlation|machine|function|operator|chain|equilibrium|taxonomy|chart|notation|sum|"
    "sonnets|tragedies|dialogues|symphony|fugue|stages|hierarchy|table|ratio|square|map|filter|estimator|space|group|law of cooling"
)
TOPIC_PLACES = split(
    "Treaty of {c}|Battle of {c}|Siege of {c}|{c} Agreement|{c} Protocol|{c} Accords|{c} Convention|Congress of {c}|{c} Conference|"
    "{c} style citations|Chicago style|Berlin Wall|Boston Tea Party|Harlem Renaissance|Vienna Circle|Kyoto Protocol|Paris Agreement|"
    "Geneva Conventions|Monte Carlo simulation|Manchester encoding|Treaty of Versailles|American Revolution|French Revolution|"
    "Roman Empire|Ancient Egypt|Latin America|Japanese Grammar|China's Economy|Economy of India|History of Mexico|Trade with Canada|"
    "European Union|African Politics|Middle East|Russian Literature|Greek Mythology|Stockholm syndrome|Bologna process|Fall of Rome"
)

VERBS = (
    "add answer apply arrange ask attach attend bring build buy calculate call cancel change check choose cite clean collect comment "
    "compare complete compute confirm convert copy correct count cover create debate decide define deliver describe design detail "
    "develop discuss download draft draw drop edit email end enter estimate evaluate examine explain explore extend fill find finish "
    "fix follow forward gather get give go grade graph greet grab hand help hold identify import improve include install introduce "
    "invite join keep label learn leave lend list listen locate log look make map mark measure meet model move name note notify "
    "observe open order organize outline pack park pass pay pick pitch plan plot post practice prepare present print propose prove "
    "publish pull push quiz quote rank rate reach read rebook recall record redo register rehearse remember remind remove rent repeat "
    "reply report request rescore reserve respond restart retake return revise rewrite run save schedule score scan search select "
    "send set share show sign sit sketch skip solve sort speak start stop study submit suggest summarize survey swap switch take talk "
    "teach test text think track trade translate try turn type understand update upload use verify view visit visualize vote wait walk "
    "warn watch welcome write"
).split()
COMMON = (
    "able above abroad accuracy action active actual advice afraid again ahead air alone already also alternative always amazing angle "
    "animal another any anything appendix area arrow article aspect attempt aware away awesome back background backup bad balance "
    "bar barely basic battery because bed before begin below best better big birthday black blank block blue board body bonus book "
    "border boring both bottom box brain bread break bridge brief bright broken brother brown brush budget bug busy button cafeteria "
    "camera camp car card care careful case cause cell chain chance chapter chart cheap chemical child circle city clean clear clock "
    "close cloud club coach cold color column common complex computer concept confused contest cool corner correct cost count country "
    "couple course crash crazy credit cross culture current curve daily dance danger dark data date dead deadline deal dear debt deep "
    "default delay depth desk detail device diet digital dinner direct dirty disk distance doctor document dog dollar double doubt down "
    "dream dress dry due early earth easy edge effect eight either electric else empty end engine enough entire entry equal error even "
    "evening event ever every everyone everything evidence exact example excited excuse extra eye face fact fair false familiar family "
    "fancy far fast father fault favorite feature few fiction figure film filter fine finger fire firm first fish five flag flat flight "
    "floor flow focus folder food foot force foreign forest form formal four frame free fresh friend front full fun function funny "
    "future game garden gas gate general gentle girl glass global goal gold good grammar gray green ground group growth guess guide "
    "guilty gun half hand happy hard hat head health heart heat heavy height hello high hint hole holiday home honest hope horse hot "
    "hour house huge human hungry hurry ice idea image important inch index inner insect inside instead iron island issue item job "
    "judge juice jump just kind king kitchen knife knowledge lab lack lady lamp language laptop large last late later laugh law layer "
    "lazy least left leg legal length less letter level library life light like limit line link lion liquid little local logic long "
    "loose loss lot loud love low luck lunch machine main major many map market math matter maybe meal mean meaning media memory menu "
    "mess metal method middle mild military milk mind minor minute mirror miss mistake mixed mobile moment money month moon moral more "
    "morning most mother motion mountain mouse mouth much museum music must myself name narrow nature near nearly neat neck need nerve "
    "never new news next nice night nobody noise none normal north nose nothing novel now number object ocean odd offer office often "
    "oil okay old once one online only option orange orbit order organ other outer output outside oval over own oxygen page pain paint "
    "pair paper parent part partial party past path pattern peer pen people percent perfect period person phase phone photo phrase "
    "piece pilot pink place plain planet plant plastic plate please plenty plus poem poet point policy polite pool poor popular port "
    "post power practice prep pretty price pride primary prime print prior prison prize problem product profit program proof proper "
    "proud pure purple quality queen question quick quiet quite race rain random range rapid rare rather ratio raw ready real reason "
    "recap recent recipe red region regular relevant rest result rhythm rice rich right ring river road rock role roof room root rough "
    "round row royal rule rush sad safe salt same sand scale scared scary scene science score screen sea season seat second secret "
    "section seed self semester sense sentence series serious seven shape sharp shelf shift ship shirt shock shop short shoulder shower "
    "sick side sign signal silence silver similar simple since single sister site six size skill skin sky slow small smart smell smile "
    "smooth snow social soft soil solid some song soon sorry soul sound soup source south space spare special speed spirit spoon sport "
    "spot spring square stable staff stage star state static status steel step still stone store storm story straight strange street "
    "stress strict strong stuff style sudden sugar suit summer sun super sure surface sweet swift syllabus symbol system table tail "
    "tall tank target task taste team technique ten term test thank then thick thin thing third three throat ticket tight time tiny tip "
    "tired title today together tone tonight too tool top total touch tough tour town toy trade traffic train tree trial trick trip true "
    "trust truth twelve twenty twice two ugly unable uncle under unfair unit until upper urban urgent useful usual value vast version "
    "very video village violence virus visual vital voice volume wage wall war warm waste water wave weak weather web week weekly weight "
    "weird well west wet what wheel when where while white whole why wide wild win wind window wine wing winter wire wise woman wonder "
    "wood word world worse worst worth wrong yard year yellow yes yet young zero zone"
).split()
# Ordinary words that people are called as well: the name recogniser always reads a text that holds one.
ALSO_NAMES = frozenset(
    "will mark rose brown hill grace hope faith joy may april june august summer autumn frank bill gene dean rob sue dawn ray art jack "
    "pat chance chase hunter carter mason cook baker king young long short white black green gray grey rich wood woods stone rivers "
    "bush field fields lake banks cross day rice price bishop church page brook lane park bell ford guy drew chip penny violet ivy "
    "lily daisy iris jade ruby pearl crystal amber star sky rain storm winter angel christian norman miles lance wolf fox swift major "
    "little small strong power best worth noble sharp savage moody mercy dale glen cliff heath holly hazel olive ginger robin martin".split()
)
ALSO_NAMES_SORTED = tuple(sorted(ALSO_NAMES))
AFTER_PROPER = split(
    "War|Wars|Empire|Art|Period|School|Style|Revolution|Literature|Cinema|Politics|Dynasty|Crisis|Uprising|Massacre|Movement|Trials|Bridge Collapse|"
    "Case|Era|Economy|Model|Plague|Rebellion|Manuscripts|Cuisine|Architecture|Poetry|Uranium Site|Debate|Summit|Fire of 1871|Riots|Expedition"
)
OBJECTS = split(
    "the notes|slides|the form|a signature|the recording|my essay|his draft|the code|feedback|a copy|the rubric|the results|the data|"
    "a question|the first page|two sources|the table|the outline|their poster|a photo|the textbook|the key|the camera|a chair|an email|"
    "a grade|the calculator|our plan|the budget|the sample|extension|the agenda|thoughts|a decision|the lecture|the panel|the keys|"
    "the schedule|a ride|the assignment|the figures|an answer|the worksheet|the topic|the link|comments|a summary|the invite|the group"
)
NEAR = "with to from for by of and about at on via after before alongside without against behind under between like than through when if while because since unless until so but then".split()
WHERE = "at in near to from around outside inside by behind toward across beyond beside off into over past".split()
# Parts of learned words: what ends like this is a topic, however rare, and nobody's name.
STEMS = (
    "electro thermo photo bio geo astro psycho socio neuro micro macro morpho phono chromato crystallo hydro patho immuno cyto histo "
    "ethno theo demo auto hetero homo poly mono iso para meta epi hypo hyper trans inter sub super anti counter pre post re de dis "
    "strat integr differenti approxim optim normal regular polar oxid ferment germin pollin urban colon modern symbol romantic "
    "alien expression surreal struct form funct oper activ regul transl transcript repl mutat select adapt migr popul tens compress"
).split()
SUFFIXES = (
    "graphy logy metry nomy pathy scopy genesis lysis synthesis ation ations ization ification ism isms ist ity ness ment ments ance "
    "ence ency ive ical ics ology ological graphical statics dynamics kinetics mechanics tropic phase plasm some cycle wave graph "
    "gram scope meter form ing ed able ibility ary ory ture sion think work board shed ship hood ward wise less ful"
).split()


def ordinary_words() -> tuple[str, ...]:
    """A few thousand English words that stand in Faker's tables (prose, professions, business); none of them a name."""
    from faker.providers.company.en_US import Provider as company
    from faker.providers.job import Provider as job
    from faker.providers.lorem.en_US import Provider as lorem

    phrases = [*lorem.word_list, *job.jobs]
    phrases += [word for table in (*company.bsWords, *company.catch_phrase_words) for word in table]
    phrases += COMMON
    return tuple(sorted({word for phrase in phrases for word in re.findall(r"[a-z]{3,}", phrase.lower())}))
