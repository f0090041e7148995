import { type Command, Option } from "commander";
import { HeddleError } from "../../base/heddle-error.ts";
import { collected, count } from "../model-options.ts";
import { lazyAction } from "./lazy-action.ts";

const HELP = `
The graph is cut into stages, each of which goes to the device that is predicted to end it first; what a device was never given before is predicted from
the rack file, and measured as it runs. Inputs are .npy files, or JSON with nested lists of numbers; --random makes up what is not given.

Examples:
  heddle execute model.onnx --rack rack.yaml --random 1 --repeat 5
  heddle execute model.onnx --rack rack.yaml --input image=cat.npy --trace run.json    (open run.json in ui.perfetto.dev)
  heddle execute model.onnx --rack rack.yaml --random 1 --pin '/layer1/*=npu' --json`;

/** Adds `heddle execute`. */
export function addExecuteCommand(program: Command): void {
  program
    .command("execute")
    .description("Run an ONNX model on a rack's devices, cut into stages, and say where each ran and how long it took.")
    .argument("<model>", "ONNX file")
    .option("--rack <file>", "rack file; this machine when absent")
    .option("--input <name=file>", "an input of the graph, .npy or .json; repeatable", collected, [])
    .option("--random <seed>", "make up inputs that are not given", seed)
    .option("--size <name=value>", "a size of inputs that are made up; repeatable", collected, [])
    .option("--repeat <n>", "runs, one after another", count, 1)
    .option("--pin <pattern=device>", "operators that must run on a device; repeatable", collected, [])
    .option("--trace <file>", "write a timeline for Perfetto or chrome://tracing")
    .option("--ledger [folder]", "keep every event and decision for `heddle replay`")
    .option("-o, --output <folder>", "write outputs as .npy files")
    .addOption(new Option("--isolation <kind>", "where devices run").choices(["process", "thread", "inline"]).default("process"))
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(lazyAction(async () => (await import("../execute.ts")).execute));
}

function seed(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < 0)
    throw new HeddleError("usage", { where: "--random", detail: "a whole number is wanted" });
  return value;
}
