"""The Ollama template of a Gemma-4 model whose system message names its tools."""

from __future__ import annotations

# $state: the last part of the open model turn ("" if none is open, words, calls, results). Words come before the calls of
# their message. A result without a call before it becomes a user turn, like that of an unreadable call in training.
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
