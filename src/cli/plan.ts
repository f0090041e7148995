import { type Command, InvalidArgumentError } from "commander";
import { HeddleError } from "../base/heddle-error.ts";
import type { Estimate } from "../cost/estimate.ts";
import { preparePlan } from "../execute/calibrate/prepare-plan.ts";
import { describeMachine } from "../execute/discover/machine.ts";
import { writeWhole } from "../execute/discover/rack-cache.ts";
import { DEFAULT_MODEL } from "../execute/model-store/catalog.ts";
import { openDecoderModel } from "../execute/model-store/open-model.ts";
import { parsePin } from "../plan/pins.ts";
import type { Plan } from "../plan/plan.ts";
import { writePlan } from "../plan/plan-file.ts";
import type { PlanOptions, StagePin } from "../plan/plan-request.ts";
import type { ComputeFormat, Rack } from "../rack/rack.ts";
import { formatNs, note, printResult, table } from "./output.ts";
import { isSloPlan, planElsewhere } from "./plan-slo/plan-elsewhere.ts";
import { addEmitOptions, addSloOptions, type EmitFlags, type SloFlags } from "./plan-slo/slo-options.ts";
import { pullWithProgress } from "./pull-progress.ts";
import { discoverWithProgress, readRackFile } from "./rack.ts";
import { withShareProgress } from "./share-progress.ts";

/** Choices of a plan as the command line gives them; `heddle up` takes the same. */
export interface PlanFlags {
  readonly rack?: string;
  readonly pin?: readonly StagePin[];
  readonly replicas?: number;
  readonly stages?: number;
  readonly prefillFormat?: string;
  readonly decodeFormat?: string;
  readonly maxSequences?: number;
  readonly context?: number;
  readonly kvMemory?: number;
  readonly calibrate?: boolean;
  readonly recalibrate?: boolean;
}

export interface MadePlan {
  readonly plan: Plan;
  readonly rack: Rack;
  readonly modelPath: string;
}

const FORMATS: readonly ComputeFormat[] = ["f32", "bf16", "int4", "int8-row"];
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
    .action(async (model: string, flags: PlanFlags & SloFlags & EmitFlags & { readonly output?: string; readonly json?: boolean }) => {
      if (isSloPlan(command)) return planElsewhere(model, command, flags);
      const { plan } = await makePlan(model, flags);
      if (flags.output !== undefined) writeWhole(flags.output, writePlan(plan));
      printResult(flags.json === true, plan, () => planText(plan));
      if (flags.output !== undefined) note(`wrote ${flags.output}`);
    });
}

/** Adds the options that choose a plan. */
export function addPlanOptions(command: Command): Command {
  return command
    .option("--rack <file>", "rack file; this machine, discovered, where absent")
    .option("--pin <stage=device>", "run a stage on a device (replica.stage=device for one replica); repeatable", collectPin, [])
    .option("--replicas <n>", "number of replicas", count)
    .option("--stages <n>", "stages of each replica", count)
    .option("--prefill-format <format>", `weights of prefill: ${FORMATS.join(", ")}`)
    .option("--decode-format <format>", `weights of decode: ${FORMATS.join(", ")}`)
    .option("--max-sequences <n>", "sequences that may run at once in a replica", count)
    .option("--context <tokens>", "longest prompt and output together", count)
    .option("--kv-memory <bytes>", "memory for keys and values over all replicas, for example 2G", bytes)
    .option("--no-calibrate", "do not measure stages that were never measured")
    .option("--recalibrate", "measure machine and stages again");
}

/** Pulls the model, finds the rack, measures what is missing and plans. Errors: those of the parts. */
export async function makePlan(model: string, flags: PlanFlags): Promise<MadePlan> {
  const modelPath = await pullWithProgress(model);
  const opened = openDecoderModel(modelPath);
  const recalibrate = flags.recalibrate === true;
  const rack = flags.rack === undefined ? await discoverWithProgress({ recalibrate }) : readRackFile(flags.rack);
  const options = planOptions(flags);
  // Stages can be measured only on the machine the rack describes.
  const calibrate = flags.calibrate !== false && rack.fingerprint === describeMachine().fingerprint;
  const { plan } = await withShareProgress("measuring the model", ({ signal, onProgress }) =>
    preparePlan({ model: opened, modelPath, rack, options, calibrate, recalibrate, signal, onProgress }),
  );
  return { plan, rack, modelPath };
}

function planOptions(flags: PlanFlags): PlanOptions {
  return {
    ...(flags.pin === undefined || flags.pin.length === 0 ? {} : { pins: flags.pin }),
    ...(flags.replicas === undefined ? {} : { replicas: flags.replicas }),
    ...(flags.stages === undefined ? {} : { stages: flags.stages }),
    ...(flags.prefillFormat === undefined ? {} : { prefillFormat: format("--prefill-format", flags.prefillFormat) }),
    ...(flags.decodeFormat === undefined ? {} : { decodeFormat: format("--decode-format", flags.decodeFormat) }),
    ...(flags.maxSequences === undefined ? {} : { maxSequences: flags.maxSequences }),
    ...(flags.context === undefined ? {} : { contextLimit: flags.context }),
    ...(flags.kvMemory === undefined ? {} : { kvMemoryBytes: flags.kvMemory }),
  };
}

function format(flag: string, text: string): ComputeFormat {
  const known = FORMATS.find((one) => one === text);
  if (known !== undefined) return known;
  throw new HeddleError("pin-impossible", { where: `${flag} ${text}`, detail: `possible: ${FORMATS.join(", ")}` });
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
  const pin = parsePin(text);
  if (pin === undefined) throw new InvalidArgumentError("stage=device is wanted, such as 0=cpu-0-1, or replica.stage=device");
  return [...pins, pin];
}

/** A plan for people: the table of stages, what is predicted, and the reasons. */
export function planText(plan: Plan): string {
  const rows = plan.replicas.flatMap((replica) =>
    replica.stages.map((stage, index) => [
      `${replica.id}.${index}`,
      `${stage.fromLayer}-${stage.toLayer}`,
      `${stage.device} (${stage.driver}, ${stage.threads} thread${stage.threads === 1 ? "" : "s"})`,
      `${stage.prefillFormat} / ${stage.decodeFormat}`,
      estimateText(stage.decodeStep),
      estimateText(stage.prefill512),
      stage.why,
    ]),
  );
  const { ttft512, tpot, tokensPerSecond8 } = plan.predicted;
  return [
    `${plan.model.name} (${plan.model.path})`,
    table(["stage", "layers", "device", "prefill / decode", "one token at 256", "prefill of 512", "why"], rows),
    [
      `first token of a 512-token prompt: ${estimateText(ttft512)}; ${ttft512.source}`,
      `each further token, alone: ${estimateText(tpot)}; ${tpot.source}`,
      `8 streams together: about ${Math.round(tokensPerSecond8)} tokens/s`,
    ].join("\n"),
    plan.reasons.map((reason) => `- ${reason}`).join("\n"),
  ].join("\n\n");
}

/** `8.12 ms (7.4 to 8.9, measured)`. */
export function estimateText({ valueNs, lowNs, highNs, basis }: Estimate): string {
  return `${formatNs(valueNs)} (${formatNs(lowNs)} to ${formatNs(highNs)}, ${basis})`;
}
