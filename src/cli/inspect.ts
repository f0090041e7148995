import { type Command, InvalidArgumentError } from "commander";
import { HeddleError } from "../base/heddle-error.ts";
import { KNOWN_FAMILIES } from "../graph/architecture/config/read-architecture.ts";
import { type DataType, ELEMENT_BYTES } from "../graph/ir/graph.ts";
import { inspect } from "../inspect/inspection.ts";
import { inspectionText } from "./inspect-report.ts";
import { openInspectSource } from "./inspect-source.ts";
import { printResult } from "./output.ts";

interface InspectFlags {
  readonly dtype?: string;
  readonly kvDtype?: string;
  readonly batch: number;
  readonly prompt?: number;
  readonly context?: number;
  readonly operators?: boolean;
  readonly json?: boolean;
}

/** Types weights and state can be counted in. */
const TYPES: readonly DataType[] = ["f32", "f16", "bf16", "f8e4m3", "f8e5m2", "f4e2m1", "i8", "i4"];

/** Families a line of help holds. */
const FAMILIES_PER_LINE = 9;

const HELP = `
Reads a config.json, a Hugging Face folder (with or without weights) or a GGUF file, and tells parameters, bytes of weights and state, and for
a prefill and a decode step the operations and bytes of every part. Nothing is run or measured. Where weights are there, their tensors are
counted and held against the configuration.

Families (model_type):
${familyLines()}

Examples:
  heddle inspect config.json
  heddle inspect ~/models/DeepSeek-V3 --dtype f8e4m3 --batch 128 --context 8192
  heddle inspect model.gguf --operators
  heddle inspect config.json --json | jq .parameters.total`;

function familyLines(): string {
  const lines: string[] = [];
  for (let at = 0; at < KNOWN_FAMILIES.length; at += FAMILIES_PER_LINE) {
    lines.push(`  ${KNOWN_FAMILIES.slice(at, at + FAMILIES_PER_LINE).join(" ")}`);
  }
  return lines.join("\n");
}

/** Adds `heddle inspect`. */
export function addInspectCommand(program: Command): void {
  program
    .command("inspect")
    .description("Tell what a model is made of and what its runs cost, from its configuration alone.")
    .argument("<model>", "config.json, Hugging Face folder or GGUF file")
    .option("--dtype <type>", `count weights and activations as ${TYPES.join(", ")} (default: what the configuration names, else bf16)`)
    .option("--kv-dtype <type>", "count keys, values and recurrent state as this type (default: as --dtype)")
    .option("--batch <n>", "sequences that run together", count, 1)
    .option("--prompt <tokens>", "tokens of a prompt (default: 512, or what the model takes)", count)
    .option("--context <tokens>", "tokens of a sequence in a decode step (default: 4096, or what the model takes)", count)
    .option("--operators", "also a row for every operator, with formulas")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action((path: string, flags: InspectFlags) => {
      const { name, architecture, stored } = openInspectSource(path);
      const type = typeFrom("--dtype", flags.dtype) ?? architecture.type ?? "bf16";
      const { batch, prompt, context } = flags;
      const kvType = typeFrom("--kv-dtype", flags.kvDtype) ?? type;
      const inspection = inspect(architecture, { name, type, kvType, batch, prompt, context });
      const report = { stored, operators: flags.operators === true };
      printResult(flags.json === true, { ...inspection, stored }, () => inspectionText(inspection, report));
    });
}

function typeFrom(flag: string, text: string | undefined): DataType | undefined {
  if (text === undefined) return undefined;
  const known = TYPES.find((type) => type === text && ELEMENT_BYTES[type] > 0);
  if (known === undefined) throw new HeddleError("usage", { where: `${flag} ${text}`, detail: `possible: ${TYPES.join(", ")}` });
  return known;
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("a whole number above 0 is wanted");
  return value;
}
