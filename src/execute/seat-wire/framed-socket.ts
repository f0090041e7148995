import type { Socket } from "node:net";
import { Decoder, Encoder } from "@msgpack/msgpack";
import { createFrameReader, type FrameLimits, frameHead, HEADER_BYTES, STRANGER_LIMITS } from "./frame.ts";

/** A message on a socket: plain data, with bytes in `payload` alone. */
export type WireMessage = { readonly payload?: Uint8Array } & Readonly<Record<string, unknown>>;

/** Messages over a socket, in both directions. */
export interface FramedSocket {
  /** `payload` must not change any more. */
  send(message: object): void;
  /** Takes the place of the handler there was. */
  onMessage(handler: (message: WireMessage) => void): void;
  /** Told once, with the reason. */
  onEnd(handler: (reason: string) => void): void;
  trust(limits: FrameLimits): void;
  /** From now on both sides give signs of life; silence for that long ends it. Units: ms. */
  watch(silenceMs: number): void;
  /** Ends it when what was sent has gone out. */
  finish(): void;
  destroy(reason: string): void;
}

const BEATS_PER_SILENCE = 4;
/** Tells a payload of no bytes, such as a tensor without rows, from none. */
const NO_BYTES = "no-bytes";

export function frameSocket(socket: Socket): FramedSocket {
  const encoder = new Encoder();
  const decoder = new Decoder();
  let handler: (message: WireMessage) => void = () => undefined;
  let ended: string | undefined;
  let told: ((reason: string) => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let heard = true;
  socket.setNoDelay(true);

  const end = (reason: string): void => {
    if (ended !== undefined) return;
    ended = reason;
    clearInterval(timer);
    socket.destroy();
    told?.(reason);
  };
  const reader = createFrameReader(STRANGER_LIMITS, (control, payload) => {
    if (control.byteLength === 0 || ended !== undefined) return;
    const message = decoder.decode(control);
    if (typeof message !== "object" || message === null) throw new TypeError("a control part that is no record");
    const bytes = payload ?? (NO_BYTES in message ? new Uint8Array(0) : undefined);
    handler(bytes === undefined ? (message as WireMessage) : { ...message, payload: bytes });
  });
  socket.on("data", (chunk: Buffer) => {
    heard = true;
    try {
      const wrong = reader.push(chunk);
      if (wrong !== undefined) end(wrong);
    } catch (thrown) {
      end(thrown instanceof Error ? thrown.message : String(thrown));
    }
  });
  socket.on("error", (error) => end(error.message));
  socket.on("close", () => end("the connection was closed"));

  return {
    send: (message) => {
      if (ended !== undefined) return;
      if ((message as WireMessage).payload === undefined) {
        socket.write(frameHead(encoder.encodeSharedRef(message), 0));
        return;
      }
      const { payload, ...rest } = message as Required<WireMessage>;
      const control = payload.byteLength === 0 ? { ...rest, [NO_BYTES]: true } : rest;
      const head = frameHead(encoder.encodeSharedRef(control), payload.byteLength);
      if (payload.byteLength === 0) {
        socket.write(head);
        return;
      }
      socket.cork();
      socket.write(head);
      socket.write(payload);
      socket.uncork();
    },
    onMessage: (next) => {
      handler = next;
    },
    onEnd: (next) => {
      told = next;
      if (ended !== undefined) next(ended);
    },
    trust: (limits) => {
      reader.limits = limits;
    },
    watch: (silenceMs) => {
      let silent = 0;
      clearInterval(timer);
      timer = setInterval(() => {
        if (socket.writableLength === 0) socket.write(beat());
        silent = heard ? 0 : silent + 1;
        heard = false;
        // Counted in beats of this side, not read off a clock: a pause of this process is no silence of the other.
        if (silent > BEATS_PER_SILENCE) end(`no sign of life for ${silenceMs} ms`);
      }, silenceMs / BEATS_PER_SILENCE);
      timer.unref();
    },
    finish: () => {
      socket.end();
    },
    destroy: end,
  };
}

function beat(): Buffer {
  const head = frameHead(new Uint8Array(0), 0);
  return head.subarray(0, HEADER_BYTES);
}
