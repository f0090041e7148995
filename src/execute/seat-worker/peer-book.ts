import type { MessagePort } from "node:worker_threads";
import { HeddleError } from "../../base/heddle-error.ts";
import { createPeerChannel, type PeerChannel } from "./peer-channel.ts";

/** Channels of a seat, by the other seat; a later one takes the place of one that is gone. */
export interface PeerBook {
  add(seat: string, port: MessagePort): void;
  find(seat: string): PeerChannel | undefined;
  /** Errors: `input-invalid` where the seats are not connected. */
  to(seat: string): PeerChannel;
  moved: { sentBytes: number; receivedBytes: number };
  readonly unclaimedBytes: number;
  close(): void;
}

export function createPeerBook(windowBytes: number): PeerBook {
  const channels = new Map<string, PeerChannel>();
  return {
    add: (seat, port) => {
      channels.get(seat)?.close();
      channels.set(seat, createPeerChannel(port, { seat, windowBytes }));
    },
    find: (seat) => channels.get(seat),
    to: (seat) => {
      const channel = channels.get(seat);
      if (channel === undefined) throw new HeddleError("input-invalid", { where: seat, detail: "the seats are not connected" });
      return channel;
    },
    moved: { sentBytes: 0, receivedBytes: 0 },
    get unclaimedBytes() {
      let sum = 0;
      for (const channel of channels.values()) sum += channel.unclaimedBytes;
      return sum;
    },
    close: () => {
      for (const channel of channels.values()) channel.close();
    },
  };
}
