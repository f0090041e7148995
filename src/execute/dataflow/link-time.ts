import type { Bytes, Nanoseconds } from "../../base/units.ts";
import { NS_PER_S } from "../../base/units.ts";
import type { LinkSpec } from "../../engine/dataflow/dataflow-types.ts";

export interface TransferTimes {
  readonly startNs: Nanoseconds;
  readonly endNs: Nanoseconds;
  readonly bytes: Bytes;
  /** When the last run at either end was over, by the same clock; 0 where there was none. */
  readonly ranUntilNs: Nanoseconds;
}

/**
 * What of a transfer's time is the link's. A seat whose thread is in a native run answers when that is over: the wait is the run's time, and a link
 * that learned it would be thought as slow as the longest run. No less than the link's figures give, because bytes may move during a run as well.
 */
export function linkTimeNs({ latencyNs, bytesPerSecond }: LinkSpec, { startNs, endNs, bytes, ranUntilNs }: TransferTimes): Nanoseconds {
  const figuresNs = latencyNs + (bytes / bytesPerSecond) * NS_PER_S;
  const sinceRunNs = endNs - Math.max(startNs, ranUntilNs);
  return Math.max(1, Math.round(Math.min(endNs - startNs, Math.max(sinceRunNs, figuresNs))));
}
