import { type Command, InvalidArgumentError, Option } from "commander";
import { lazyAction } from "./lazy-action.ts";

const HELP = `
Time and memory of one training step by data sheets, constants of operators measured elsewhere, and NCCL's. With --tensor or --pipeline the cut is the one
given (data parallelism is what is left of --devices); without, all cuts that fit the memory are tried and the quickest are listed.

Limits: every layer alike; even experts; no congestion between groups, no stragglers, no throttling. Published steps of GPT on A100 are met to -3 to -7 %;
rates published of Llama 3 405B on H100 lie between those computed without interleaving and with 4 parts a stage (which it had is not published).

Examples:
  heddle train-step Llama-3.1-70B --device h100-sxm --devices 256 --batch 512 --sequence 8192
  heddle train-step Llama-3.1-8B --device h100-sxm --devices 8 --tensor 1 --pipeline 1 --batch 64 --sequence 8192 --zero 3`;

/** Adds `heddle train-step`. */
export function addTrainStepCommand(program: Command): void {
  program
    .command("train-step")
    .description("Time and memory of a training step, or the quickest way to cut one.")
    .argument("<model>", "name of a known model, or path of a config.json")
    .requiredOption("--device <id>", "catalogue id, or path of a device sheet")
    .requiredOption("--devices <count>", "devices in all", whole)
    .requiredOption("--batch <sequences>", "sequences of a step", whole)
    .requiredOption("--sequence <tokens>", "tokens of a sequence", whole)
    .option("--tensor <ranks>", "tensor-parallel ranks", whole)
    .option("--pipeline <stages>", "pipeline stages", whole)
    .option("--interleave <parts>", "parts of a stage's layers (interleaved schedule)", whole, 1)
    .option("--context <ranks>", "context-parallel ranks", whole, 1)
    .option("--expert <ranks>", "expert-parallel ranks", whole, 1)
    .option("--micro <sequences>", "sequences of a micro-batch", whole, 1)
    .addOption(new Option("--recompute <what>", "activations computed again").choices(["none", "selective", "full"]).default("none"))
    .addOption(
      new Option("--zero <stage>", "optimizer, gradients, weights over data-parallel ranks").choices(["0", "1", "2", "3"]).default("1"),
    )
    .addOption(new Option("--attention <how>", "scores through memory or not").choices(["fused", "separate"]).default("fused"))
    .addOption(new Option("--type <type>", "type of products").choices(["bf16", "f16", "f8e4m3"]).default("bf16"))
    .option("--no-overlap", "gradients' collectives and messages between stages are not hidden")
    .option("--top <count>", "cuts listed", whole, 10)
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(lazyAction(async () => (await import("../train-step.ts")).train));
}

function whole(text: string): number {
  const value = Number(text);
  if (!(Number.isInteger(value) && value >= 1)) throw new InvalidArgumentError("must be a whole number from 1");
  return value;
}
