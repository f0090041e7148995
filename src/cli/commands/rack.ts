import type { Command } from "commander";
import { lazyAction } from "./lazy-action.ts";
import { addCatalogCommand } from "./rack-catalog.ts";

const DISCOVER_HELP = `
Describes this machine: CPU devices of several widths (alternatives that share cores), the WASM device, memory, and links; and measures them.
With --model every device's driver is asked about every operator of the model (a GGUF file or Hugging Face folder: of the f32 decoder that heddle makes
of it), in a process of its own, and what it refuses is listed with the reason.

The outcome is cached under the machine's fingerprint and read back the next time, until the machine, Node or a driver changes.

Examples:
  heddle rack discover
  heddle rack discover --recalibrate -o desk.yaml
  heddle rack discover --model model.onnx`;

const COLLECTIVES_HELP = `
A fabric file names a network (scale-up, rails, leaf-spine, fat-tree or torus, with the rates of its links) and jobs with what they send: all-reduces,
all-gathers, reduce-scatters and all-to-alls over devices or whole nodes, with starts, repeats and pauses. Rings and trees move like pipelines, flows share links
max-min; no protocols, losses or congestion control (docs/network.md).

Examples:
  heddle rack collectives examples/fabrics/two-jobs.yaml
  heddle rack collectives fabric.yaml --json`;

/** Adds `heddle rack discover`, `heddle rack show`, `heddle rack catalog` and `heddle rack collectives`. */
export function addRackCommand(program: Command): void {
  const rack = program.command("rack").description("Describe and measure this machine as a rack.");
  rack
    .command("discover")
    .description("Find and calibrate the devices of this machine.")
    .option("--recalibrate", "measure again what is cached")
    .option("--fast", "a few seconds instead of half a minute, wider intervals, not cached")
    .option("-o, --output <file>", "write the rack file here as well")
    .option("--model <file>", "say what each device refuses of an ONNX file, GGUF file or Hugging Face folder")
    .option("--json", "print one JSON document")
    .addHelpText("after", DISCOVER_HELP)
    .action(lazyAction(async () => (await import("../rack.ts")).discover));
  rack
    .command("show")
    .description("Show a rack file, or the cached rack of this machine.")
    .argument("[file]", "rack file")
    .option("--model <file>", "say what each device refuses of an ONNX file, GGUF file or Hugging Face folder")
    .option("--json", "print one JSON document")
    .addHelpText("after", "\nExamples:\n  heddle rack show\n  heddle rack show desk.yaml --model model.onnx --json")
    .action(lazyAction(async () => (await import("../rack.ts")).showRack));
  addCatalogCommand(rack);
  rack
    .command("collectives")
    .description("Simulate collectives of several jobs on a network: times, and how much slower than alone.")
    .argument("<file>", "fabric file (.yaml)")
    .option("--json", "print one JSON document")
    .addHelpText("after", COLLECTIVES_HELP)
    .action(lazyAction(async () => (await import("../rack-collectives.ts")).collectives));
}
