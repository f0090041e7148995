import type { Estimate } from "../../cost/estimate.ts";
import { type Bindings, symbolsOf } from "../../graph/ir/expression.ts";
import type { DataType } from "../../graph/ir/graph.ts";
import { readBy } from "../../graph/ir/read-by.ts";
import type { StageModel } from "../../graph/program/program.ts";
import { classifyWork } from "../../inspect/classify/classify-work.ts";
import { peaksOf } from "../../inspect/classify/device-figures.ts";
import { peakFor } from "../../inspect/classify/peak-for.ts";
import { figuresOf } from "../../inspect/figures.ts";
import { workOf } from "../../inspect/operator-work.ts";
import { surveyOf } from "../../inspect/survey.ts";
import type { Device } from "../../rack/rack.ts";
import type { NoBasis } from "./device-driver.ts";

/**
 * 90 % interval as factors of the value. Source: whole runs of 20 published ONNX models on ONNX Runtime, one thread, best of 8, held against two
 * calibrations of one 2-core machine: 36 of 40 runs took 0.64 to 2.97 times the estimate, all 0.33 to 4.24 (operators inside bodies and fusion move it).
 */
const FASTEST = 0.6;
const SLOWEST = 3;

/**
 * What a run of the stage takes by the figures of the device's row: roofline of calibrated products and streaming, and a launch an operator.
 *
 * Source: Williams, Waterman, Patterson: Roofline, CACM 52(4), 2009.
 */
export function estimateStage(device: Device, stage: StageModel, sizes: Bindings): Estimate | NoBasis {
  const { calibration } = device;
  if (calibration === undefined)
    return { noBasis: `${device.id} is not calibrated: its row tells no bandwidth; \`heddle rack discover\` measures it` };
  const { graph } = stage;
  const open = new Set(stage.inputs.flatMap(({ shape = [] }) => shape.flatMap(symbolsOf)).filter((symbol) => sizes[symbol] === undefined));
  if (open.size > 0) return { noBasis: `no value is given for ${[...open].join(", ")}` };
  const survey = surveyOf(graph, sizes);
  const type =
    stage.operators
      .flatMap((id) => readBy(graph.operators[id]!))
      .map((id) => graph.tensors[id]!.type)
      .find(isFloat) ?? "f32";
  let [flops, bytes, launches] = [0, 0, 0];
  for (const id of stage.operators) {
    const operator = graph.operators[id]!;
    const work = workOf(graph, operator, survey);
    if (work === undefined) return { noBasis: `what ${operator.domain} ${operator.type} does is not known` };
    const figures = figuresOf(work, sizes);
    if (figures.flops === 0 && figures.bytes === 0) continue;
    flops += figures.flops;
    bytes += figures.bytes;
    launches++;
  }
  const { estimateNs } = classifyWork(
    { flops, bytes, launches, crossingBytes: undefined, unknownOperators: 0 },
    {
      peak: peakFor(peaksOf(device), type),
      bandwidth: { basis: "measured", source: "calibration", bytesPerSecond: calibration.streamBytesPerSecond },
      overheads: { basis: "measured", source: "calibration", launchNs: calibration.launchNs, operatorNs: calibration.operatorNs },
      link: undefined,
    },
  );
  if (estimateNs === undefined || !Number.isFinite(estimateNs)) return { noBasis: `${device.id} has no peak for ${type}` };
  const valueNs = Math.round(estimateNs + calibration.launchNs);
  const source = "roofline of the device's calibration; interval from runs of published models";
  return { valueNs, lowNs: Math.floor(valueNs * FASTEST), highNs: Math.ceil(valueNs * SLOWEST), basis: "extrapolated", source };
}

function isFloat(type: DataType): boolean {
  return type === "f64" || type === "f32" || type === "f16" || type === "bf16";
}
