import type { Command } from "commander";
import { ADAPTER_FIELDS, GENERATED_FORMS, IMAGE_FIELDS } from "../../simulate/workload/generate/generated-forms.ts";
import { measureAtOption, objectiveOption, operatorsOption, scaleOption } from "../deployment/run-options.ts";
import { wholeNumber } from "../serving-options.ts";
import { lazyAction } from "./lazy-action.ts";

const DEFAULT_RUNS = 20;
const RUNS_MAX = 10_000;
const SEED_MAX = 4_294_967_295;

const HELP = `
What is simulated is a deployment (YAML or JSON: model, pools of devices, engine settings; examples/deployments) or a plan file of \`heddle plan\`.

A workload is a file (told apart by its content: heddle, Mooncake, Qwen-Bailian or AIPerf JSONL, request logs, Azure or BurstGPT CSV, vLLM benchmark
results, OpenTelemetry spans, ShareGPT with --tokenizer) or is generated; lengths are 500, 50-600 or lognormal:mean:cv:
${Object.values(GENERATED_FORMS)
  .map((form) => `  ${form}`)
  .join("\n")}
Each takes ${ADAPTER_FIELDS}: requests with adapters (LoRA), of pools that serve them
(lora: maxLoras, maxRank, cpuLoras, modules, format, fullySharded); --adapters gives them to a file. See docs/lora.md.
All but sessions and agents take ${IMAGE_FIELDS}: images behind the text of the prompts, for models that read
them and pools that encode them (encoder: parallel, batchTokens, cacheTokens; or a pool of role encode); --images gives them to a file.
Pools may grow and shrink with their load (scaling: least, everyNs, orderAbove, drainBelow; startUpNs) and lose replicas (outages: meanUpNs, repairNs,
resubmitNs; drawn by --seed); cost then counts the time for which replicas are ordered. See docs/what-if.md.
A plan takes files and poisson:, and runs the engines and policies that serve.

Examples:
  heddle simulate examples/deployments/llama-8b-l40s.yaml --workload poisson:rate=4,prompt=200-2000,output=50-400,seconds=120
  heddle simulate fleet.yaml --workload trace.jsonl --scale rate=2 --slo ttft=500ms,tpot=40ms
  heddle simulate examples/deployments/llama-8b-autoscaled.yaml --workload diurnal:rate=6,peak=1.9,period=3600,prompt=200-2000,output=50-400,seconds=3600
  heddle simulate plan.json --workload trace.jsonl --runs 50 --json`;

/** Adds `heddle simulate`. */
export function addSimulateCommand(program: Command): void {
  program
    .command("simulate")
    .description("Run a deployment or a plan under a virtual clock and print latencies, throughput, cost and use of memory and devices.")
    .argument("<file>", "deployment file or plan file")
    .requiredOption("--workload <workload>", "file, or a generated one such as poisson:rate=2,prompt=50-600,output=20-120,seconds=60")
    .option("--slo <limits>", "limits that requests must keep, such as ttft=500ms,tpot=40ms[,e2e=20s][,share=0.9]", objectiveOption)
    .option("--scale <factors>", "the workload at another rate and other lengths, such as rate=2,length=1.5", scaleOption)
    .option("--lengths <file>", "workload file whose pairs of lengths a generated workload draws")
    .option("--tokenizer <file>", "tokenizer.json that counts the tokens of workload files of texts")
    .option("--images <law>", "images for requests of a workload that has none, such as count=1-4,sizes=640x640:1920x1080,distinct=50")
    .option(
      "--adapters <law>",
      "adapters (LoRA) for requests of a workload that has none, such as count=200,popularity=zipf:1.1,ranks=16:64",
    )
    .addOption(operatorsOption())
    .addOption(measureAtOption())
    .option("--html <file>", "write the report as a page with charts")
    .option("--timeline <file>", "write the run at prices as they are, without drawn errors, for Perfetto or Chrome's trace viewer")
    .option("--runs <n>", "runs the bars are taken over", wholeNumber(1, RUNS_MAX), DEFAULT_RUNS)
    .option("--seed <n>", "seed of the errors and losses drawn", wholeNumber(0, SEED_MAX), 1)
    .option("--rack <file>", "rack file the plan was made for")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(lazyAction(async () => (await import("../simulate.ts")).simulate));
}
