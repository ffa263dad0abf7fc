"""Whom the curriculum is called after, its works and authors, and words of its fields that small dictionaries lack. Data only.

None of these is a person whom a student meets: alone in a title they are course work, not an identity. What the rules say of a
person ("Dr. Newton", "email Marx") is not touched by these tables.
"""

from __future__ import annotations

EPONYMS = frozenset(
    (
        "Abbe Ackermann Adler Adorno Aeschylus Aeneas Aeneid Agamemnon Akaike Antigone Aquinas Arendt Arrow Atwood Augustine Austen Avicenna "
        "Averroes Bacon Bakhtin Baldwin Balzac Bandura Barthes Bartok Baudelaire Baum Bauhaus Beauvoir Beckett Bellini Bentham Berkeley "
        "Berlioz Bertrand Bezout Binet Blake Boccaccio Bogart Boltzmann Bolzano Borel Borges Botticelli Bourdieu Bowlby Brahe Brahms "
        "Braque Brecht Bronfenbrenner Bronte Brueghel Bruegel Butler Byron Byzantine Caesar Calvin Camus Cantor Caravaggio Carnot Cassini "
        "Cauchy Cavendish Cayley Cervantes Cezanne Charlemagne Chekhov Chomsky Church Cicero Clausius Cleopatra Cockcroft Coleridge "
        "Columbus Comte Conrad Cournot Crick Cronbach Dali Dalton Darcy Davinci Debussy Dedekind Degas Delacroix Deleuze Derrida Dewey "
        "Dickens Dickinson Diderot Diophantus Dirichlet Donne Dostoevsky Dracula Dürer Durer Dvorak Edison Eliot Ellison Emerson Engels "
        "Epicurus Erasmus Erdos Erlang Escher Euripides Eulerian Faulkner Fick Fisher Fitzgerald Flaubert Floyd Foucault Franklin "
        "Friedman Froebel Galatea Galen Galton Gaudi Gauguin Giotto Godel Gödel Gogol Goya Gram Grimm Habermas Haydn Hamiltonian "
        "Handel Hardy Harlow Hawking Hawthorne Hayek Heidegger Heine Hemingway Henderson Heracles Herodotus Herzberg Hertz Hesse "
        "Hippocrates Hofstede Holmes Homer Horace Horner Hotelling Hubble Hugo Hurston Husserl Iliad Ishikawa Jefferson Joule Joyce "
        "Kahneman Kandinsky Keats Kelvin Kepler Kierkegaard Klee Klein Klimt Kolb Kolmogorov Koch Krebs Kuhn Kuznets Lacan Laffer "
        "Langston Laurent Lebesgue Leonardo Leontief Levinas Levi Lewin Lewis Lincoln Linnaean Lipschitz Liszt Locke Lovelace Lucretius "
        "Lyapunov Lynch Magellan Magritte Mahler Malinowski Malthusian Manet Mann Marlowe Marquez Matisse Mead Medea Mendelian Mendelssohn "
        "Merton Michelson Mill Miller Millikan Milton Minkowski Minsky Mondrian Montaigne Montesquieu Morrison Moses Munch Nabokov "
        "Nightingale Noam Oedipus Ophelia Ovid Pangaea Parmenides Parsons Pascal Peirce Penelope Persephone Petrarch Phillips Piketty "
        "Pizarro Poe Polanyi Pollock Popper Porter Prometheus Proust Puccini Pushkin Quine Rachmaninoff Raphael Ravel Rembrandt Renoir "
        "Ricardo Rilke Rodin Rogers Rolle Rossini Rothko Runge Russell Ryle Sartre Saussure Say Schoenberg Schopenhauer Schubert Schumann "
        "Schumpeter Schur Schwann Schwarz Searle Selye Shelley Sierpinski Simmel Simpson Sisyphus Smith Solow Sorites Spencer "
        "Stackelberg Steinbeck Stirling Stravinsky Swift Sylow Tchaikovsky Tesla Thales Thoreau Thucydides Titian Titration Tolstoy "
        "Tuckman Turner Twain Tukey Ulysses Veblen Verdi Vermeer Vitruvius Vonnegut Wagner Walras Warhol Watson Weierstrass Whitman "
        "Wilde Wittgenstein Wollstonecraft Woolf Wordsworth Wright Wundt Yeats Zeno Zimbardo Zola Zermelo Leviticus Genesis Exodus "
        "Gilgamesh Mahabharata Ramayana Quran Talmud Torah Dao Confucian Buddha Jesus Muhammad Luther Zeus Athena Apollo Mars Venus "
        "Jupiter Saturn Neptune Uranus Mercury Pluto Beowulf Candide Walden Moby Heathcliff Eyre Lear Prospero Caliban Rosencrantz "
        "Gatsby Raskolnikov Quixote Faust Tartuffe Hedda Gabler Godot Brutus Cassius Desdemona Iago Weinberg Menten Chatelier Savart "
        "Douglas Carlo Neumann Scholes Wallis Levene Tukey Whitney Mann Anderson Darling Smirnov Wilk Shapiro Durbin Granger "
        "Johansen Dickey Fuller Hausman Heckman Bragg Raman Zeeman Compton Rydberg Balmer Hall Josephson Meissner Casimir Cherenkov "
        "Oort Kuiper Hohmann Lambert Beer Grignard Diels Alder Wittig Friedel Crafts Markovnikov Zaitsev Hofmann Fischer Haworth Newman "
        "Hückel Huckel Slater Bohr Gouy Fehling Benedict Tollens Bradford Lowry Bunsen Erlenmeyer Petri Kjeldahl Schiff Soxhlet "
        "Broca Wernicke Purkinje Schwann Ranvier Langerhans Henle Bowman Cushing Addison Alzheimer Parkinson Huntington Crohn Hodgkin "
        "Down Turner Klinefelter Tay Sachs Marfan Asperger Tourette Stroop Rorschach Ebbinghaus Loftus Gardner Sternberg Chomskyan "
        "Stanford Milgram Harlow Ainsworth Marcia Gilligan Rosenthal Bandura Broadbent Treisman Baddeley Miranda Roe Brown Marbury "
        "Plessy Gideon Tinker Madison Monroe Truman Marshall Nixon Reagan Wilson Roosevelt Churchill Stalin Lenin Hitler Mussolini "
        "Mao Trotsky Bismarck Garibaldi Bolivar Mandela Lumumba Nkrumah Nasser Ataturk Saladin Genghis Kublai Timur Suleiman Akbar "
        "Ashoka Hammurabi Ramses Tutankhamun Alexander Hannibal Attila Constantine Justinian Elizabethan Victorian Edwardian Georgian "
        "Jacobean Carolingian Ottoman Ming Qing Tang Han Meiji Tokugawa Mughal Maurya Gupta Aztec Maya Inca Bernini Brunelleschi "
        "Donatello Palladio Corbusier Mies Rohe Gropius Eiffel Gehry Hadid Niemeyer Kahn Haussmann Olmsted Bessemer Diesel Otto "
        "Rankine Brayton Mach Bernoulli Froude Nusselt Prandtl Grashof Stefan Wien Young Poisson Mohr Tresca Mises Castigliano Pratt "
        "Howe Warren Thevenin Norton Butterworth Chebyshev Zener Schmitt Schottky Hartley Colpitts Wheatstone Wien Lenz Biot Tesla Hertz "
        "Mealy Hamming Huffman Shannon Reed Solomon Viterbi Levenshtein Bloom Adelson Prim Bellman Ford Floyd Warshall Kadane Horner "
        "Strassen Karatsuba Miller Rabin Diffie Hellman Vigenere Caesar Feistel Lamport Byzantine Peterson Dekker Amdahl Gustafson Moore "
        "Flynn Harvard Backus Naur Curry Haskell Hoare Liskov Demeter Conway Brooks Parnas Boehm Fitts Hick Gestalt Nielsen"
    ).split()
)

# Words of fields, tools and languages that the dictionary has not.
FIELD_WORDS = tuple(
    (
        "backpropagation autoencoder autoencoders perceptron softmax convolutional hyperparameter hyperparameters overfitting tokenization "
        "recursion memoization hashmap hashtable hashing refactoring microservices serverless kubernetes docker github gitlab bitbucket git "
        "linux ubuntu unix bash powershell python java javascript typescript kotlin scala haskell prolog matlab simulink autocad solidworks "
        "labview arduino raspberry verilog vhdl fpga mips numpy pandas scipy matplotlib jupyter colab sklearn pytorch tensorflow keras "
        "django flask nodejs numpy mysql postgresql mongodb sqlite redis graphql json yaml html css xml regex api apis oop uml crud mvc "
        "latex overleaf excel powerpoint onenote google zoom canvas piazza gradescope turnitin panopto kaltura zybooks zybook pearson "
        "mylab webassign aleks wileyplus mcgraw cengage mindtap packback perusall kahoot qualtrics honorlock lockdown respondus proctorio "
        "tableau photoshop illustrator indesign figma canva arcgis qgis stata spss minitab sas rstudio quizlet slack trello jira notion "
        "anova manova ancova eigen eigenvalue eigenvalues eigenvector eigenvectors multivariable multivariate heteroskedasticity "
        "heteroscedasticity multicollinearity homoscedasticity logit probit econometrics microeconomics macroeconomics bootstrapping "
        "crispr pcr elisa mrna trna rrna dna rna atp nadh nmr hplc gcms ftir sds qpcr blastn phylogenetics proteomics genomics "
        "transcriptomics metabolomics bioinformatics epigenetics immunoassay chromatography electrophoresis spectrophotometry "
        "thermo orgo ochem calc trig stats econ psych bio chem phys soc philo anthro geo astro comm engr poli sci kines hw psets pset "
        "precalc precalculus postlab prelab worksheet homework hws quiz quizzes midterm midterms makeup rubric rubrics syllabus "
        "waiver waivers gre gmat lsat mcat toefl gpa apa mla chicago ieee asme osha hipaa ferpa irb swot gaap ifrs gdp cpi fomc nato "
        "epa nasa noaa usda cdc fda nih nsf unesco brexit covid kindergarten decolonial postcolonial postmodernism intersectionality "
        "ekphrasis enjambment villanelle haiku ghazal bildungsroman ethnography autoethnography historiography hermeneutics "
        "phenomenology deontology ontology teleology metaethics bioethics geoethics neuroethics pathos ethos logos kairos asl esl "
        "ikebana origami bharatanatyam gamelan kabuki noh raga tala solfege solfège fugue rondo scherzo toccata recitativo bel canto "
        "ser estar preterite imparfait passé composé subjuntivo subjunctif dativ akkusativ konjunktiv kanji hiragana katakana hangul "
        "pinyin hanzi bonjour hola ciao gracias konnichiwa guten tag deutsch español français italiano nihongo lengua gramática "
        "vocabulario lección ejercicio capítulo tarea examen prueba chapitre devoir leçon exercice aufgabe hausaufgabe kapitel lektion "
        "soh cah toa foil pemdas vsepr spdf redox titration stoich molarity sn1 sn2 e1 e2 pka rxn rxns eqn eqns soln ch chs pt pts pg "
        "pgs vs intro info sem sec lec rec disc asst assn asgmt assgn discn eval evals prep bonus optional due tba tbd eod asap faq "
        "ok okay hi phasor phasors chirality chi dr prof mr mrs ms mx sr jr md phd msc mba fahrenheit boeing airbus wireframe wireframes ll ve re lol tas gta gtas dm fyi btw aka etc eg ie vs ps pdf docx pptx xlsx csv zip jpg png url http https ssh ftp dns tcp ip id ids pin opt reqs spec specs config repo repos args async mutex semaphore deadlock pthreads malloc segfault gdb valgrind makefile cmake "
        "junit pytest maven gradle npm leetcode hackathon codelab livestream screencast webinar podcast vlog blog wiki meme emoji zoom "
        "node angular vue svelte golang swift eclipse intellij pycharm android ios xcode unreal blender revit sketchup ansys abaqus comsol "
        "multisim ltspice cadence kicad netlogo geogebra desmos mathematica minitab jmp eviews sap salesforce hubspot hadoop airflow "
        "snowflake firebase heroku azure aws ansible terraform jenkins wireshark nmap metasploit virtualbox vmware postman zotero mendeley "
        "endnote grammarly prezi padlet mentimeter nearpod edpuzzle flipgrid voicethread crowdmark examity blackboard moodle brightspace "
        "sakai coursera udemy linkedin youtube spotify netflix facebook instagram tiktok twitter reddit wikipedia whatsapp dropbox icloud "
        "onedrive sharepoint outlook gmail chrome firefox safari chatgpt copilot openai windows macos debian fedora mozilla ibm intel nvidia "
        "rfc ansi nist astm iso iec din utf ascii sha aes rsa usb hdmi wpa mpeg jpeg fips sox sae wcag gdpr ansi cvss owasp "
        "foldable toothpick geocache agribusiness agronomy silviculture viticulture enology apiculture hydroponics permaculture"
    ).split()
)

# Authors, rulers, thinkers and figures whom titles name in full; a span that is one of these is no identity.
FULL_NAMES = frozenset(
    name.lower()
    for name in (
        "Jane Austen|Jane Eyre|Toni Morrison|Emily Dickinson|Robert Frost|Walt Whitman|Virginia Woolf|Mark Twain|Edgar Allan Poe|"
        "William Shakespeare|William Blake|William Wordsworth|John Keats|John Donne|John Milton|John Locke|John Stuart Mill|John Rawls|"
        "John Dewey|John Steinbeck|John F. Kennedy|John Maynard Keynes|John Cage|John Coltrane|James Joyce|James Baldwin|James Madison|"
        "Henry James|Henry David Thoreau|Ralph Waldo Emerson|Ralph Ellison|Charles Dickens|Charles Darwin|Charles Babbage|Mary Shelley|"
        "Mary Wollstonecraft|Mary Cassatt|Frederick Douglass|Harriet Tubman|Harriet Jacobs|Sojourner Truth|Langston Hughes|"
        "Zora Neale Hurston|Alice Walker|Maya Angelou|Martin Luther King|Martin Luther King Jr|Martin Luther|Malcolm X|Rosa Parks|"
        "Booker T. Washington|W.E.B. Du Bois|Marcus Garvey|Nelson Mandela|Mahatma Gandhi|Abraham Lincoln|George Washington|"
        "George Orwell|George Eliot|Thomas Jefferson|Thomas Hobbes|Thomas Aquinas|Thomas Kuhn|Thomas Edison|Thomas More|Thomas Paine|"
        "Alexander Hamilton|Alexander the Great|Benjamin Franklin|Andrew Jackson|Ronald Reagan|Richard Nixon|Franklin D. Roosevelt|"
        "Theodore Roosevelt|Eleanor Roosevelt|Winston Churchill|Adam Smith|Karl Marx|Karl Popper|Max Weber|Max Planck|Emile Durkheim|"
        "Friedrich Nietzsche|Immanuel Kant|David Hume|René Descartes|Rene Descartes|Jean Piaget|Jean-Paul Sartre|Simone de Beauvoir|"
        "Hannah Arendt|Michel Foucault|Jacques Derrida|Judith Butler|Noam Chomsky|Sigmund Freud|Carl Jung|Carl Rogers|Erik Erikson|"
        "Albert Bandura|Albert Einstein|Albert Camus|Isaac Newton|Isaac Asimov|Marie Curie|Galileo Galilei|Johannes Kepler|Tycho Brahe|"
        "Nikola Tesla|Alan Turing|Ada Lovelace|Grace Hopper|Rosalind Franklin|Watson and Crick|Gregor Mendel|Louis Pasteur|Jane Goodall|"
        "Rachel Carson|Stephen Hawking|Richard Feynman|Leonardo da Vinci|Vincent van Gogh|Van Gogh|Da Vinci|Pablo Picasso|Claude Monet|"
        "Claude Debussy|Frida Kahlo|Diego Rivera|Georgia O'Keeffe|Jackson Pollock|Andy Warhol|Salvador Dali|Johann Sebastian Bach|"
        "Ludwig van Beethoven|Louis Armstrong|Miles Davis|Duke Ellington|Billie Holiday|Jimi Hendrix|Igor Stravinsky|Philip Glass|"
        "Gabriel García Márquez|Garcia Marquez|Pablo Neruda|Chinua Achebe|Wole Soyinka|Franz Kafka|Leo Tolstoy|Anton Chekhov|"
        "Henrik Ibsen|Samuel Beckett|Oscar Wilde|Ernest Hemingway|William Faulkner|Flannery O'Connor|Sylvia Plath|Kate Chopin|"
        "Julius Caesar|Genghis Khan|Joan of Arc|Christopher Columbus|Marco Polo|Ibn Battuta|Ibn Khaldun|Napoleon Bonaparte|"
        "Romeo and Juliet|Tom Sawyer|Huck Finn|Huckleberry Finn|Anna Karenina|Madame Bovary|Dorian Gray|Robinson Crusoe|Don Quixote|"
        "King Lear|Moby Dick|Great Gatsby|Black Scholes|Monte Carlo|Von Neumann|Le Chatelier|Mann Whitney|Abraham Maslow|Ivan Pavlov|"
        "B.F. Skinner|Lev Vygotsky|Elinor Ostrom|Milton Friedman|Amartya Sen|Roe v. Wade|Brown v. Board|Marbury v. Madison|"
        "Edward Said|Frantz Fanon|bell hooks|Audre Lorde|Gloria Anzaldúa|Clifford Geertz|Margaret Mead|Franz Boas|Edward Hopper"
    ).split("|")
)

# Countries, states, continents, peoples: what a course is about, too wide to be where somebody is. Those that are also given names
# (Georgia, Jordan, Chad) are left out.
LANDS = tuple(
    (
        "africa america americas antarctica asia australia europe oceania eurasia african american asian australian european afghanistan "
        "albania algeria angola argentina armenia austria azerbaijan bahamas bangladesh barbados belarus belgium belize benin bhutan "
        "bolivia bosnia botswana brazil bulgaria burma burundi cambodia cameroon canada chile china colombia congo croatia cuba cyprus "
        "czechia denmark ecuador egypt england eritrea estonia ethiopia fiji finland france gabon gambia germany ghana greece greenland "
        "grenada guatemala guinea guyana haiti honduras hungary iceland india indonesia iran iraq ireland israel italy jamaica japan "
        "kazakhstan kenya korea kosovo kuwait laos latvia lebanon liberia libya lithuania luxembourg madagascar malawi malaysia mali malta "
        "mexico moldova mongolia montenegro morocco mozambique myanmar namibia nepal netherlands nicaragua niger nigeria norway oman "
        "pakistan palestine panama paraguay peru philippines poland portugal qatar romania russia rwanda samoa scotland senegal serbia "
        "singapore slovakia slovenia somalia spain sudan sweden switzerland syria taiwan tajikistan tanzania thailand tibet togo tonga "
        "tunisia turkey uganda ukraine uruguay uzbekistan venezuela vietnam wales yemen zambia zimbabwe persia prussia yugoslavia "
        "usa uk uae eu ussr alabama alaska arizona arkansas california colorado connecticut delaware florida hawaii idaho illinois "
        "indiana iowa kansas kentucky louisiana maine maryland massachusetts michigan minnesota mississippi missouri montana nebraska "
        "nevada ohio oklahoma oregon pennsylvania tennessee texas utah vermont virginia wisconsin wyoming afghan algerian arab arabic "
        "argentine austrian babylonian bengali brazilian british bulgarian canadian caribbean celtic chilean chinese colombian cuban "
        "czech danish dutch egyptian english ethiopian filipino finnish french german ghanaian greek haitian hebrew hindi hispanic "
        "hungarian icelandic indian indigenous indonesian iranian iraqi irish islamic israeli italian jamaican japanese jewish kenyan "
        "korean latin latino latina latinx lebanese malay mayan mexican mongol moroccan muslim nigerian nordic norse norwegian "
        "pakistani palestinian persian peruvian polish portuguese romanian roman russian sanskrit scandinavian scottish serbian slavic "
        "soviet spanish swahili swedish swiss syrian thai tibetan turkish ukrainian urdu vietnamese welsh yoruba zulu christian catholic "
        "protestant buddhist hindu confucianism taoism judaism appalachia appalachian amazon andes alps atlantic pacific arctic "
        "mediterranean sahara balkans himalayas mesopotamia mesoamerica athens sparta troy carthage pompeii byzantium versailles "
        "auschwitz hiroshima nagasaki chernobyl gettysburg waterloo normandy stalingrad westphalia"
    ).split()
)

# After one of these nouns' names ("Wilson's theorem", "a Taylor series") a name is what the thing is called.
THINGS = frozenset(
    (
        "theorem theorems law laws equation equations series transform transforms distribution distributions inequality inequalities "
        "rule rules effect effects principle principles cycle algorithm algorithms curve curves diagram diagrams number numbers constant "
        "constants matrix matrices lemma formula criterion paradox experiment experiments hypothesis theory theories integral integrals "
        "polynomial polynomials expansion expansions coefficient coefficients correlation machine machines function functions operator "
        "chain chains equilibrium equilibria taxonomy notation sum sums sonnet sonnets tragedies tragedy dialogues symphony fugue stages "
        "hierarchy square squares map maps estimator estimators space spaces model models test tests method methods process processes "
        "scale scales structure structures statistic syndrome disease revolution doctrine treaty conjecture determinant product metric "
        "kernel cipher code codes reaction reactions synthesis bridge circle circles index ratio triangle identity identities condition "
        "conditions approximation decomposition factorization distance logic calculus mechanics geometry algebra ethics economics "
        "philosophy dynamics tree trees sort search filter filters normalization sampling simulation probability regression trial "
        "triad plot plots table taxonomy lattice limit point motion radiation oscillator temperature pressure buoyancy modulus stress"
    ).split()
)
