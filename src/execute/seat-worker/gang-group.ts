import { must } from "../../base/assert.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import type { CollectiveGroup } from "../device/collective.ts";
import type { PeerChannel, PendingReceive } from "./peer-channel.ts";
import { ownedCopy } from "./tensor-bytes.ts";

export interface GangGroup extends CollectiveGroup {
  /** Ends every receive, and tells the others. */
  fail(error: HeddleError): void;
  /** After the collective, however it ended. */
  end(): void;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

const COLLECTIVES = 1;

/**
 * A gang over the channels of a seat, for one collective. A member that is lost ends what waits for any member, because those that are left wait for
 * one another; one that gives up tells the others.
 *
 * Errors: `input-invalid` where this seat is no member, or is not connected with one.
 */
export function createGangGroup(
  self: string,
  gang: { readonly call: number; readonly members: readonly string[] },
  channelTo: (seat: string) => PeerChannel | undefined,
): GangGroup {
  const { call, members } = gang;
  const rank = members.indexOf(self);
  if (rank < 0) throw new HeddleError("input-invalid", { where: self, detail: `not a member of the gang ${members.join(", ")}` });
  const channels = members.map((member) => (member === self ? undefined : channelTo(member)));
  const problem = problemOf(self, members, channels);
  if (problem !== undefined) {
    for (const channel of channels) channel?.abort(call, problem);
    throw problem;
  }
  const channelOf = (member: number): PeerChannel => must(channels[member], "another member of the gang");
  const waiting = new Set<PendingReceive>();
  let failure: HeddleError | undefined;
  let sentBytes = 0;
  let receivedBytes = 0;
  const stop = (error: HeddleError): void => {
    failure ??= error;
    for (const one of [...waiting]) one.cancel(failure);
  };
  for (const channel of channels) channel?.watch(call, stop);
  return {
    rank,
    size: members.length,
    send: (target, bytes) => {
      sentBytes += bytes.byteLength;
      const whole = bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer ? bytes : ownedCopy(bytes);
      // What cannot be delivered is met by the next receive from that member.
      channelOf(target)
        .send(COLLECTIVES, call, { type: "u8", dims: [whole.byteLength], payload: whole })
        .catch(() => undefined);
    },
    receive: async (source) => {
      if (failure !== undefined) throw failure;
      const pending = channelOf(source).receive(COLLECTIVES, call);
      waiting.add(pending);
      try {
        const { payload } = await pending.message;
        receivedBytes += payload.byteLength;
        return payload;
      } finally {
        waiting.delete(pending);
      }
    },
    fail: (error) => {
      for (const channel of channels) channel?.abort(call, error);
      stop(error);
    },
    end: () => {
      for (const channel of channels) channel?.unwatch(call, failure);
    },
    get sentBytes() {
      return sentBytes;
    },
    get receivedBytes() {
      return receivedBytes;
    },
  };
}

function problemOf(self: string, members: readonly string[], channels: readonly (PeerChannel | undefined)[]): HeddleError | undefined {
  const missing = members.find((member, i) => member !== self && channels[i] === undefined);
  if (missing !== undefined) return new HeddleError("input-invalid", { where: missing, detail: "the seats are not connected" });
  return channels.find((channel) => channel?.gone !== undefined)?.gone;
}
