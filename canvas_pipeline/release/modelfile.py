"""The Ollama Modelfile of a release: how that runtime renders a conversation and reads the model's calls.

In: the GGUF's name, the system message the model was trained with, how its tools were declared. Out: the Modelfile's text.
What must hold: the rendered prompt is ``bench.generate.prompt_text`` byte for byte (without ``<bos>``, which the runtime adds).

Sources: ollama's ``template/template.go`` (the variables, ``json``; consecutive messages of a role are joined before) and
``model/renderers/gemma4.go``, which renders the family's published template.
"""

from __future__ import annotations

import re

from canvas_pipeline.errors import BadInput
from canvas_pipeline.release.quant_check import STOPS
from canvas_pipeline.tools.prompt import OPENING, Declaration, catalogue

RENDERER = """\
# The family's own renderer: it declares the tools of a request and renders calls and results as in training.
RENDERER gemma4
"""

# $state: what the open model turn holds last ("" none is open, words, calls, results). Words stand before the calls of their
# message. A result without a call before it is told as a user turn, like an unreadable call's in training.
TEMPLATE = """\
{{- define "value" }}{{ $json := json . }}{{ $first := printf "%.1s" $json }}
{{- if eq $first `"` }}<|"|>{{ . }}<|"|>
{{- else if eq $first "{" }}{{ "{" }}{{ template "pairs" . }}{{ "}" }}
{{- else if eq $first "[" }}[{{ range $i, $item := . }}{{ if $i }},{{ end }}{{ template "value" $item }}{{ end }}]
{{- else }}{{ $json }}{{ end }}{{ end }}
{{- define "pairs" }}{{ $comma := "" }}
{{- range $key, $value := . }}{{ $comma }}{{ $key }}:{{ template "value" $value }}{{ $comma = "," }}{{ end }}{{ end }}
{{- $named := eq (printf "%.@LENGTH@s" .System) "@OPENING@" }}
{{- if or .System .Tools }}<|turn>system
{{ if and .Tools (not $named) }}@OPENING@ @CATALOGUE@{{ if .System }} {{ end }}{{ end }}{{ .System }}<turn|>
{{ end }}
{{- $state := "" }}
{{- range .Messages }}
{{- if eq .Role "user" }}
{{- if eq $state "calls" }}<|tool_response>{{ else if $state }}<turn|>
{{ end }}<|turn>user
{{ .Content }}<turn|>
{{ $state = "" }}
{{- else if eq .Role "assistant" }}
{{- if eq $state "calls" }}<|tool_response>{{ else if not $state }}<|turn>model
{{ end }}{{ .Content }}{{ $state = "words" }}
{{- range .ToolCalls }}<|tool_call>call:{{ .Function.Name }}{{ "{" }}{{ template "pairs" .Function.Arguments }}{{ "}" }}<tool_call|>
{{- $state = "calls" }}{{ end }}
{{- else if eq .Role "tool" }}{{ $name := or .ToolName "unknown" }}
{{- if or (eq $state "calls") (eq $state "results") }}<|tool_response>response:{{ $name }}{{ "{" }}value:<|"|>
{{- .Content }}<|"|>{{ "}" }}<tool_response|>{{ $state = "results" }}
{{- else }}{{ if $state }}<turn|>
{{ end }}<|turn>user
Tool message from {{ $name }}: {{ .Content }}<turn|>
{{ $state = "" }}{{ end }}
{{- end }}{{ end }}
{{- if eq $state "calls" }}<|tool_response>{{ else if ne $state "results" }}{{ if $state }}<turn|>
{{ end }}<|turn>model
{{ end }}"""


def modelfile(gguf_name: str, system: str, declaration: Declaration) -> str:
    """An Ollama Modelfile for one of the files. ``system`` is the system message the model was trained with
    (``tools.prompt.system_message``); it names the reference instant, so a user replaces it when asking on another day.

    A model that was trained with ``native`` declarations gets the runtime's own renderer; one that knows its tools from the
    system message's catalogue gets a template, which names them too where a request has tools and a system message of its
    own. Raises ``BadInput`` where the system message cannot be quoted."""
    if '"""' in system:
        raise BadInput('the system message holds """, which a Modelfile cannot quote')
    rendering = (
        RENDERER if declaration == "native" else f'# <bos> is added by the runtime.\nTEMPLATE """{template()}"""\n'
    )
    stops = "\n".join(f"PARAMETER stop {stop}" for stop in STOPS)
    return f'''FROM ./{gguf_name}

{rendering}
# Calls come back as tool_calls; the model was trained without thoughts. It takes a runtime that knows this family.
PARSER gemma4-no-thinking

# "Now" is the instant the examples refer to: replace it (`/set system …`) when you ask.
SYSTEM """{system}"""

# A turn ends after an answer, after calls, or with the text; calls are read greedily.
{stops}
PARAMETER temperature 0
'''


def template() -> str:
    """The Go template of a model that knows its tools from the catalogue."""
    values = {"@OPENING@": OPENING, "@LENGTH@": str(len(OPENING)), "@CATALOGUE@": catalogue()}
    return re.sub("|".join(values), lambda place: values[place.group()], TEMPLATE)
