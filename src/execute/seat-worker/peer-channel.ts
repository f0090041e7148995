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
  /** This side has ended with the collective; `failure` where it gave up. */
  unwatch(collective: number, failure: HeddleError | undefined): void;
  /** Tells the other side that this one gives up. */
  abort(collective: number, failure: HeddleError): void;
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

const COLLECTIVES = 1;
/** Collectives that one side has ended with are remembered for what the other still says of them, this many at most. */
const ENDS_KEPT = 1_024;

export function createPeerChannel(port: MessagePort, options: ChannelOptions): PeerChannel {
  const streams = new Map<string, Stream>();
  const watchers = new Map<number, (error: HeddleError) => void>();
  const aborted = new Map<number, HeddleError>();
  const over = new Set<number>();
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

  /** What is left of a collective belongs to nobody. */
  const drop = (collective: number, failure: HeddleError | undefined): void => {
    const stream = streams.get(`${COLLECTIVES}:${collective}`);
    if (stream === undefined) return;
    for (const { tensor, eager } of stream.arrived.splice(0)) {
      unclaimed -= tensor.payload.byteLength;
      if (eager && gone === undefined) post({ t: "credit", bytes: tensor.payload.byteLength });
    }
    stream.offers = 0;
    if (failure !== undefined) for (const { lost } of stream.stalled.splice(0)) lost(failure);
    tidy(COLLECTIVES, collective, stream);
  };

  const taken: { [T in PeerMessage["t"]]: (message: Extract<PeerMessage, { t: T }>) => void } = {
    data: ({ lane, tag, eager, type, dims, payload }) => {
      if (lane === COLLECTIVES && over.has(tag)) {
        if (eager) post({ t: "credit", bytes: payload.byteLength });
        return;
      }
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
      if (lane === COLLECTIVES && over.has(tag)) return;
      const stream = streamOf(lane, tag);
      stream.offers++;
      grantMore(lane, tag, stream);
    },
    grant: ({ lane, tag }) => {
      const stream = streamOf(lane, tag);
      const next = stream.stalled.shift();
      // A collective was given up between offer and grant.
      if (next === undefined) return;
      post({ t: "data", lane, tag, eager: false, ...next.tensor });
      tidy(lane, tag, stream);
      next.sent();
    },
    credit: ({ bytes }) => {
      flying -= bytes;
    },
    abort: ({ tag, lost, detail }) => {
      const error = new HeddleError(lost ? "host-lost" : "device-failed", {
        where: options.seat,
        detail: `it gave up the collective: ${detail}`,
      });
      drop(tag, error);
      const failed = watchers.get(tag);
      if (failed !== undefined) {
        watchers.delete(tag);
        failed(error);
        return;
      }
      if (over.has(tag)) return;
      aborted.set(tag, error);
      const [oldest] = aborted.keys();
      if (aborted.size > ENDS_KEPT && oldest !== undefined) aborted.delete(oldest);
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
    unwatch: (collective, failure) => {
      watchers.delete(collective);
      drop(collective, failure);
      remember(over, collective);
    },
    abort: (collective, { code, message }) => {
      if (gone === undefined) post({ t: "abort", tag: collective, lost: code === "host-lost", detail: message });
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

function remember(ends: Set<number>, collective: number): void {
  ends.add(collective);
  const [oldest] = ends;
  if (ends.size > ENDS_KEPT && oldest !== undefined) ends.delete(oldest);
}
