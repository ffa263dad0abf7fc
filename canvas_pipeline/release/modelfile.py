"""The Ollama Modelfile of a release: how that runtime renders a conversation and reads the model's calls.

In: the GGUF's name, its family, the system message the model was trained with, how its tools were declared. Out: the
Modelfile's text. What must hold: the rendered prompt is ``bench.generate.prompt_text`` byte for byte (without the BOS, which
the runtime adds).

Sources: ollama's ``template/template.go`` (the variables, ``json``; consecutive messages of a role are joined before) and
``model/renderers``, which render the families' published templates.
"""

from __future__ import annotations

import re

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models.family import ModelFamily
from canvas_pipeline.tracks.canvas.tools.prompt import OPENING, Declaration, catalogue


def modelfile(gguf_name: str, family: ModelFamily, system: str, declaration: Declaration) -> str:
    """An Ollama Modelfile for one of the files. ``system`` is the system message the model was trained with
    (``tools.prompt.system_message``); it names the reference instant, so a user replaces it when asking on another day.

    A model that was trained with ``native`` declarations gets the runtime's own renderer; one that knows its tools from the
    system message's catalogue gets a template, which names them too where a request has tools and a system message of its
    own. Raises ``BadInput`` where the system message cannot be quoted."""
    if '"""' in system:
        raise BadInput('the system message holds """, which a Modelfile cannot quote')
    facts = family.ollama
    if declaration == "native" and facts.renderer is not None:
        rendering = (
            "# The family's own renderer: it declares the tools of a request and renders calls and results as in training.\n"
            f"RENDERER {facts.renderer}\n"
        )
    else:
        bos = f"# {family.bos} is added by the runtime.\n" if family.bos else ""
        rendering = f'{bos}TEMPLATE """{template(family)}"""\n'
    reading = (
        "# Calls come back as tool_calls; the model was trained without thoughts. It takes a runtime that knows this family.\n"
        f"PARSER {facts.parser}\n\n"
        if facts.parser
        else ""
    )
    # The end of text last: the other stops are what a reader looks for.
    ends = sorted(family.stops, key=lambda stop: stop == family.end_of_text)
    stops = "\n".join(f"PARAMETER stop {stop}" for stop in ends)
    return f'''FROM ./{gguf_name}

{rendering}
{reading}# "Now" is the instant the examples refer to: replace it (`/set system …`) when you ask.
SYSTEM """{system}"""

# A turn ends after an answer, after calls, or with the text; calls are read greedily.
{stops}
PARAMETER temperature 0
'''


def template(family: ModelFamily) -> str:
    """The Go template of a model that knows its tools from the catalogue."""
    values = {"@OPENING@": OPENING, "@LENGTH@": str(len(OPENING)), "@CATALOGUE@": catalogue()}
    return re.sub("|".join(values), lambda place: values[place.group()], family.ollama.template)
