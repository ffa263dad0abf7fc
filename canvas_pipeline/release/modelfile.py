"""Write the Ollama Modelfile of a release: how Ollama renders a conversation and parses the model's calls.

The rendered prompt equals ``evaluation.generate.prompt_text`` byte for byte (without the BOS, which Ollama adds).

Sources: ollama's ``template/template.go`` (variables, ``json``; consecutive messages of a role are joined first) and
``model/renderers``, which render the families' published templates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models.family import ModelFamily

CONTENT = "{{ .Content }}"
"""The text of a message in a Go template."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPrompt:
    """The system message that a model was trained with, if any, and how its tools are given.

    ``declared``: the chat template declares them. Otherwise a system message that names the tools starts with ``opening``, and
    ``catalogue`` are their names, for a request with tools and a system message of its own. ``note`` is a comment in the Modelfile;
    ``content`` is how the family's template writes the text of a message."""

    text: str
    declared: bool = False
    opening: str = ""
    catalogue: str = ""
    note: str = ""
    content: str = CONTENT


def requests(before: str, after: str, *, reply: str = "") -> SystemPrompt:
    """Return the prompt of a model without a system message, whose requests stand between ``before`` and ``after`` in training.

    ``reply`` begins every reply."""
    turn = f'{{{{ if eq .Role "assistant" }}}}{reply}{CONTENT}{{{{ else }}}}{before}{CONTENT}{after}{{{{ end }}}}'
    return SystemPrompt(text="", content=turn)


def modelfile(gguf_name: str, family: ModelFamily, prompt: SystemPrompt) -> str:
    """Write an Ollama Modelfile for one of the files.

    A model whose tools are declared gets Ollama's own renderer of the family; one whose system message names the tools gets a
    template that names them too. Raises ``BadInput`` where the system message cannot be quoted."""
    if '"""' in prompt.text:
        raise BadInput('the system message holds """, which a Modelfile cannot quote')
    facts = family.ollama
    if prompt.declared and facts.renderer is not None:
        rendering = (
            "# The family's own renderer: it declares the tools of a request and renders calls and results as in training.\n"
            f"RENDERER {facts.renderer}\n"
        )
    else:
        bos = f"# {family.bos} is added by the runtime.\n" if family.bos else ""
        rendering = f'{bos}TEMPLATE """{template(family, prompt)}"""\n'
    reading = (
        "# Calls come back as tool_calls; the model was trained without thoughts. It takes a runtime that knows this family.\n"
        f"PARSER {facts.parser}\n\n"
        if facts.parser
        else ""
    )
    note = f"# {prompt.note}\n" if prompt.note else ""
    system = f'SYSTEM """{prompt.text}"""' if prompt.text else "# The model was trained without a system message."
    # The end of text last, since the other stops are more informative.
    ends = sorted(family.stops, key=lambda stop: stop == family.end_of_text)
    stops = "\n".join(f"PARAMETER stop {stop}" for stop in ends)
    return f"""FROM ./{gguf_name}

{rendering}
{reading}{note}{system}

# A turn ends after an answer, after calls, or with the text; calls are read greedily.
{stops}
PARAMETER temperature 0
"""


def template(family: ModelFamily, prompt: SystemPrompt) -> str:
    """Return the family's Go template with the prompt's texts."""
    text = family.ollama.template.replace(CONTENT, prompt.content)
    values = {"@OPENING@": prompt.opening, "@LENGTH@": str(len(prompt.opening)), "@CATALOGUE@": prompt.catalogue}
    return re.sub("|".join(values), lambda place: values[place.group()], text)
