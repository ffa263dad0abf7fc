"""Words of courses that no dictionary has and that name nobody a student meets. Data only.

``TERMS`` are brands, programs, eponyms, borrowed words and clipped names of subjects, in small letters; ``STATES`` is what
Canvas itself writes as a state, kind or setting. They judge the name recogniser's findings only: the recogniser does not read
them, and what the rules say of a person ("Dr. Barr") is not touched by them.
"""

from __future__ import annotations

_PROGRAMS = """
    webwork webassign zybooks zylabs codio aleks hawkes mylab myopenmath mastering cengage mindtap wileyplus sapling labflow
    aktiv achieve edfinity gradescope piazza perusall packback voicethread panopto kaltura playposit echo360 yuja kritik
    peergrade honorlock proctorio respondus examity turnitin grammarly iclicker poll everywhere socrative kahoot quizizz
    quizlet padlet flipgrid flip edpuzzle nearpod peardeck newsela commonlit ixl khan desmos geogebra mentimeter slido wooclap
    miro mural figma lucidchart notion trello asana jira confluence slack discord zoom webex bitbucket gitlab github replit
    codepen leetcode hackerrank kattis codeforces codecademy datacamp udemy coursera edx netacad trailhead hubspot zotero
    mendeley endnote refworks qualtrics nvivo atlas dedoose tableau excel vlookup xlookup powerpoint keynote prezi canva
    genially adobe premiere photoshop illustrator indesign lightroom aftereffects autocad solidworks revit sketchup rhino
    grasshopper fusion creo catia inventor arcgis qgis blender maya zbrush houdini nuke unity unreal godot arduino raspberry
    lego minecraft scratch logisim wireshark nmap kali snort metasploit postman swagger jenkins ansible terraform kubernetes
    docker kafka hadoop spark airflow kibana grafana prometheus splunk nagios redis cassandra mongodb postgres postgresql
    mysql mariadb sqlite neo4j graphql firebase heroku lambda azure vercel netlify pandas numpy scipy sklearn keras pytorch
    tensorflow jax matplotlib seaborn plotly jupyter colab anaconda rstudio ggplot2 dplyr tidyverse shiny django flask fastapi
    angular vue react redux svelte ember express laravel symfony hibernate spring maven gradle junit mockito selenium cypress
    jest mocha vite webpack babel bootstrap tailwind jquery node deno emacs vim nano eclipse intellij pycharm xcode netbeans
    python java kotlin swift rust julia scala haskell prolog fortran cobol matlab octave maple mathematica sage perl lua ruby
    erlang elixir clojure ocaml agda coq lean isabelle racket scheme lisp smalltalk verilog vhdl labview simulink multisim
    ltspice spice kicad eagle altium cadence ansys abaqus comsol mathcad minitab stata spss weka gephi orange knime rapidminer
    quickbooks turbotax bloomberg sibelius musescore finale garageband audacity ableton protools moodle blackboard canvas
    brightspace banner handshake symplicity linux ubuntu debian fedora windows android chatgpt copilot gemini claude openai
    huggingface kaggle stackoverflow reddit wikipedia youtube vimeo tiktok snapchat instagram spotify arial helvetica calibri
    cambria garamond verdana georgia times courier futura didot bodoni baskerville palatino roboto turabian bluebook
"""
_BRANDS = """
    ikea netflix zappos uber lyft airbnb enron theranos starbucks toyota honda hyundai zara lululemon etsy tesla nike adidas
    puma reebok nutella amazon apple google microsoft costco walmart target pixar disney nokia kodak blockbuster boeing airbus
    volkswagen bmw porsche ferrari patagonia chipotle wework shein lehman goldman vanguard berkshire moody pfizer merck
    novartis moderna tylenol pinto challenger hindenburg titanic bhopal nestle danone unilever heineken gucci prada chanel
    hermes lvmh rolex samsung sony nintendo sega lenovo huawei xiaomi alibaba tencent baidu mcdonalds wendys subway domino
    heinz campbell kellogg hershey cadbury coca cola pepsi gatorade xerox polaroid fedex maersk caterpillar deere pokemon
    tetris mario zelda pacman sudoku wordle yahtzee monopoly mancala jenga catan marvel hogwarts narnia bollywood nollywood
    broadway
"""
_EPONYMS = """
    abel ackermann adams adler airy alzheimer ampere anscombe arrhenius artin asch avogadro babinski backus banach barr
    bashforth baum bayes beer bellman benford berry bertrand bessel bezier bezout biot blasius bloch bohr bollinger boltzmann
    bolzano bonferroni boole borel born bose boyle bragg brewster brillouin broca brownian burgess burgers cantor canny
    caratheodory carnot catalan catmull cauchy cayley cepheid chandrasekhar charpy chebyshev cherenkov cholesky chomsky church
    clapeyron clausius clebsch coase cobb cobb-douglas codd collatz compton condorcet conway cooley coriolis cournot coulomb
    cramer crohn cronbach curie cushing dalton darcy debye dedekind delaunay descartes dewey dickey diels dijkstra diophantine
    dirac dirichlet dodd doppler drake drosophila dunning durbin durkheim edgeworth ekman engel epstein erdos erlang euclid
    euler eustachian fallopian faraday fama feigenbaum fenwick fermat fermi feynman fibonacci fick fisher flory floyd fourier
    fredholm freytag friedel frobenius froude fubini fuller galerkin galois galton gantt gauss gaussian gettier gibbs giffen
    gini godel goldbach golgi gordan gram granger grassmann graves green greibach grignard grimm grover haber hadamard hagen
    hahn hall hamming harlow hardy hartree hausdorff hausman hawking heckman heckscher heisenberg helmholtz henle hermite
    hertz hertzsprung hess hessian hilbert hindley hoare hodgkin hohmann hooke hopf horner hough householder hox hubble
    huffman hume hund huntington husserl huygens ising jacobi jacobian jacquard jordan josephson josephus joule jung kalman
    kant kaplan kaposi karnaugh kepler keynes kirchhoff kleene klein knuth koch kohlberg koppen kripke kronecker krebs kruskal
    krylov kuiper kuleshov kupffer laffer lagrange lamarck lambert landau langerhans langevin langmuir laplace larmor laurent
    lebesgue legendre lenz levene levenshtein lewis liebig lie likert lindemann liouville lipschitz lorentz lorenz lotka
    lyapunov mach maclaurin mandelbrot markov maslow maxwell mealy meissner mendel mercator merkle mersenne michaelis
    michelson milankovitch milgram miller minkowski mobius modigliani mohr monge moore moran morse moulton mohs munsell myhill
    nash navier nernst nerode neumann newton neyman nikodym noether nusselt nyquist ockham occam ohm okazaki okun olbers oort
    ostwald otto padé pareto parkinson pascal pauli pavlov peano pearson pell peltier penrose perlin petri phillips phong
    piaget picard pigou planck poincare poincaré poiseuille poisson potts prandtl prim ptolemy punnett purkinje pythagoras
    quine rabin ramachandran raman ramsey rankine raoult raphson rawls rayleigh reynolds ricci riemann rorschach rossby runge
    runge-kutta russell rutherford sarbanes sarrus savitch schmidt gram-schmidt schottky schrodinger schrödinger schur schwann
    schwarz schwarzschild seebeck seidel seifert shannon shapiro shapley shor sierpinski simpson skinner slutsky snell sobel
    sobolev solow spearman stackelberg stefan stern stirling stokes strouhal stroop student sturm sylow sylvester tarski
    taylor thevenin timoshenko tobin torricelli tourette trendelenburg tschebyscheff tukey turing ulam vandermonde venn
    venturi verlet vickers vickrey viterbi vlasov voigt volterra voronoi vygotsky walras weber weierstrass weibull welch
    wernicke wheatstone whitney whorf wiener wigner wilcoxon wilks wishart wittig wolff wronskian yates young zeeman zeigarnik
    zeno zermelo zernike zipf zorn hempel fanon gramsci bourdieu foucault habermas goffman giddens merton parsons adorno lacan
    kristeva spivak latour luhmann arendt spinoza leibniz heidegger sartre husserl frege nozick parfit popper kuhn lakatos
    feyerabend mencius zhuangzi laozi nagarjuna avicenna averroes maimonides epicurus plotinus korematsu plessy miranda mapp
    gideon obergefell lochner marbury cartesian fulkerson steagall oxley bliley smoot hawley karp pratt douglas moses ohlin
    siegel wood-anderson dudley taft hartley gramm leach humphrey kripke steinhaus cantelli kolmogorov smirnov wallis hosmer
    lemeshow shockley cooper moivre cantor montessori froebel waldorf kodaly orff suzuki dalcroze laban stanislavski brecht
    meisner bartlett bloom gardner marzano vygotskian
"""
_BORROWED = """
    anthropocene holocene pleistocene pliocene miocene cretaceous jurassic triassic permian devonian ordovician cambrian
    ediacaran archean australopithecus neanderthal denisovan foraminifera trilobites ammonites arabidopsis xenopus danio
    listeria salmonella shigella giardia borrelia tractatus euthyphro meno gorgias crito phaedo phaedrus protagoras timaeus
    republic symposium leviathan upanishads vedas quran torah talmud tajweed gita ramayana mahabharata dao tao ching tripitaka
    dharma karma nirvana sufism zen koan ikigai kaizen kanban origami ukiyo haiku kanji kana hiragana katakana hangul pinyin
    kabuki noh taiko gamelan raga fado klezmer qawwali samba tango flamenco salsa zumba bachata reggaeton afrobeat kpop bossa
    nova ska zydeco dubstep ukulele marimba oboe cello didgeridoo theremin moog stradivari sushi ramen kimchi tofu kombucha
    kefir tempura biryani paella tiramisu baklava empanada gouda brie cheddar chardonnay merlot espresso gelato bechamel
    hollandaise ganache fondant pilates yoga zumba judo karate aikido capoeira taekwondo muay krav maga sumo chi tai qigong
    reiki feng shui bildungsroman leitmotif zeitgeist schadenfreude realpolitik blitzkrieg gestalt weltanschauung doppelganger
    chiaroscuro sfumato impasto bauhaus dada fauvism rococo baroque cubism deco nouveau el la niño niña nino nina monsoon
    tsunami typhoon karst moraine loess permafrost minimax dbscan kmeans vectoriser tokenizer quicksort mergesort heapsort
    hashmap linkedlist malloc strcpy printf regex lexer bison flex yacc gilgamesh beowulf decameron candide siddhartha
    rashomon persepolis maus watchmen akira casablanca vertigo amadeus tosca carmen giselle eroica bolero walden inferno
    purgatorio paradiso aeneid iliad odyssey kalevala edda antigone medea lysistrata oresteia pygmalion hamlet macbeth othello
    cordelia ophelia dracula frankenstein middlemarch ulysses gatsby persuasion emma rebecca passé composé der die das
    perestroika glasnost meiji taiping sepoy apartheid maoism jacobins girondins luddites chartists solidarity weimar ottoman
    habsburg sanskrit nahuatl quechua basque tagalog swahili farsi yiddish esperanto cyrillic braille cuneiform
"""
_CLIPPED = """
    biol microbio biochem chem phys anat physio orgo calc precalc trig alg geom stat stats econ macro micro psych soc anthro
    poli sci gov hist geog phil lit comp rhet comm mktg mgmt acctg fin eng engr mech elec thermo fluids kines nutr nurs pharm
    path neuro cog ling relig theo mus asst asgn assgn asgmt assmt disc wksht wkst prob exper chpt sect bibliog biblio evaluat
    eval pres prac prereq coreq resub intro prelab postlab prelabs postlabs precal apush apwh euro lang dbq frq mcq leq saq
"""
TERMS = frozenset(" ".join((_PROGRAMS, _BRANDS, _EPONYMS, _BORROWED, _CLIPPED)).split())
EPONYMS = frozenset(_EPONYMS.split())
CLIPPED = frozenset(_CLIPPED.split())
PROGRAMS = frozenset(_PROGRAMS.split())
STATES = frozenset(
    """
    unsubmitted submitted resubmitted graded ungraded not_graded regraded excused missing late unposted posted published
    unpublished pending_review pending complete incomplete in_progress untaken settings_only preview locked unlocked available
    unavailable active invited concluded unenrolled completed deleted claimed created overdue past_due none on_paper online
    online_upload online_text_entry online_url online_quiz external_tool basic_lti_launch media_recording student_annotation
    discussion_topic wiki_page calendar_event attendance pass_fail percent letter_grade gpa_scale points assignment quiz
    survey graded_survey practice_quiz announcement discussion module page subheader externalurl contextmodule modulesubheader
    workflow_state submission_types peer_review peer_reviews group_category rubric not_submitted speedgrader gradebook
    masterypaths eportfolio
    """.split()
)
NAMESAKES = frozenset(
    """
    cooper douglas dudley hartley humphrey moses pratt siegel adams adler abel akira amadeus atlas barr bartlett baum beer
    berry bertrand bloch bose boyle brecht burgess campbell canny carmen cassandra catia chanel claude cobb compton conway
    cooley cordelia dalton darcy das deere delaunay dewey dickey dodd drake dunning edda ekman emma engel ferrari fisher floyd
    fuller gardner georgia gibbs gideon giselle graves green grover gucci hagen hahn hall hardy harlow haskell heinz hoare
    hough isabelle jax jenkins jordan josephus julia khan klein koch kuhn lambert lang latour laurent lewis lorenz mach mario
    marvel maya merton miller miranda miro moody moore moran morse neumann newton nina nino otto parkinson parsons pascal
    pauli phil phillips picard pinto potts rebecca reynolds ricci ruby russell rust sage schmidt schwarz seidel seifert
    shannon simpson spring stefan stern sturm suzuki swift sylvester tai taylor theo tobin weber welch whitney wolff yates
    young zara zelda gordan raman ramsey scott petri stokes hume hess jung lenz mohr nash skinner
    """.split()
)
"""Those of ``TERMS`` that many people are called: terms only beside what is called after them ("Barr body", "Julia notebook")."""
CALLED_AFTER = frozenset(
    """
    aphasia area arithmetic attractor axiom axioms beam beams bodies body bound bounds box buckling buffer canals
    capsule case cases cell cells channel circuit classifier classifiers clock cloud coding compiler condenser
    constant convention coordinate cracks criteria curves daemon decoding demon deviation dilemma displacement domain
    domains dualism duality duopoly edges effect field fields flow forces form forms fractal fragments frame frames
    fusion game gas goods grammar grammars graph graphs group groups hardness heuristic hypothesis indices inequality
    intelligences interpolation junction kappa language languages layer levels line lines loom machine maneuver
    measure metric mode modes modules mosaic nets networks noise notation numbering numerals nuts ode oscillator palsy
    paralysis phenomenon postulates potential prior priors problem process property puzzle razor reflex representation
    ring rings rubric rules salts sarcoma score section sections semantics sequence sequences set sets shading sign
    signs sphere splines sponge stain stains star statistics stress strip structures subgroups surface surfaces swap
    syndrome system systems technique thesis transition tube tumor tumour values verbs wave waves well wells zone
    zones
    """.split()
)
"""What is called after somebody, beside ``eponyms.THINGS`` and WordNet's things: ideas, and verbs too."""
PROGRAM_PARTS = frozenset(
    "notebook notebooks script scripts package program programs code setup install sets level levels pipeline".split()
)
