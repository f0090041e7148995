import type { Command } from "commander";
import { type Change, parseChange } from "../../plan/deployment/change.ts";
import { measureAtOption, objectiveOption, operatorsOption } from "../deployment/run-options.ts";
import { wholeNumber } from "../serving-options.ts";
import { lazyAction } from "./lazy-action.ts";

const DEFAULT_RUNS = 20;
const RUNS_MAX = 10_000;
const SEED_MAX = 4_294_967_295;

const HELP = `
A fleet file (\`heddle import\`) holds what runs, what it was asked and what was measured; the answer then says how far the model is off on what is known.
A deployment file needs --workload, and nothing is measured.

A change is a field of the deployment and its new value (null: leave it out); pools go by number or name. workload.rate and workload.length are factors;
workload.adapters is a law by which the same requests have adapters (LoRA), as of --adapters, or null; workload.images, as of --images, likewise.

Examples:
  heddle what-if fleet.json --change pools.0.replicas=4
  heddle what-if fleet.json --change pools.0.outages.meanUpNs=6.05e14 --change pools.0.outages.repairNs=6e11
  heddle what-if fleet.json --change pools.0.engine.schedulerRecvInterval=30
  heddle what-if fleet.json --change workload.adapters=count=400,popularity=zipf:1,ranks=8:64 --change pools.0.lora.maxRank=64
  heddle what-if fleet.json --change routing=prefix-aware --change workload.rate=1.5
  heddle what-if examples/deployments/llama-8b-l40s.yaml --change pools.l40s.device=h100-sxm --workload poisson:rate=8,prompt=200-2000,output=50-400,seconds=60`;

/** Adds `heddle what-if`. */
export function addWhatIfCommand(program: Command): void {
  program
    .command("what-if")
    .description("Say what another router, number of replicas, device, setting or load does to a fleet.")
    .argument("<file>", "fleet file or deployment file")
    .requiredOption("--change <field=value>", "what is otherwise; once for each", collectChanges)
    .option("--workload <workload>", "as of `heddle simulate`; a fleet file has its own")
    .option("--images <law>", "images for requests of a workload that has none, such as count=1-4,sizes=640x640:1920x1080,distinct=50")
    .option(
      "--adapters <law>",
      "adapters (LoRA) for requests of a workload that has none, as it is and after the change, such as count=200,popularity=zipf:1.1,ranks=16:64",
    )
    .option("--slo <limits>", "limits that requests must keep, such as ttft=500ms,tpot=40ms[,e2e=20s][,share=0.9]", objectiveOption)
    .addOption(operatorsOption())
    .addOption(measureAtOption())
    .option("--runs <n>", "pairs of runs the intervals are taken over", wholeNumber(1, RUNS_MAX), DEFAULT_RUNS)
    .option("--seed <n>", "seed of the errors and losses drawn", wholeNumber(0, SEED_MAX), 1)
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(lazyAction(async () => (await import("../what-if.ts")).whatIf));
}

function collectChanges(text: string, before: readonly Change[] | undefined): readonly Change[] {
  return [...(before ?? []), parseChange(text)];
}
