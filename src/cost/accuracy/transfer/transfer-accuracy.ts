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
 * on all others together, and with a few of its rows as microbenchmarks that choose the nearest family and move what they tell.
 */
export function transferAccuracy(sets: readonly DeviceSet[], options: TransferOptions): readonly AccuracyRow[] {
  const rows: AccuracyRow[] = [];
  const ids = [...new Set(sets.map(({ sheet }) => sheet.id))];
  for (const slot of options.slots) {
    const timed = sets.map((set) => ({ set, times: timesOf(set, slot) })).filter(({ times }) => times.rows.length > 0);
    for (const left of options.together ?? ids.map((id) => [id])) {
      const targets = timed.filter(({ set }) => left.includes(set.sheet.id));
      const others = timed.filter(({ set }) => !left.includes(set.sheet.id) && !set.faulty?.includes(slot));
      if (targets.length === 0 || others.length === 0) continue;
      const joint = fitSlot(
        START,
        slot,
        others.map(({ times }) => times),
        options.evaluations,
      );
      const families = others.map(({ times }) => fitSlot(joint, slot, [times], options.evaluations));
      for (const { set, times } of targets) {
        const probes = nearestRows(times.rows, probeQueries(slot));
        const scored = times.rows.filter((row) => !probes.includes(row));
        const probed = adjustConstants([joint, ...families], slot, { device: times.device, rows: probes }) ?? joint;
        rows.push(rowOf(set, slot, PROTOCOL_SHEET, pairsOf(times.device, joint, scored)));
        rows.push(rowOf(set, slot, PROTOCOL_PROBES, pairsOf(times.device, probed, scored)));
      }
    }
  }
  return rows;
}

function timesOf(set: DeviceSet, slot: ConstantSlot): DeviceTimes {
  const rows = set.rows.filter(({ query }) => slotOf(query) === slot && !("weightType" in query && query.weightType !== query.type));
  return { device: deviceFigures(set.sheet), rows };
}

function pairsOf(device: DeviceFigures, constants: PhysicsConstants, rows: readonly MeasuredTime[]): PredictedMeasured[] {
  return rows.map(({ query, ns }) => ({ predicted: operatorNs(device, constants, query), measured: ns }));
}

function rowOf(set: DeviceSet, slot: ConstantSlot, protocol: string, pairs: readonly PredictedMeasured[]): AccuracyRow {
  return {
    dataSet: set.dataSet,
    protocol,
    family: slot,
    device: set.sheet.name,
    engine: set.engine,
    excluded: {},
    ...errorFigures(pairs),
    published: "10.9 % over operators on new hardware (LLMCompass, arXiv 2312.03134)",
  };
}
