"""Draw titles of words that mostly do not exist, for the training of the embedded base: they can only be copied."""

from __future__ import annotations

import random

from canvas_pipeline.tracks.canvas.intake.synthetic.curriculum import FORMS, SUBJECTS

_STARTS = "b br c ch cl d dr f fl g gl h j k l m n p pl qu r s sh sk st t th tr v w z".split()
_MIDDLES = "a e i o u ai ea ee oo ou".split()
_ENDS = ["", "n", "l", "r", "s", "t", "x", "nd", "rk", "sh", "m", "ck"]


def drawn_title(rng: random.Random) -> str:
    """Draw a title of words that mostly do not exist, which can only be copied."""
    known = [word for subject in SUBJECTS for topic in subject.topics for word in topic.split()]
    words = []
    for _ in range(rng.randint(1, 3)):
        syllables = "".join(
            rng.choice(_STARTS) + rng.choice(_MIDDLES) + rng.choice(_ENDS) for _ in range(rng.choice((1, 2, 2)))
        )
        words.append(rng.choice(known) if rng.random() < 0.5 else syllables.capitalize())
    template = rng.choice(FORMS)[0]
    title = template.format(t=" ".join(words), n=rng.randint(1, 40))
    return title if rng.random() < 0.6 else " ".join(words)
