import type { MessagePort } from "node:worker_threads";
import { HeddleError } from "../../base/heddle-error.ts";
import type { PeerLane, PeerMessage, WireTensor } from "./seat-messages.ts";

/**
 * What a seat exchanges with one other seat. Messages of one lane and tag arrive in order; those of different tags do not hold each other up: what does
 * not fit the window any more is offered, and sent when somebody waits for it. So unclaimed bytes are bounded, and a receive that is asked for always
 * ends.
 */
export interface PeerChannel {
  /** Resolves when the bytes, which are taken over, have been handed on. Errors: `host-lost`. */
  send(lane: PeerLane, tag: number, tensor: WireTensor): Promise<void>;
  /** Errors: `host-lost`; the reason of the signal where it was aborted first. */
  receive(lane: PeerLane, tag: number): PendingReceive;
  /** Told once, when the other side is gone or gives up the collective of that number; at once where it already has. */
  watch(collective: number, failed: (error: HeddleError) => void): void;
  unwatch(collective: number): void;
  /** Tells the other side that this one gives up. */
  abort(collective: number, detail: string): void;
  /** Arrived, and asked for by nobody. */
  readonly unclaimedBytes: number;
  readonly gone: HeddleError | undefined;
  close(): void;
}

export interface PendingReceive {
  readonly message: Promise<WireTensor>;
  /** Not wanted any more, if it has not come. */
  cancel(error: HeddleError): void;
}

/** One lane and tag. */
interface Stream {
  readonly arrived: { readonly tensor: WireTensor; readonly eager: boolean }[];
  readonly waiting: Waiter[];
  readonly stalled: { readonly tensor: WireTensor; readonly sent: () => void; readonly lost: (error: HeddleError) => void }[];
  /** Offers of the other side that were not granted; grants whose message has not come. */
  offers: number;
  grants: number;
}

interface Waiter {
  readonly resolve: (tensor: WireTensor) => void;
  readonly reject: (error: HeddleError) => void;
}

export interface ChannelOptions {
  /** The other seat, for errors. */
  readonly seat: string;
  readonly windowBytes: number;
}

/** Collectives given up by the other side before this one began are remembered, this many at most. */
const ABORTS_KEPT = 256;

export function createPeerChannel(port: MessagePort, options: ChannelOptions): PeerChannel {
  const streams = new Map<string, Stream>();
  const watchers = new Map<number, (error: HeddleError) => void>();
  const aborted = new Map<number, HeddleError>();
  let flying = 0;
  let unclaimed = 0;
  let gone: HeddleError | undefined;

  const streamOf = (lane: PeerLane, tag: number): Stream => {
    const key = `${lane}:${tag}`;
    let stream = streams.get(key);
    if (stream === undefined) {
      stream = { arrived: [], waiting: [], stalled: [], offers: 0, grants: 0 };
      streams.set(key, stream);
    }
    return stream;
  };
  const tidy = (lane: PeerLane, tag: number, stream: Stream): void => {
    const { arrived, waiting, stalled, offers, grants } = stream;
    if (arrived.length + waiting.length + stalled.length + offers + grants === 0) streams.delete(`${lane}:${tag}`);
  };
  const post = (message: PeerMessage): void => {
    if (message.t === "data") port.postMessage(message, [message.payload.buffer as ArrayBuffer]);
    else port.postMessage(message);
  };
  const grantMore = (lane: PeerLane, tag: number, stream: Stream): void => {
    while (stream.offers > 0 && stream.waiting.length > stream.grants) {
      stream.offers--;
      stream.grants++;
      post({ t: "grant", lane, tag });
    }
  };
  const end = (detail: string): void => {
    if (gone !== undefined) return;
    gone = new HeddleError("host-lost", { where: options.seat, detail });
    for (const { waiting, stalled } of streams.values()) {
      for (const { reject } of waiting.splice(0)) reject(gone);
      for (const { lost } of stalled.splice(0)) lost(gone);
    }
    streams.clear();
    unclaimed = 0;
    port.close();
    const watching = [...watchers.values()];
    watchers.clear();
    for (const failed of watching) failed(gone);
  };

  const taken: { [T in PeerMessage["t"]]: (message: Extract<PeerMessage, { t: T }>) => void } = {
    data: ({ lane, tag, eager, type, dims, payload }) => {
      const stream = streamOf(lane, tag);
      const tensor = { type, dims, payload };
      if (!eager) stream.grants--;
      const waiter = stream.waiting.shift();
      if (waiter === undefined) {
        unclaimed += payload.byteLength;
        stream.arrived.push({ tensor, eager });
        return;
      }
      if (eager) post({ t: "credit", bytes: payload.byteLength });
      tidy(lane, tag, stream);
      waiter.resolve(tensor);
    },
    offer: ({ lane, tag }) => {
      const stream = streamOf(lane, tag);
      stream.offers++;
      grantMore(lane, tag, stream);
    },
    grant: ({ lane, tag }) => {
      const stream = streamOf(lane, tag);
      const next = stream.stalled.shift();
      if (next === undefined) return end("it granted what was not offered");
      post({ t: "data", lane, tag, eager: false, ...next.tensor });
      tidy(lane, tag, stream);
      next.sent();
    },
    credit: ({ bytes }) => {
      flying -= bytes;
    },
    abort: ({ tag, detail }) => {
      const error = new HeddleError("device-failed", { where: options.seat, detail: `it gave up the collective: ${detail}` });
      const failed = watchers.get(tag);
      if (failed !== undefined) {
        watchers.delete(tag);
        failed(error);
        return;
      }
      aborted.set(tag, error);
      const [oldest] = aborted.keys();
      if (aborted.size > ABORTS_KEPT && oldest !== undefined) aborted.delete(oldest);
    },
    gone: ({ detail }) => end(detail),
  };
  port.on("message", (message: PeerMessage) => (taken[message.t] as (message: PeerMessage) => void)(message));
  port.on("close", () => end("its worker ended"));

  return {
    send: (lane, tag, tensor) => {
      if (gone !== undefined) return Promise.reject(gone);
      const stream = streamOf(lane, tag);
      const bytes = tensor.payload.byteLength;
      if (stream.stalled.length === 0 && flying + bytes <= options.windowBytes) {
        flying += bytes;
        post({ t: "data", lane, tag, eager: true, ...tensor });
        tidy(lane, tag, stream);
        return Promise.resolve();
      }
      return new Promise((sent, lost) => {
        stream.stalled.push({ tensor, sent, lost });
        post({ t: "offer", lane, tag });
      });
    },
    receive: (lane, tag) => {
      if (gone !== undefined) return { message: Promise.reject(gone), cancel: () => undefined };
      const stream = streamOf(lane, tag);
      const there = stream.arrived.shift();
      if (there !== undefined) {
        unclaimed -= there.tensor.payload.byteLength;
        if (there.eager) post({ t: "credit", bytes: there.tensor.payload.byteLength });
        tidy(lane, tag, stream);
        return { message: Promise.resolve(there.tensor), cancel: () => undefined };
      }
      let waiter: Waiter | undefined;
      const message = new Promise<WireTensor>((resolve, reject) => {
        waiter = { resolve, reject };
        stream.waiting.push(waiter);
      });
      grantMore(lane, tag, stream);
      const cancel = (error: HeddleError): void => {
        const at = waiter === undefined ? -1 : stream.waiting.indexOf(waiter);
        if (at < 0) return;
        stream.waiting.splice(at, 1);
        tidy(lane, tag, stream);
        waiter?.reject(error);
      };
      return { message, cancel };
    },
    watch: (collective, failed) => {
      const error = gone ?? aborted.get(collective);
      if (error === undefined) watchers.set(collective, failed);
      else failed(error);
    },
    unwatch: (collective) => {
      watchers.delete(collective);
      const stream = streams.get(`1:${collective}`);
      // What is left of a collective that is over belongs to nobody.
      for (const { tensor, eager } of stream?.arrived.splice(0) ?? []) {
        unclaimed -= tensor.payload.byteLength;
        if (eager && gone === undefined) post({ t: "credit", bytes: tensor.payload.byteLength });
      }
      if (stream !== undefined) tidy(1, collective, stream);
    },
    abort: (collective, detail) => {
      if (gone === undefined) post({ t: "abort", tag: collective, detail });
    },
    get unclaimedBytes() {
      return unclaimed;
    },
    get gone() {
      return gone;
    },
    close: () => end("this seat was closed"),
  };
}
