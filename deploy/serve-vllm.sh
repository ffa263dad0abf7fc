#!/bin/sh
# Serve one checkpoint with vLLM on 127.0.0.1: deploy/serve-vllm.sh MODEL NAME PORT SHARE
#
# MODEL is a folder of weights, NAME the only name under which it answers, SHARE the part of the memory that CPU and GPU share on a
# GB10 (vLLM takes it at once, for weights and cache together). The bench starts this by itself: deploy/README.md, "vLLM".
set -eu
model=$1 name=$2 port=$3 share=$4
vllm=${VLLM:-$(dirname "$0")/../.venv-teacher/bin/vllm}
export HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1
# The folder's own published template, named so that a folder without one is an error and not another template. The parser is
# compared with the project's own by evaluation.tool_parser. Prompts of one profile share their beginning: the cache keeps it.
exec "$vllm" serve "$model" --served-model-name "$name" --host 127.0.0.1 --port "$port" \
    --gpu-memory-utilization "$share" --max-model-len "${VLLM_MAX_MODEL_LEN:-4096}" --enable-prefix-caching --seed 0 \
    --chat-template "$model/chat_template.jinja" --enable-auto-tool-choice --tool-call-parser "${VLLM_TOOL_PARSER:-gemma4}"
