import { assert } from "../../base/assert.ts";
import { planted } from "../../base/planted-fault.ts";
import type { Nanoseconds } from "../../base/units.ts";
import { type Instance, NONE, type Storage, type Transfer, type Value } from "./dataflow-state.ts";
import { HOME, type LinkId, type MemoryId, type TransferPurpose } from "./dataflow-types.ts";
import { type Flow, storageBy, valueBy } from "./flow.ts";
import { freeBytes, instanceAt, lease, unlease } from "./instances.ts";
import { predictTransferNs, recordTransfer } from "./link-model.ts";
import { linkFrom } from "./rack-map.ts";
import { settleHome } from "./values.ts";

/** What became of the wish to have a value in a memory. */
export type Arrival = "here" | "coming" | "gone" | "no-room";

/**
 * Sees to it that a value comes to a memory: from the instance it comes from soonest, or over home where no link is direct.
 * Room is taken where the memory has it, never made.
 */
export function bring(flow: Flow, value: Value, to: { memory: MemoryId; purpose: TransferPurpose; onward?: MemoryId }): Arrival {
  const storage = storageBy(flow, value.storage);
  const { memory, purpose } = to;
  const target = instanceAt(storage, memory);
  if (target !== undefined && (target.version >= value.version || planted("stale-read"))) return "here";
  if (target !== undefined && target.arriving !== NONE) return "coming";
  let from: Instance | undefined;
  let fromLink = NONE;
  let soonest = Infinity;
  let somewhere = false;
  for (const source of storage.instances) {
    if (source.version < value.version) continue;
    somewhere = true;
    const link = linkFrom(flow.map, source.memory, memory);
    if (link < 0) continue;
    const endsAt = linkFreeAt(flow, link) + predictTransferNs(flow.state.links[link]!, value.bytes);
    if (endsAt >= soonest) continue;
    soonest = endsAt;
    from = source;
    fromLink = link;
  }
  if (!somewhere) return "gone";
  if (from === undefined) {
    const relayed = bring(flow, value, { memory: HOME, purpose: "relay", onward: purpose === "prefetch" ? memory : NONE });
    assert(relayed !== "here", "home reaches every memory");
    return relayed;
  }
  const needed = value.bytes - (target?.reserved ?? 0);
  if (needed > 0 && needed > freeBytes(flow, memory)) return "no-room";
  send(flow, { storage, value, from, link: fromLink, memory, purpose, onward: to.onward ?? NONE });
  return "coming";
}

interface Sending {
  readonly storage: Storage;
  readonly value: Value;
  readonly from: Instance;
  readonly link: LinkId;
  readonly memory: MemoryId;
  readonly purpose: TransferPurpose;
  readonly onward: MemoryId;
}

function send(flow: Flow, sending: Sending): void {
  const { state } = flow;
  const { storage, value, from, link, memory, purpose, onward } = sending;
  lease(flow, storage, { memory: from.memory, bytes: from.reserved });
  if (planted("unleased-source")) from.leases--;
  const target = lease(flow, storage, { memory, bytes: value.bytes });
  const id = state.next.transfer++;
  const fromByte = target.version === NONE ? 0 : target.bytes;
  const moved = value.bytes - fromByte;
  const predictedNs = predictTransferNs(state.links[link]!, moved);
  const { channel } = flow.config.rack.links[link]!;
  state.channelFreeAt[channel] = linkFreeAt(flow, link) + predictedNs;
  state.channelBusyNs[channel]! += predictedNs;
  target.arriving = id;
  target.arrivingVersion = value.version;
  target.allocated = true;
  const { version, bytes } = value;
  const transfer: Transfer = {
    id,
    storage: storage.id,
    link,
    source: from.memory,
    target: memory,
    version,
    bytes,
    moved,
    purpose,
    predictedNs,
    roomBytes: purpose === "write-back" ? from.reserved : 0,
    onward,
  };
  state.transfers.set(id, transfer);
  state.memories[from.memory]!.writingBack += transfer.roomBytes;
  if (purpose === "write-back") state.counts.writeBacks++;
  flow.commands.push({
    type: "transfer",
    transfer: id,
    storage: storage.id,
    link,
    source: from.memory,
    target: memory,
    fromByte,
    toByte: bytes,
    purpose,
  });
}

export function linkFreeAt(flow: Flow, link: LinkId): Nanoseconds {
  return Math.max(flow.now, flow.state.channelFreeAt[flow.config.rack.links[link]!.channel]!);
}

/** The books after a transfer has ended; with a duration it has arrived. Whoever waited for the storage looks again. */
export function endTransfer(flow: Flow, transfer: Transfer, durationNs: Nanoseconds | undefined): void {
  const { state } = flow;
  const storage = storageBy(flow, transfer.storage);
  state.transfers.delete(transfer.id);
  correctChannel(flow, transfer);
  state.memories[transfer.source]!.writingBack -= transfer.roomBytes;
  if (transfer.roomBytes > 0) flow.memoriesToLookAt.push(transfer.source);
  if (storage.waiters.length > 0) {
    flow.tasksToLookAt.push(...storage.waiters);
    storage.waiters = [];
  }
  // A fetch may have waited for less than it wants, or for what did not come.
  if (transfer.target === HOME) for (const id of storage.values) flow.fetchesToLookAt.push(...valueBy(flow, id).fetches);
  const target = instanceAt(storage, transfer.target);
  if (target?.arriving === transfer.id) {
    target.arriving = NONE;
    if (durationNs !== undefined) {
      recordTransfer(state.links[transfer.link]!, transfer.moved, durationNs);
      target.version = Math.max(target.version, transfer.version);
      target.bytes = Math.max(target.bytes, transfer.bytes);
      if (transfer.target === HOME) settleHome(flow, storage);
    }
    unlease(flow, storage, target);
  }
  const source = instanceAt(storage, transfer.source);
  if (source !== undefined && !planted("unleased-source")) unlease(flow, storage, source);
}

/** What is still under way on the channel, from now. */
function correctChannel({ state, config, now }: Flow, { link, predictedNs }: Transfer): void {
  const { channel } = config.rack.links[link]!;
  state.channelBusyNs[channel] = Math.max(0, state.channelBusyNs[channel]! - predictedNs);
  state.channelFreeAt[channel] = now + state.channelBusyNs[channel]!;
}
