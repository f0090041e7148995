"""One estimate of AIConfigurator at the mean lengths of a trace: what it can say of such a run.

Prints one line of JSON: CPU seconds of the command (its start included), no requests, the figures it gave.
"""

import csv
import json
import os
import re
import resource
import subprocess
import sys
import tempfile

MODEL = {
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "hidden_act": "silu",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "max_position_embeddings": 131072,
    "model_type": "llama",
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-05,
    "rope_theta": 500000.0,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "vocab_size": 128256,
}


def main():
    with open(sys.argv[1]) as file:
        rows = list(csv.DictReader(file))
    mean = {name: sum(int(row[name]) for row in rows) // len(rows) for name in ("num_prefill_tokens", "num_decode_tokens")}
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "config.json"), "w") as file:
            json.dump(MODEL, file)
        command = [os.path.join(os.path.dirname(sys.executable), "aiconfigurator"), "cli", "estimate"]
        options = {"model-path": folder, "system": "h200_sxm", "backend": "vllm", "batch-size": "8", "tp-size": "1"}
        options |= {"isl": str(mean["num_prefill_tokens"]), "osl": str(mean["num_decode_tokens"])}
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        run = subprocess.run(command + arguments, capture_output=True, text=True)
    found = dict(re.findall(r"(TTFT|TPOT):\s+([\d.]+ ms)", run.stdout + run.stderr))
    if "TPOT" not in found:
        raise SystemExit((run.stdout + run.stderr).strip().split("\n")[-1])
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    text = f"Llama-3.1-8B on one H200, 8 at a time: TTFT {found.get('TTFT')}, TPOT {found['TPOT']}"
    print(json.dumps({"seconds": usage.ru_utime + usage.ru_stime, "requests": 0, "text": text}))


main()
