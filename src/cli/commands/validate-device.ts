import type { Command } from "commander";
import { collected } from "../model-options.ts";
import { lazyAction } from "./lazy-action.ts";

/** Compilers of large stages take their time. Units: s. */
const LIMIT = "120";
const TEXT =
  "A loom holds the warp under tension while the weft is passed through it. The heddle lifts some threads and leaves others, so that the shuttle finds its way; " +
  "what is lifted, and when, is the pattern. A machine made of unlike parts is woven in the same way.";

const HELP = `
Holds a device against a reference and against its own description: every operator it accepts of a table of small cases (odd sizes, several types), every
distinct operator and the outputs of --model, tokens of a decoder (GGUF, Hugging Face folder), the same bits over runs, a row alone and among others,
memory (limit, leaks), refusals, and speed. Operators that the device refuses are no failure; what it accepts must compile, run and be right. How far a
result may be off follows from the formats the device says it computes in.

<device> is an id of the rack file; without --rack it is a driver, or driver:target (ort:webgpu). Results of emulated devices say nothing of the
accuracy of those they are named after.

Exit status: 0 where no check failed, 1 where one did; others as for every command.

Examples:
  heddle validate-device ort-wasm
  heddle validate-device dataflow --rack examples/racks/emulated-desk.yaml --html dataflow.html
  heddle validate-device ort-wasm --model model.onnx --size batch=3 --json`;

/** Adds `heddle validate-device`. */
export function addValidateDeviceCommand(program: Command): void {
  program
    .command("validate-device")
    .description("Hold a device against a reference and against its own description, check by check.")
    .argument("<device>", "id in the rack file, or a driver")
    .option("--rack <file>", "rack file that describes the device")
    .option("--model <file>", "also this ONNX model or decoder (GGUF, Hugging Face folder)")
    .option("--size <name=n>", "a size that the ONNX model leaves open (default: 2); once for each", collected, [])
    .option("--text <text>", "text that a decoder is given", TEXT)
    .option("--reference <device>", "what it is held against: an id in the rack file, or a driver", "ort")
    .option("--limit <seconds>", "how long one call of the device may take before it counts as hanging", LIMIT)
    .option("--html <file>", "write a report as one page")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(lazyAction(async () => (await import("../validate-device.ts")).validateDevice));
}
