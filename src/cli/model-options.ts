import { type Command, InvalidArgumentError } from "commander";
import type { DataType } from "../graph/ir/graph.ts";

/** Types weights and state can be counted in. */
export const TYPES: readonly DataType[] = ["f32", "f16", "bf16", "f8e4m3", "f8e5m2", "f4e2m1", "i8", "i4"];

/** Adds the options that say at which sizes and in which types a model is looked at. */
export function addModelOptions(command: Command): Command {
  return command
    .option("--dtype <type>", `count weights and activations as ${TYPES.join(", ")} (default: what the configuration names, else bf16)`)
    .option("--kv-dtype <type>", "count keys, values and recurrent state as this type (default: as --dtype)")
    .option("--batch <n>", "sequences that run together (default: 1)", count)
    .option("--prompt <tokens>", "tokens of a prompt (default: 512, or what the model takes)", count)
    .option("--context <tokens>", "tokens of a sequence in a decode step (default: 4096, or what the model takes)", count)
    .option("--size <name=value>", "a size that a graph file leaves open; once for each", collected, [])
    .option(
      "--work <type=operations[,bytes]>",
      "what operators of a type of unknown work do: sums of products of numbers and sizes",
      collected,
      [],
    );
}

export function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("a whole number above 0 is wanted");
  return value;
}

export function collected(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

export function share(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value < 1)) throw new InvalidArgumentError("a share from 0 to below 1 is wanted");
  return value;
}
