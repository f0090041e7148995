import type { Command } from "commander";
import { HeddleError } from "../base/heddle-error.ts";
import { quantity } from "../base/quantity.ts";
import { iterationError } from "../cost/iteration/iteration-fault.ts";
import { searchTraining, type TrainingCandidate } from "../cost/training/search-training.ts";
import { sheetTrainingCosts } from "../cost/training/sheet-training-costs.ts";
import { trainStep } from "../cost/training/train-step.ts";
import { trainedModel } from "../cost/training/trained-model.ts";
import type { TrainingRun } from "../cost/training/training-run.ts";
import { neededPeak } from "../rack/catalog/needed-figure.ts";
import type { PeakType } from "../rack/peak-type.ts";
import { architectureNamed } from "./deployment/open-deployment.ts";
import { refuseGiven } from "./given-options.ts";
import { formatNs, printResult, table } from "./output.ts";
import { sheetOf } from "./rack-catalog.ts";

interface Flags {
  readonly device: string;
  readonly devices: number;
  readonly batch: number;
  readonly sequence: number;
  readonly tensor?: number;
  readonly pipeline?: number;
  readonly interleave: number;
  readonly context: number;
  readonly expert: number;
  readonly micro: number;
  readonly recompute: TrainingRun["recompute"];
  readonly zero: string;
  readonly attention: TrainingRun["attention"];
  readonly type: PeakType;
  readonly overlap: boolean;
  readonly top: number;
  readonly json?: boolean;
}

/** What the search tries itself, so that a value of them would change nothing. */
const SEARCHED = ["interleave", "expert", "micro", "recompute"];

export function train(name: string, flags: Flags, command: Command): void {
  const model = trainedModel(architectureNamed(name, "."));
  if (!model.ok) throw iterationError(model.error, name);
  const sheet = sheetOf(flags.device);
  const peak = neededPeak(sheet, flags.type).value;
  const costs = sheetTrainingCosts(sheet);
  const memoryBytes = sheet.memory.capacityBytes.value;
  const search = flags.tensor === undefined && flags.pipeline === undefined;
  if (search) refuseGiven(command, SEARCHED, "goes with --tensor or --pipeline; all values are tried where no cut is given");
  else refuseGiven(command, ["top"], "goes with a search: without --tensor and --pipeline");
  const base: TrainingRun = {
    model: model.value,
    sequence: flags.sequence,
    microBatch: flags.micro,
    globalBatch: flags.batch,
    parallel: cutOf(flags),
    recompute: flags.recompute,
    zero: Number(flags.zero) as TrainingRun["zero"],
    attention: flags.attention,
    type: flags.type,
    gradientBytes: 4,
    overlap: { gradients: flags.overlap, pipeline: flags.overlap },
  };
  if (search) {
    const { found, tried, tooLarge } = searchTraining(base, flags.devices, memoryBytes, costs);
    if (found.length === 0)
      throw new HeddleError("does-not-fit", {
        where: `${flags.devices} x ${sheet.id}`,
        detail:
          tried === 0
            ? "no cut divides the model, the batch and the devices"
            : `none of ${tried} cuts fits ${quantity(memoryBytes, "B")} a device`,
      });
    const shown = found.slice(0, flags.top);
    printResult(flags.json === true, { tried, tooLarge, found: shown }, () =>
      [`${tried} cuts, ${tooLarge} too large for ${quantity(memoryBytes, "B")} a device; the quickest:`, candidateTable(shown, peak)].join(
        "\n\n",
      ),
    );
    return;
  }
  const step = trainStep(base, costs);
  printResult(flags.json === true, { run: base, step }, () => {
    const parts = Object.entries(step.parts).map(([part, ns]) => [part, formatNs(ns), `${((100 * ns) / step.stepNs).toFixed(1)} %`]);
    const fits = step.memory.total <= memoryBytes ? "fits" : "does NOT fit";
    const memory = Object.entries(step.memory).map(([part, bytes]) => [part, quantity(bytes, "B")]);
    return [
      candidateTable([{ run: base, step }], peak),
      table(["part of the step", "time", "share"], parts),
      table([`memory of a device (${quantity(memoryBytes, "B")}: ${fits})`, ""], memory),
    ].join("\n\n");
  });
}

function cutOf({ devices, tensor = 1, pipeline = 1, interleave, context, expert }: Flags): TrainingRun["parallel"] {
  const data = devices / (tensor * pipeline * context);
  if (!Number.isInteger(data))
    throw new HeddleError("training-invalid", { where: "--devices", detail: `${devices} is no multiple of tensor x pipeline x context` });
  return { tensor, pipeline, interleave, data, context, expert, sequence: tensor > 1 };
}

function candidateTable(candidates: readonly TrainingCandidate[], peak: number): string {
  const rows = candidates.map(({ run, step }) => [
    `${run.parallel.tensor} x ${run.parallel.pipeline} x ${run.parallel.data}`,
    String(run.parallel.interleave),
    String(run.parallel.expert),
    String(run.microBatch),
    run.recompute,
    formatNs(step.stepNs),
    `${((100 * step.modelRate) / peak).toFixed(1)} %`,
    ((run.globalBatch * run.sequence * 1e9) / step.stepNs).toFixed(0),
    quantity(step.memory.total, "B"),
  ]);
  const heads = [
    "tensor x pipeline x data",
    "interleave",
    "expert",
    "micro",
    "recompute",
    "step",
    "of the peak",
    "tokens/s",
    "memory a device",
  ];
  return table(heads, rows);
}
