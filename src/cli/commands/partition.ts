import { type Command, InvalidArgumentError, Option } from "commander";
import { RESERVE_DEFAULT } from "../../inspect/classify/state-budget.ts";
import { addModelOptions, collected, share } from "../model-options.ts";
import { lazyAction } from "./lazy-action.ts";

const SECONDS_DEFAULT = 10;
const HELP = `
Every operator of the model gets a device, so that samples follow one another as fast as may be (throughput: the busiest device decides) or one
sample is through as soon as may be (latency). Times are roofline estimates from the rack file's figures, transfers are latency + bytes / bandwidth of
each device's best link; a part that devices share is held whole by each of them; weights, constants and state must find room. Operators that touch the same state share a device. The result says how good it
is: a lower bound that no placement beats, and the gap to it. Ctrl-C ends the search with the best so far.

Patterns are globs over the operators' names (\`heddle inspect --operators\` lists them): * is any text, ? any character. A pin to where an operator cannot run (its driver, where it is
installed and the model an ONNX file, refuses it; there is no peak for its type, or no room) is an error. The result says what each --pin,
--forbid and --together costs: the search is run again without it.

Devices of the rack that share cores are alternatives: the best of the largest sets without overlap is taken, and the others are listed.

Examples:
  heddle partition config.json --rack examples/racks/unlike-devices.yaml --phase prefill
  heddle partition model.onnx --rack rack.yaml --objective latency --seconds 30
  heddle partition config.json --rack rack.yaml --pin 'embedding.*=xeon' --together 'layers.3.*' --forbid '*.attention*=npu'
  heddle partition config.json --rack rack.yaml --replicate
  heddle partition config.json --rack rack.yaml --devices h100,l40s --json -o placement.json`;

/** Adds `heddle partition`. */
export function addPartitionCommand(program: Command): void {
  const command = program
    .command("partition")
    .description("Cut a model's graph over the devices of a rack, with a proof of how good the cut is.")
    .argument("<model>", "what `heddle inspect` takes")
    .requiredOption("--rack <file>", "rack file");
  addModelOptions(command)
    .addOption(new Option("--objective <name>", "what is made small").choices(["throughput", "latency"]).default("throughput"))
    .option("--contiguous", "only cuts into parts that follow one another: one stage a device")
    .option("--replicate", "as --contiguous, and several like devices may share a part, taking runs in turns (throughput)")
    .option("--phase <name>", "run it is cut for: prefill, decode or run (default: the model's last)")
    .option("--devices <ids>", "only these devices of the rack, separated by commas")
    .option("--reserve <share>", "share of a memory kept for activations and the runtime", share, RESERVE_DEFAULT)
    .option("--pin <pattern=device>", "operators that must run on a device; repeatable", collected, [])
    .option("--forbid <pattern=device>", "operators that must not run on a device; repeatable", collected, [])
    .option("--together <patterns>", "operators that share a device, patterns separated by commas; repeatable", collected, [])
    .option("--seconds <n>", "longest search", seconds, SECONDS_DEFAULT)
    .option("--moves <n>", "most moves of each search; where they end it before the time does, every machine has the same answer", moves)
    .option("--seed <n>", "seed of the search", seed, 1)
    .option("-o, --output <file>", "write the placement of every operator here (JSON)")
    .option("--html <file>", "write a page with the graph, coloured by device, and all that `heddle inspect --html` shows")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(lazyAction(async () => (await import("../partition.ts")).partition));
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value > 0 && value <= 86_400)) throw new InvalidArgumentError("seconds above 0, up to 86400, are wanted");
  return value;
}

function moves(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("a whole number above 0 is wanted");
  return value;
}

function seed(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError("a whole number is wanted");
  return value;
}
