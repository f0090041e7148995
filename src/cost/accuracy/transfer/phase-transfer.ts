import { exp, ln } from "../../../base/math.ts";
import { quantile } from "../../../base/statistics.ts";
import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import type { OperatorModel } from "../../operator/operator-model.ts";
import { coordinateSearch } from "../../operator/physics/fit/coordinate-search.ts";
import { physicsModel } from "../../operator/physics/physics-model.ts";
import type { AccuracyRow } from "../accuracy-row.ts";
import { errorFigures, type PredictedMeasured } from "../error-summary.ts";
import { layerQueries, type TimedDecoder, type TimedPhase } from "./served-layer.ts";

/** A phase of a whole model, or of one of its layers, that was timed on one device or a tensor-parallel group. */
export interface PhaseTime {
  readonly at: TimedPhase;
  readonly decoder: TimedDecoder;
  readonly shards: number;
  /** Layers in the measured time. */
  readonly layers: number;
  readonly ns: number;
}

export interface PhaseSet {
  readonly dataSet: string;
  readonly engine: string;
  readonly sheet: DeviceSheet;
  readonly times: readonly PhaseTime[];
  /** Rows left out, by reason. */
  readonly excluded: Readonly<Record<string, number>>;
}

/** What an engine adds to operators, for one phase. */
interface EngineShare {
  /** Time over what the operators take. */
  readonly factor: number;
  /** Of each layer. Units: ns. */
  readonly layerNs: number;
}

/** Deviations, in natural logs, of a time from the formula, and of an engine's share from that of other devices. */
const ERROR_DEVIATION = 0.15;
const SHARE_DEVIATION = 0.5;
const EVALUATIONS = 300;
/** Constants a layer that are tried. Units: ns. */
const GRID_LEAST_NS = 1000;
const GRID_MOST_NS = 3e6;
const GRID_STEPS = 80;
const LAYER_NS_LEAST = 1000;
/** Measurements of a phase and model that stand for microbenchmarks, at these places among its sizes. */
const PROBE_PLACES = [0.05, 0.5, 0.95];
const BYTES = 2;
/** Exchange of a tensor-parallel layer: two all-reduces over the group's links; their start is part of `layerNs`. */
const EXCHANGES = 2;

/**
 * Each device left out in turn: its phases predicted from its sheet with the engine's share (a factor and a constant a layer, for each phase) told by the other
 * devices, and with three of its own times a phase and model.
 */
export function phaseTransferAccuracy(sets: readonly PhaseSet[]): readonly AccuracyRow[] {
  const rows: AccuracyRow[] = [];
  for (const phase of ["prompt", "token"] as const) {
    for (const set of sets) {
      const others = sets.filter((other) => other.dataSet === set.dataSet && other.sheet.id !== set.sheet.id);
      if (others.length === 0) continue;
      const told = toldShare(others.flatMap((other) => estimates(other, phase)));
      const own = estimates(set, phase);
      const alone: PredictedMeasured[] = [];
      const probed: PredictedMeasured[] = [];
      for (const key of new Set(own.map(({ group }) => group))) {
        const group = own.filter((estimate) => estimate.group === key).sort((a, b) => a.ns - b.ns);
        const probes = PROBE_PLACES.map((place) => group[Math.floor(place * group.length)]!);
        const share = probedShare(told, probes);
        for (const estimate of group.filter((one) => !probes.includes(one))) {
          alone.push({ predicted: timeOf(told, estimate), measured: estimate.ns });
          probed.push({ predicted: timeOf(share, estimate), measured: estimate.ns });
        }
      }
      rows.push(rowOf(set, phase, "device left out; data sheet, engine's share of other devices", alone));
      rows.push(rowOf(set, phase, "device left out; data sheet and 3 times a model and group size, not counted", probed));
    }
  }
  return rows;
}

interface PhaseEstimate {
  readonly operatorsNs: number;
  readonly layers: number;
  readonly ns: number;
  readonly group: string;
}

function estimates(set: PhaseSet, phase: TimedPhase["phase"]): readonly PhaseEstimate[] {
  const model = physicsModel(set.sheet);
  return set.times
    .filter(({ at }) => at.phase === phase)
    .map((time) => ({
      operatorsNs: time.layers * layerNs(model, set.sheet, time),
      layers: time.layers,
      ns: time.ns,
      group: `${time.decoder.name} ${time.shards}`,
    }));
}

function layerNs(model: OperatorModel, sheet: DeviceSheet, { at, decoder, shards }: PhaseTime): number {
  let ns = 0;
  for (const query of layerQueries(decoder, at, shards)) {
    const price = model.price(query);
    if (!price.ok) return Number.NaN;
    ns += price.value.ns;
  }
  const link = sheet.scaleUp?.bandwidthBytesPerSecond.value;
  if (shards > 1 && link !== undefined) {
    const rows = at.batch * (at.phase === "prompt" ? at.tokens : 1);
    ns += (EXCHANGES * 2 * (shards - 1) * rows * decoder.width * BYTES * 1e9) / (shards * link);
  }
  return ns;
}

function timeOf({ factor, layerNs: ofLayer }: EngineShare, { operatorsNs, layers }: PhaseEstimate): number {
  return factor * operatorsNs + ofLayer * layers;
}

/** The share of least mean error: for each constant a layer on a grid the best factor is the median of ratios. */
function toldShare(all: readonly PhaseEstimate[]): EngineShare {
  let best: EngineShare = { factor: 1, layerNs: 0 };
  let least = Infinity;
  for (let step = 0; step <= GRID_STEPS; step++) {
    const relative = step === 0 ? 0 : GRID_LEAST_NS * exp((step * ln(GRID_MOST_NS / GRID_LEAST_NS)) / GRID_STEPS);
    const logs = all.map((one) => ln(one.ns / (one.operatorsNs + relative * one.layers)));
    const middle = quantile(logs, 0.5);
    const loss = logs.reduce((sum, log) => sum + Math.abs(log - middle), 0);
    if (loss >= least) continue;
    least = loss;
    best = { factor: exp(middle), layerNs: exp(middle) * relative };
  }
  return best;
}

/** The likeliest share near one that other devices told. */
function probedShare(told: EngineShare, probes: readonly PhaseEstimate[]): EngineShare {
  const start = { factor: told.factor, layerNs: Math.max(LAYER_NS_LEAST, told.layerNs) };
  const loss = (at: Readonly<Record<string, number>>): number => {
    const share = { factor: at["factor"]!, layerNs: at["layerNs"]! };
    const left = square(ln(share.factor / start.factor)) + square(ln(share.layerNs / start.layerNs));
    const errors = probes.reduce((sum, one) => sum + square(ln(timeOf(share, one) / one.ns)), 0);
    return errors / square(ERROR_DEVIATION) + left / square(SHARE_DEVIATION);
  };
  const bounds = { factor: [0.2, 5] as const, layerNs: [LAYER_NS_LEAST, GRID_MOST_NS] as const };
  const found = coordinateSearch(start, loss, { free: ["factor", "layerNs"], bounds, evaluations: EVALUATIONS });
  return { factor: found["factor"]!, layerNs: found["layerNs"]! };
}

function rowOf(set: PhaseSet, phase: TimedPhase["phase"], protocol: string, pairs: readonly PredictedMeasured[]): AccuracyRow {
  const { dataSet, engine, sheet } = set;
  const published = "15.7 % end to end on a GPU not profiled (BLIS, A100)";
  return {
    dataSet,
    protocol,
    family: `${phase} time`,
    device: sheet.name,
    engine,
    excluded: set.excluded,
    ...errorFigures(pairs),
    published,
  };
}

function square(value: number): number {
  return value * value;
}
