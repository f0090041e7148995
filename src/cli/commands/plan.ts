import { type Command, InvalidArgumentError, Option } from "commander";
import { DEFAULT_MODEL } from "../../execute/model-store/catalog.ts";
import type { StagePin } from "../../plan/plan-request.ts";
import { PLAN_FORMATS } from "../plan-formats.ts";
import { addEmitOptions, addSloOptions } from "../plan-slo/slo-options.ts";
import { lazyAction } from "./lazy-action.ts";

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

const PLAN_HELP = `
The model may be all that \`heddle model pull\` takes. Stages of the plan that were never measured are measured (up to 20 s each, cached);
--no-calibrate plans from the operator tables alone, with wider intervals.

Examples:
  heddle plan
  heddle plan model.gguf --stages 2 --pin 0=cpu-0 --pin 1=cpu-1 -o plan.json
  heddle plan --rack desk.yaml --replicas 2 --kv-memory 2G

With --slo fleets of engines are planned instead, for a model of the catalogue or a config.json, devices of the catalogue and a workload; the cheapest
that keeps the limits is simulated request by request. With --emit it, or a deployment file, is written for other systems:
  heddle plan DeepSeek-V3 --slo ttft=2s,tpot=50ms --workload trace.jsonl --precision f8e4m3/bf16 --fleet h200-sxm:64@3.5 --fleet b200:32@6 -o plan.yaml
  heddle plan --deployment plan.yaml --emit vllm --emit kubernetes --out manifests --check-with vllm.whl`;

/** Adds `heddle plan`. */
export function addPlanCommand(program: Command): void {
  const command = program
    .command("plan")
    .description("Decide which layers run where, in which formats, in how many replicas; print why, and write a plan file.")
    .argument("[model]", "name, org/repository, path or URL", DEFAULT_MODEL)
    .option("-o, --output <file>", "write the plan here")
    .option("--json", "print one JSON document");
  addEmitOptions(addSloOptions(addPlanOptions(command)))
    .addHelpText("after", PLAN_HELP)
    .action(lazyAction(async () => (await import("../plan.ts")).plan));
}

/** Adds the options that choose a plan. */
export function addPlanOptions(command: Command): Command {
  return command
    .option("--rack <file>", "rack file; this machine, discovered, where absent")
    .option("--pin <stage=device>", "run a stage on a device (replica.stage=device for one replica); repeatable", collectPin, [])
    .option("--replicas <n>", "number of replicas", count)
    .option("--stages <n>", "stages of each replica", count)
    .option(
      "--prefill-format <format>",
      `weights of prefill: ${PLAN_FORMATS.join(", ")} (only where asked for: slower alone, smoother beside running streams)`,
    )
    .option("--decode-format <format>", `weights of decode: ${PLAN_FORMATS.join(", ")}`)
    .option("--max-sequences <n>", "sequences that may run at once in a replica; plans are judged at as many, up to 8", count)
    .option("--context <tokens>", "longest prompt and output together", count)
    .option("--kv-memory <bytes>", "memory for keys and values over all replicas, for example 2G", bytes)
    .addOption(
      new Option(
        "--kv-reuse <which>",
        "KV that later prompts reuse: what their own format computed (strict), or what decode steps in another format wrote, too (any): answers then differ by what was cached",
      )
        .choices(["strict", "any"])
        .default("strict"),
    )
    .option("--no-calibrate", "do not measure stages that were never measured")
    .option("--recalibrate", "measure machine and stages again");
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("a whole number above 0 is wanted");
  return value;
}

function bytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)b?$/i.exec(text.trim());
  if (match === null) throw new InvalidArgumentError("a number of bytes is wanted, such as 500M or 2G");
  return Math.round(Number(match[1]) * (UNITS[(match[2] ?? "").toLowerCase()] ?? 1));
}

function collectPin(text: string, pins: readonly StagePin[]): readonly StagePin[] {
  const match = /^(?:(\d{1,4})\.)?(\d{1,4})=(.+)$/.exec(text);
  if (match === null) throw new InvalidArgumentError("stage=device is wanted, such as 0=cpu-0-1, or replica.stage=device");
  const [, replica, stage, device] = match;
  return [...pins, { stage: Number(stage), device: device!, ...(replica === undefined ? {} : { replica: Number(replica) }) }];
}
