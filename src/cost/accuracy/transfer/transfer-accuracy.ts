import { exp, ln } from "../../../base/math.ts";
import { quantile } from "../../../base/statistics.ts";
import { type ConstantSlot, slotOf } from "../../operator/physics/constant-slot.ts";
import { type DeviceFigures, deviceFigures } from "../../operator/physics/device-figures.ts";
import type { DeviceTimes, MeasuredTime } from "../../operator/physics/fit/fit-constants.ts";
import { fitSlot } from "../../operator/physics/fit/fit-slot.ts";
import { START } from "../../operator/physics/fit/start.ts";
import { operatorNs } from "../../operator/physics/operator-time.ts";
import type { PhysicsConstants } from "../../operator/physics/physics-constants.ts";
import { adjustConstants } from "../../operator/physics/probe/adjust-constants.ts";
import { nearestRows } from "../../operator/physics/probe/nearest-rows.ts";
import { probeQueries } from "../../operator/physics/probe/probe-queries.ts";
import type { AccuracyRow } from "../accuracy-row.ts";
import { errorFigures, type PredictedMeasured } from "../error-summary.ts";
import type { DeviceSet } from "./device-set.ts";

/** What of a transfer study to run. */
export interface TransferOptions {
  readonly slots: readonly ConstantSlot[];
  /** Catalogue ids that are left out together; absent: each device alone. */
  readonly together?: readonly (readonly string[])[];
  /** Evaluations of a fit at most. */
  readonly evaluations: number;
}

/** Data of one chip family teach more of it than those of all: families are fitted apart, and once together. */
const PROTOCOL_SHEET = "device left out of every fit; its data sheet alone";
const PROTOCOL_PROBES = "device left out of every fit; data sheet and at most 6 microbenchmarks a kind of operator, not counted";

/**
 * How well devices are predicted that no constant was fitted on: each device (or group) left out in turn, from its data sheet alone with constants fitted
 * on all others together, and with a few of its rows as microbenchmarks that choose the nearest family and move what they tell. Intervals are those that
 * hold 90 % of what the other devices were off by when they were left out.
 */
export function transferAccuracy(sets: readonly DeviceSet[], options: TransferOptions): readonly AccuracyRow[] {
  return options.slots.flatMap((slot) => {
    const alone: LeftOut[] = [];
    const probed: LeftOut[] = [];
    const ids = [...new Set(sets.map(({ sheet }) => sheet.id))];
    for (const left of options.together ?? ids.map((id) => [id]))
      leaveOut({ sets, slot, left, evaluations: options.evaluations }, alone, probed);
    return alone.flatMap((_, i) => [rowOf(alone, i, slot, PROTOCOL_SHEET), rowOf(probed, i, slot, PROTOCOL_PROBES)]);
  });
}

/** Predictions of one set that was left out. */
interface LeftOut {
  readonly set: DeviceSet;
  readonly pairs: readonly PredictedMeasured[];
  readonly faulty: boolean;
}

interface Study {
  readonly sets: readonly DeviceSet[];
  readonly slot: ConstantSlot;
  readonly left: readonly string[];
  readonly evaluations: number;
}

/** Predicts the sets of the devices in `left` from all others, and adds what came of it. */
function leaveOut({ sets, slot, left, evaluations }: Study, alone: LeftOut[], probed: LeftOut[]): void {
  const timed = sets.map((set) => ({ set, times: timesOf(set, slot) })).filter(({ times }) => times.rows.length > 0);
  const targets = timed.filter(({ set }) => left.includes(set.sheet.id));
  const others = timed.filter(({ set }) => !left.includes(set.sheet.id) && set.faulty?.includes(slot) !== true);
  if (targets.length === 0 || others.length === 0) return;
  const all = others.map(({ times }) => times);
  const joint = fitSlot(START, slot, all, evaluations);
  const families = all.map((times) => fitSlot(joint, slot, [times], evaluations));
  for (const { set, times } of targets) {
    const probes = nearestRows(times.rows, probeQueries(slot));
    const scored = times.rows.filter((row) => !probes.includes(row));
    const adjusted = adjustConstants([joint, ...families], slot, { device: times.device, rows: probes }) ?? joint;
    const faulty = set.faulty?.includes(slot) === true;
    alone.push({ set, faulty, pairs: pairsOf(times.device, joint, scored) });
    probed.push({ set, faulty, pairs: pairsOf(times.device, adjusted, scored) });
  }
}

/** Half-width that holds 90 % of what the other devices, left out in their turn, were off by; undefined where there is no other. */
function spreadFromOthers(results: readonly LeftOut[], of: LeftOut): number | undefined {
  const widths = results
    .filter(({ set, faulty }) => set.sheet.id !== of.set.sheet.id && !faulty)
    .flatMap(({ pairs }) => pairs.map(({ predicted, measured }) => exp(Math.abs(ln(predicted / measured))) - 1));
  return widths.length === 0 ? undefined : quantile(widths, 0.9);
}

function timesOf(set: DeviceSet, slot: ConstantSlot): DeviceTimes {
  const rows = set.rows.filter(({ query }) => slotOf(query) === slot);
  return { device: deviceFigures(set.sheet), rows };
}

function pairsOf(device: DeviceFigures, constants: PhysicsConstants, rows: readonly MeasuredTime[]): PredictedMeasured[] {
  return rows.map(({ query, ns }) => ({ predicted: operatorNs(device, constants, query), measured: ns }));
}

function rowOf(results: readonly LeftOut[], index: number, slot: ConstantSlot, protocol: string): AccuracyRow {
  const result = results[index]!;
  const { set, faulty } = result;
  const spread = spreadFromOthers(results, result);
  const pairs = spread === undefined ? result.pairs : result.pairs.map((pair) => ({ ...pair, spread }));
  return {
    dataSet: set.dataSet,
    protocol,
    family: faulty ? `${slot} (faulty table)` : slot,
    device: set.sheet.name,
    engine: set.engine,
    excluded: { ...set.impossible?.[slot] },
    ...errorFigures(pairs),
    published: "10.9 % over operators on new hardware (LLMCompass, arXiv 2312.03134)",
  };
}
