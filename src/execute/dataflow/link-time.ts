import type { Bytes, Nanoseconds } from "../../base/units.ts";
import { NS_PER_S } from "../../base/units.ts";
import type { DataflowRack, LinkSpec, TransferCommand } from "../../engine/dataflow/dataflow-types.ts";

export interface TransferTimes {
  readonly startNs: Nanoseconds;
  readonly endNs: Nanoseconds;
  readonly bytes: Bytes;
  /** When the last run or load at either end was over, by the same clock; 0 where there was none. */
  readonly busyUntilNs: Nanoseconds;
  /** When the transfer before it on the channel was over, by the same clock; 0 where there was none. */
  readonly freeAtNs: Nanoseconds;
}

/**
 * What of a transfer's time is the link's. A seat whose thread is in a native run or load answers when that is over: the wait is not the link's time, and a link
 * that learned it would be thought as slow as the longest of them. No less than the link's figures give, because bytes may move meanwhile as well.
 *
 * Transfers of one channel take turns wherever they are predicted, so what one waits for those before it is not its time either. Why: 36 inputs of 12 runs that
 * were sent at once and came together after 7 ms were learned as 7 ms each, and predicted to take 250 ms one after the other.
 */
export function linkTimeNs(
  { latencyNs, bytesPerSecond }: LinkSpec,
  { startNs, endNs, bytes, busyUntilNs, freeAtNs }: TransferTimes,
): Nanoseconds {
  const figuresNs = latencyNs + (bytes / bytesPerSecond) * NS_PER_S;
  const beganNs = Math.max(startNs, freeAtNs);
  const sinceBusyNs = endNs - Math.max(beganNs, busyUntilNs);
  return Math.max(1, Math.round(Math.min(endNs - beganNs, Math.max(sinceBusyNs, figuresNs))));
}

/** What of each transfer's time is its link's, told of all transfers as they end. */
export function linkTimes({
  links,
}: DataflowRack): (command: TransferCommand, times: Omit<TransferTimes, "bytes" | "freeAtNs">) => Nanoseconds {
  const freeAt = new Map<number, Nanoseconds>();
  return ({ link: id, fromByte, toByte }, times) => {
    const link = links[id]!;
    const freeAtNs = freeAt.get(link.channel) ?? 0;
    freeAt.set(link.channel, times.endNs);
    return linkTimeNs(link, { ...times, bytes: toByte - fromByte, freeAtNs });
  };
}
