import type { Command } from "commander";
import { HeddleError } from "../base/heddle-error.ts";
import type { Estimate } from "../cost/estimate.ts";
import { preparePlan } from "../execute/calibrate/prepare-plan.ts";
import { describeMachine } from "../execute/discover/machine.ts";
import { writeWhole } from "../execute/discover/rack-cache.ts";
import { openDecoderModel } from "../execute/model-store/open-model.ts";
import type { Plan } from "../plan/plan.ts";
import { writePlan } from "../plan/plan-file.ts";
import type { PlanOptions, StagePin } from "../plan/plan-request.ts";
import { judgedStreams, streamsText } from "../plan/predict.ts";
import type { Rack } from "../rack/rack.ts";
import { formatNs, note, printResult, table } from "./output.ts";
import { PLAN_FORMATS } from "./plan-formats.ts";
import { isSloPlan, planElsewhere } from "./plan-slo/plan-elsewhere.ts";
import type { EmitFlags, SloFlags } from "./plan-slo/slo-options.ts";
import { pullWithProgress } from "./pull-progress.ts";
import { discoverWithProgress } from "./rack.ts";
import { readRackFile } from "./read-rack-file.ts";
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
  readonly kvReuse?: "strict" | "any";
  readonly calibrate?: boolean;
  readonly recalibrate?: boolean;
}

export interface MadePlan {
  readonly plan: Plan;
  readonly rack: Rack;
  readonly modelPath: string;
}

/** `heddle plan`: on a rack of this kind, or a fleet of engines. Errors: those of the parts. */
export async function plan(
  model: string,
  flags: PlanFlags & SloFlags & EmitFlags & { readonly output?: string; readonly json?: boolean },
  command: Command,
): Promise<void> {
  if (isSloPlan(command)) return planElsewhere(model, command, flags);
  const { plan: made } = await makePlan(model, flags);
  if (flags.output !== undefined) writeWhole(flags.output, writePlan(made));
  printResult(flags.json === true, made, () => planText(made));
  if (flags.output !== undefined) note(`wrote ${flags.output}`);
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
    ...(flags.prefillFormat === undefined ? {} : { prefillFormat: format("--prefill-format", flags.prefillFormat, PLAN_FORMATS) }),
    ...(flags.decodeFormat === undefined ? {} : { decodeFormat: format("--decode-format", flags.decodeFormat, PLAN_FORMATS) }),
    ...(flags.maxSequences === undefined ? {} : { maxSequences: flags.maxSequences }),
    ...(flags.context === undefined ? {} : { contextLimit: flags.context }),
    ...(flags.kvMemory === undefined ? {} : { kvMemoryBytes: flags.kvMemory }),
    ...(flags.kvReuse === undefined ? {} : { policy: { kvReuse: flags.kvReuse } }),
  };
}

function format<F extends string>(flag: string, text: string, formats: readonly F[]): F {
  const known = formats.find((one) => one === text);
  if (known !== undefined) return known;
  throw new HeddleError("pin-impossible", { where: `${flag} ${text}`, detail: `possible: ${formats.join(", ")}` });
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
      `${streamsText(judgedStreams(plan.replicas[0]?.maxSequences))} together: about ${Math.round(tokensPerSecond8)} tokens/s`,
    ].join("\n"),
    plan.reasons.map((reason) => `- ${reason}`).join("\n"),
  ].join("\n\n");
}

/** `8.12 ms (7.4 to 8.9, measured)`. */
export function estimateText({ valueNs, lowNs, highNs, basis }: Estimate): string {
  return `${formatNs(valueNs)} (${formatNs(lowNs)} to ${formatNs(highNs)}, ${basis})`;
}
