"""Wordings beyond one request: two requests joined, and remarks after an answer that need no tool.

A joiner's slots are ``{first}`` and ``{second}``. Before a capital letter, a digit or the next slot ``{first}`` is a sentence with
its end, elsewhere it is a part of one, without an end. What needs a call after an answer is in ``continued`` and ``corrected``."""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline.tracks.canvas.examples.phrasings.wording import Wording, wordings

JOINERS: tuple[Wording, ...] = wordings(
    "several",
    train=(
        "{first} Also, {second}", "{first} And {second}", "{first} and {second}", "{first}, and {second}",
        "{first}, then {second}", "{first} and then {second}", "{first} and also {second}", "{first}, also {second}",
        "{first} Then {second}", "Two things: {first} {second}", "Two things: {first} and {second}",
        "{first} Besides, {second}", "{first} [Also|Plus]: {second}", "{first} Another thing: {second}",
        "[I have two questions|Two questions]. {first} {second}", "First question: {first} Second question: {second}",
        "{first} [At the same time|And at the same time], {second}", "Do both: {first} {second}",
        "{first} On top of that, {second}", "{first} Apart from that, {second}", "1) {first} 2) {second}",
        "1. {first} 2. {second}", "{first} While you are at it, {second}", "{first}; {second}", "{first} {second}",
        "First, {first} Then, {second}", "First {first}, then {second}", "{first}, plus {second}", "{first} Oh and {second}",
        "{first} oh and also {second}", "{first} After that, {second}", "{first} When you're done, {second}",
        "{first} y {second}", "{first} Und {second}", "I need two things: {first} {second}", "{first} & {second}",
        "{first} + {second}", "{first} Btw, {second}",
    ),
    bench=(
        "{first} In addition, {second}", "I need two things. {first} And also {second}", "{first} Together with that, {second}",
        "Please do these two: {first} {second}", "{first} One more thing: {second}", "{first} Next, {second}",
        "{first} as well as {second}", "A) {first} B) {second}", "{first}, next {second}", "{first} Furthermore, {second}",
        "To begin with, {first} Second, {second}", "{first} Once you have that, {second}", "{first} et {second}",
        "{first} My other question: {second}", "{first} Finally, {second}", "{first} Last thing: {second}",
        "Both of these: {first} as well as {second}",
    ),
)  # fmt: skip

REMARKS: Mapping[str, tuple[Wording, ...]] = {
    "repeat": wordings(
        "repeat",
        train=(
            "[Sorry, what|What] was that?", "[Can|Could] you [repeat that|say that again]?", "Say that again", "Once more",
            "[Wait, what|What] did you say?", "Repeat that [for me|please|]", "[Pardon|Sorry|What|Huh]?",
            "I [did not|didn't] get that", "I [didn't|don't] understand", "What was it again?", "Tell me again",
            "[And in short|In short|In one sentence]?", "So what is the result?", "Again?", "[Again|One more time] please",
            "I [forgot|lost] what you said", "I closed the window, what was it?", "Too fast, again please",
            "[Can|Could] you [tell|show] me that again?", "[Can|Could] I have that again?", "Qué?", "Wie bitte?",
            "Otra vez please", "What do you mean?", "So what does that mean[ in short|]?", "Say it in other words",
            "[I can't|Can't] find it any more, what did you say?",
        ),
        bench=(
            "I missed that, what did you say?", "Come again?", "Could you tell me that once more?", "Please say it again",
            "What was the answer again?", "I was not listening, what is it?", "Repeat your last answer", "I don't follow",
            "Let me hear it a second time", "Quoi?", "And that means what?", "The short version?",
            "Could you put that more simply?",
        ),
    ),
    "thanks": wordings(
        "thanks",
        train=(
            "Thanks", "[Thank you|Thanks a lot|Thanks a bunch]", "[Great|Perfect|Cool|Good], thanks",
            "[Great|Perfect|Cool|Good], thank you", "Thanks, that helps", "Thanks, [that's all|that's it|that was all]",
            "That is all, thank you", "Nice, thank you", "[Thx|Ty|Tysm]", "Many thanks", "Ok thanks",
            "[Ok|Okay|Alright] thank you", "[Awesome|Super|Perfect|Amazing]", "[Gracias|Danke|Merci]", "Muchas gracias",
            "Vielen Dank", "That's [good|great|what I needed]", "[Exactly|Just] what I needed",
            "Thanks, [I'm good now|I'm all set]", "[Oh|Ah] [great|good|nice|perfect]", "[Oh|Ah] thanks",
            "Thanks, you're the best", "Thanks [man|friend|mate]", "[Cool|Nice|Good|Great] [cool|stuff|]",
            "Perfect, that helps [a lot|]", "Love it, thanks", "Yay, thanks",
        ),
        bench=(
            "Thank you so much", "Wonderful, thanks a lot", "Good, this is of help", "Brilliant, I appreciate it",
            "Very good, thank you very much", "This helps, thank you", "Thanks, that is clear", "Super, danke dir",
            "Ok great, that was quick", "You're an angel", "Merci bien", "Good answer", "Thank you, I know enough now",
        ),
    ),
    "sure": wordings(
        "sure",
        train=(
            "Are you sure?", "Are you [really|very] sure[ about that|]?", "Is that [right|correct|true]?", "Really?",
            "[Sure|You sure|For sure|Seriously]?", "Is this up to date?", "Can I [trust|rely on] that?",
            "And that is everything?", "Is that [all|it]?", "No way", "[Hm|Hmm], really?",
            "Is [it|this] [right|correct|true|current]?", "That [can't|cannot] be right", "That [looks|sounds|seems] wrong",
            "Is that from Canvas?", "Where do you [have|know] that from?", "How do you know?",
            "Did you [really|actually] look?", "[And|So] [that's|this is] all?", "Nothing more?", "Seguro?", "Wirklich?",
            "Are you making that up?", "Is that the [newest|latest] [data|information]?",
            "[I thought|I think] it was different", "I don't [believe|trust] that", "So [there's|there is] nothing else?",
        ),
        bench=(
            "Are you certain about that?", "Is that really correct?", "Was that everything?", "Did Canvas say so?",
            "You are not wrong, are you?", "Hm, that seems strange", "That's surprising, is it true?",
            "Have you looked at everything?", "Vraiment?", "I doubt that", "Can you be trusted with this?",
            "So this is the complete answer?",
        ),
    ),
    "done": wordings(
        "done",
        train=(
            "[Ok|Okay], [that is all|nothing else|that's it]", "[Good|Fine|Ok], I am done", "No more questions",
            "[Bye|Goodbye|See you|Bye bye|Ciao]", "That was all", "Never mind [the rest|]", "Nothing else [for now|today|]",
            "Ok, [got it|noted]", "[Ok|Okay|Alright|Fine|Right]", "[Got it|Noted|I see|Makes sense|Clear]",
            "[Ok|Okay] [cool|good|great|fine|nice]", "That's [all|it|enough] [for now|for today|]",
            "[I'm|I am] [done|finished|all set] [for today|for now|]", "I have to go now", "Gotta go, bye",
            "See you [tomorrow|later|next time]", "Talk to you later", "Good night", "[No|Nope], that's [all|it]",
            "[No|Nope], nothing else", "Leave it like that", "[Hasta luego|Tschüss|Adiós]",
            "[Have|Enjoy] a [nice|good] [day|evening|weekend]", "[Hm|Mhm|Aha] ok", "That'll do", "I know what to do now",
        ),
        bench=(
            "That is everything I needed", "Okay, bye", "Good, nothing more for now", "Understood", "We are done here",
            "So long, until next week", "My bus is here, I'm leaving", "I'll stop here", "Au revoir", "Sleep well",
            "Fine by me", "Alles klar", "I have no other questions",
        ),
    ),
}  # fmt: skip
