import { type Command, InvalidArgumentError } from "commander";
import { lazyAction } from "./lazy-action.ts";

const HELP = `
Measures devices and servers that heddle does not run on.

  --kit torch    writes one self-contained Python program that needs PyTorch alone (CUDA, ROCm, Intel XPU or CPU). It measures products, attention,
                 experts, memory, copies between host and device, and collectives where there are several devices, and writes one JSON file.
  --import FILE  checks such a file, leaves out what the device cannot have done, and keeps it in heddle's home: simulations of the device use it
                 from then on.
  --kit engine   measures a running vLLM, SGLang or other OpenAI-compatible server at --url: time to first token and between tokens, at several
                 concurrencies and lengths, by the client's clock. With --deployment it says which host time (overheadNs) explains what was measured.

Examples:
  heddle calibrate --kit torch -o heddle_torch_kit.py
  python3 heddle_torch_kit.py --out mine.json
  heddle calibrate --import mine.json
  heddle calibrate --kit engine --url http://gpu-1:8000 --concurrency 1,8,64 -o server.json`;

/** Adds `heddle calibrate`. */
export function addCalibrateCommand(program: Command): void {
  program
    .command("calibrate")
    .description("Measure a device or server that heddle does not run on.")
    .option("--kit <kind>", "torch: write the program; engine: measure the server at --url")
    .option("--import <file>", "check and keep what the PyTorch kit wrote")
    .option("--device <id>", "device the file is of: catalogue id, or path of a device sheet (default: as its driver is called)")
    .option("-o, --output <file>", "where the program or the figures go (default: standard output)")
    .option("--url <address>", "server to measure, without /v1")
    .option("--deployment <file>", "deployment file of that server (one replica): says which overheadNs explains what was measured")
    .option("--model <name>", "model to ask for (default: the first the server names)")
    .option("--key <secret>", "API key of the server")
    .option("--prompts <tokens>", "lengths of prompts", numbers, [128, 1024])
    .option("--outputs <tokens>", "lengths of outputs", numbers, [64])
    .option("--concurrency <counts>", "requests at once", numbers, [1, 4, 16])
    .option("--rounds <count>", "requests of each lane at a point; the first is not counted", (text) => numbers(text)[0]!, 3)
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(lazyAction(async () => (await import("../calibrate.ts")).calibrate));
}

/** `1,8,64`: whole numbers from 1. */
function numbers(text: string): number[] {
  const values = text.split(",").map(Number);
  if (values.some((value) => !(Number.isInteger(value) && value >= 1)))
    throw new InvalidArgumentError("must be whole numbers from 1, such as 1,8,64");
  return values;
}
