import { assert } from "../../base/assert.ts";
import type { Bindings } from "../../graph/ir/expression.ts";
import type { DataType, Graph } from "../../graph/ir/graph.ts";
import type { Rack } from "../../rack/rack.ts";
import type { Inspection } from "../inspection.ts";
import { type StageGroup, stageGroupsOf } from "../stage-groups.ts";
import { stateSizeOf } from "../state-size.ts";
import { surveyOf } from "../survey.ts";
import { type Bound, classifyWork, type PieceOfWork, ridgeOf, type WorkClass } from "./classify-work.ts";
import { crossingOf, evaluated, tensorUsesOf } from "./crossing.ts";
import { type DeviceFigures, deviceFiguresOf } from "./device-figures.ts";
import type { PeakFigure } from "./grounded.ts";
import { launchesOf } from "./launches.ts";
import { peakFor } from "./peak-for.ts";
import { type StateBudget, stateBudgetOf } from "./state-budget.ts";
import { THRESHOLDS, type Threshold } from "./thresholds.ts";

/** Where the time of a model would go on every device of a rack, and why: plain data, fit for JSON. */
export interface RackReading {
  readonly rack: string;
  readonly reserve: number;
  readonly thresholds: readonly Threshold[];
  readonly devices: readonly DeviceReading[];
}

export interface DeviceReading extends DeviceFigures {
  /** The peak that products of this model run at; undefined where there is none. */
  readonly peak: PeakFigure | undefined;
  /** What a user must know of that peak: a wider type, or none at all. */
  readonly peakNote: string | undefined;
  /** FLOP/byte. */
  readonly ridge: number | undefined;
  /** In the order of the phases of the inspection. */
  readonly phases: readonly PhaseReading[];
  readonly budget: StateBudget;
}

export interface PhaseReading {
  readonly name: string;
  /** The whole model on this device, one launch of a run included; undefined where some stage has no estimate. */
  readonly estimateNs: number | undefined;
  /** Operators of unknown work that the estimate leaves out, those inside branches and loops included. */
  readonly unknownOperators: number;
  /** Of the estimate that stages of each kind take, the greatest first; empty where there is no estimate. */
  readonly shares: readonly { readonly bound: Bound; readonly share: number }[];
  /** In the order of the groups of the inspection; each of one part. */
  readonly stages: readonly StageReading[];
}

export interface StageReading extends WorkClass, PieceOfWork {
  /** Of the group where it has several parts, else of the part. */
  readonly name: string;
  /** Of all parts of the group. */
  readonly allNs: number | undefined;
}

export interface RackReadingOptions {
  readonly reserve: number;
  /** Tokens a sequence may have. */
  readonly contextLength: number | undefined;
}

/** Classes, estimates and budgets of a model that was inspected as `graph`. */
export function readOnRack(graph: Graph, inspection: Inspection, rack: Rack, options: RackReadingOptions): RackReading {
  const works = worksOf(graph, inspection);
  const names = stageGroupsOf(graph, sizesOf(inspection)).map(stageName);
  const { perSequence } = stateSizeOf(graph, sizesOf(inspection));
  const model = { weightBytes: inspection.weightBytes, perSequence, contextLength: options.contextLength };
  return {
    rack: rack.name,
    reserve: options.reserve,
    thresholds: THRESHOLDS,
    devices: deviceFiguresOf(rack).map((device) => {
      const peak = peakFor(device.peaks, inspection.type);
      return {
        ...device,
        peak,
        peakNote: peakNote(inspection.type, peak),
        ridge: ridgeOf({ ...device, peak }),
        phases: inspection.phases.map(({ name }, index) =>
          phaseReading({ name, works: works[index]!, names }, inspection, { ...device, peak }),
        ),
        budget: stateBudgetOf(model, device.memory, options.reserve),
      };
    }),
  };
}

function phaseReading(
  { name, works, names }: { readonly name: string; readonly works: readonly PieceOfWork[]; readonly names: readonly string[] },
  { groups, unknownWork = [] }: Inspection,
  device: DeviceFigures & { readonly peak: PeakFigure | undefined },
): PhaseReading {
  const stages = works.map((work, index) => {
    const found = classifyWork(work, device);
    return { name: names[index]!, ...work, ...found, allNs: found.estimateNs && found.estimateNs * groups[index]!.count };
  });
  const known = stages.every(({ allNs }) => allNs !== undefined);
  const sum = stages.reduce((total, { allNs }) => total + (allNs ?? 0), device.overheads?.launchNs ?? 0);
  const estimateNs = known ? sum : undefined;
  const unknownOperators = unknownWork.reduce((all, { count }) => all + count, 0);
  return { name, estimateNs, unknownOperators, shares: sharesOf(stages, estimateNs), stages };
}

function sharesOf(stages: readonly StageReading[], estimateNs: number | undefined): PhaseReading["shares"] {
  if (estimateNs === undefined || estimateNs === 0) return [];
  const sums = new Map<Bound, number>();
  for (const { bound, allNs = 0 } of stages) if (allNs > 0) sums.set(bound, (sums.get(bound) ?? 0) + allNs);
  return [...sums].map(([bound, ns]) => ({ bound, share: ns / estimateNs })).sort((a, b) => b.share - a.share);
}

/** Sizes at which an inspection compares branches: those of its first run. */
export function sizesOf({ phases }: Inspection): Bindings {
  return phases[0]?.sizes ?? {};
}

/** By phase, then by group: the work of one part. */
function worksOf(graph: Graph, inspection: Inspection): readonly (readonly PieceOfWork[])[] {
  const { groups, phases } = inspection;
  const parts = stageGroupsOf(graph, sizesOf(inspection));
  assert(parts.length === groups.length, "the inspection is of this graph", { parts: parts.length, groups: groups.length });
  const uses = tensorUsesOf(graph);
  const survey = surveyOf(graph, sizesOf(inspection));
  const crossings = parts.map((part) => crossingOf(survey, idsOf(part), uses));
  return phases.map(({ sizes }, phase) =>
    groups.map((group, index) => {
      const { flops, bytes } = group.figures[phase]!;
      return {
        flops: flops / group.count,
        bytes: bytes / group.count,
        launches: parts[index]!.operators.reduce((sum, { operator }) => sum + launchesOf(survey, operator, sizes), 0),
        crossingBytes: evaluated(crossings[index], sizes),
        unknownOperators: parts[index]!.operators.filter(({ work }) => work === undefined).length,
      };
    }),
  );
}

/** `layers.*.attention` for many, `layers.3.attention` for one. */
export function stageName({ scope, count, example }: StageGroup): string {
  return count === 1 ? example : scope;
}

function idsOf({ operators }: StageGroup): readonly number[] {
  return operators.map(({ id }) => id);
}

function peakNote(type: DataType, peak: PeakFigure | undefined): string | undefined {
  if (peak === undefined) return `no peak for ${type} or a wider type is known: products cannot be estimated`;
  if (peak.type === type) return undefined;
  return `no peak for ${type} is known: products run as ${peak.type}, which holds every value of it; bytes stay those of ${type}`;
}
