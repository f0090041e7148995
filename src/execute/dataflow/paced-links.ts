import { type Bytes, type Nanoseconds, NS_PER_MS } from "../../base/units.ts";
import type { Clock } from "../../clock/clock.ts";
import type { DataflowRack, LinkId, TransferCommand } from "../../engine/dataflow/dataflow-types.ts";

export interface PacedLinksOptions {
  readonly clock: Clock;
  readonly rack: DataflowRack;
  /** Wall time a transfer is to take at least, where a link is emulated; transfers of one channel take turns. */
  readonly pacedNs?: (link: LinkId, bytes: Bytes) => Nanoseconds | undefined;
}

/** A transfer's time on its link. `pacedNs`: what it takes of it, where the link is emulated. */
export interface LinkTurn {
  readonly beganNs: Nanoseconds;
  readonly pacedNs: Nanoseconds | undefined;
}

/**
 * Waits until a transfer over an emulated link may be over. It resolves with the time from which the transfer had the link, which is its start where
 * none is emulated, and how long it has it: what it waited for those before it is no time of its own, nor how late a timer fires.
 */
export function pacedLinks({
  clock,
  rack,
  pacedNs,
}: PacedLinksOptions): (command: TransferCommand, startNs: Nanoseconds) => Promise<LinkTurn> {
  const freeAt = new Map<number, Nanoseconds>();
  return async ({ link, fromByte, toByte }, startNs) => {
    const ns = pacedNs?.(link, toByte - fromByte);
    if (ns === undefined) return { beganNs: startNs, pacedNs: undefined };
    const { channel } = rack.links[link]!;
    const beganNs = Math.max(startNs, freeAt.get(channel) ?? 0);
    freeAt.set(channel, beganNs + ns);
    await new Promise((resolve) => setTimeout(resolve, (beganNs + ns - clock.now()) / NS_PER_MS));
    return { beganNs, pacedNs: ns };
  };
}
