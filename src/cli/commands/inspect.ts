import type { Command } from "commander";
import { KNOWN_FAMILIES } from "../../graph/architecture/config/known-families.ts";
import { RESERVE_DEFAULT } from "../../inspect/classify/state-budget.ts";
import { addModelOptions, share } from "../model-options.ts";
import { lazyAction } from "./lazy-action.ts";

/** Families a line of help holds. */
const FAMILIES_PER_LINE = 9;

const HELP = `
Reads a config.json, a Hugging Face folder (with or without weights) or a GGUF file, or knows the model by name, and tells parameters, bytes of weights and state, and for
a prefill and a decode step the operations and bytes of every part. Nothing is run or measured. Where weights are there, their tensors are
counted and held against the configuration.

An ONNX model is read operator by operator, without its weights, and told in one run at given sizes. Sizes it leaves open have the names its
inputs give them: --size name=value, or --batch, --prompt (new tokens) and --context where the model names these in the usual ways. Sizes not
given have defaults, which are printed: batches 1; of a model that carries keys and values 1 new token at a context of 4096; images 224; all
others 128 (or 1024 or 16384 where the model takes no less). Operators whose work is not known are listed, never counted as none. A .pt2 archive of
torch.export is read the same way, with PyTorch's names of sizes (s77); a Chakra trace (.et) tells the run it was taken of.

What operators of unknown work do (custom ones above all) can be stated: --work my_op=2*batch*tokens*4096, or with the bytes they move behind a comma.

Families (model_type):
${familyLines()}

Examples:
  heddle inspect DeepSeek-V3
  heddle inspect config.json
  heddle inspect ~/models/DeepSeek-V3 --dtype f8e4m3 --batch 128 --context 8192
  heddle inspect model.gguf --operators
  heddle inspect model.onnx --size height=640 --size width=640
  heddle inspect config.json --json | jq .parameters.total
  heddle inspect config.json --rack examples/racks/unlike-devices.yaml --html page.html`;

function familyLines(): string {
  const lines: string[] = [];
  for (let at = 0; at < KNOWN_FAMILIES.length; at += FAMILIES_PER_LINE) {
    lines.push(`  ${KNOWN_FAMILIES.slice(at, at + FAMILIES_PER_LINE).join(" ")}`);
  }
  return lines.join("\n");
}

/** Adds `heddle inspect`. */
export function addInspectCommand(program: Command): void {
  const command = program
    .command("inspect")
    .description("Tell what a model is made of and what its runs cost, from its configuration or graph alone.")
    .argument(
      "<model>",
      "config.json, Hugging Face folder, GGUF or ONNX file, .pt2 archive, Chakra trace, or the name of a known model (Llama-3.1-8B)",
    );
  addModelOptions(command)
    .option("--operators", "also a row for every operator, with formulas")
    .option("--rack <file>", "also where the time goes on every device of a rack file, and why; and the sequences its memory holds")
    .option("--reserve <share>", `share of a memory kept for activations and the runtime (default: ${RESERVE_DEFAULT})`, share)
    .option("--html <file>", "write a page with the graph, the roofline and all tables: one file, opened without a network")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(lazyAction(async () => (await import("../inspect.ts")).inspectCommand));
}
