/**
 * Frames on sockets between front end, workers and seats: 16 bytes (magic, length of the control part u32, of the payload u64; little-endian), the
 * control part in msgpack, then raw bytes. A frame with neither is a sign of life.
 */
export const HEADER_BYTES = 16;
/** "hsf1". */
export const MAGIC = 0x31667368;

export interface FrameLimits {
  readonly controlBytes: number;
  readonly payloadBytes: number;
}

/** Before a peer has shown who it is. */
export const STRANGER_LIMITS: FrameLimits = { controlBytes: 16_384, payloadBytes: 0 };
/** Array buffers end before 4 GiB on some platforms; larger tensors go in rows. */
export const TRUSTED_LIMITS: FrameLimits = { controlBytes: 16 * 2 ** 20, payloadBytes: 2 ** 32 - 1 };

export interface FrameReader {
  /** Takes what arrived. Errors: a text that says what is wrong; nothing can be read after that. */
  push(chunk: Uint8Array): string | undefined;
  limits: FrameLimits;
}

export type FrameHandler = (control: Uint8Array, payload: Uint8Array<ArrayBuffer> | undefined) => void;

/** Where the frame that is being read has come to. */
interface Partial {
  control: Uint8Array;
  payload: Uint8Array<ArrayBuffer> | undefined;
  done: number;
}

/** Puts frames together from chunks cut anywhere. Payloads are in memory of their own; a control part is valid only during the call. */
export function createFrameReader(limits: FrameLimits, onFrame: FrameHandler): FrameReader {
  const header = new Uint8Array(HEADER_BYTES);
  let headerDone = 0;
  let frame: Partial | undefined;
  let broken: string | undefined;

  const begin = (bytes: Uint8Array): string | undefined => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
    const control = view.getUint32(4, true);
    const payload = view.getUint32(8, true) + view.getUint32(12, true) * 2 ** 32;
    if (view.getUint32(0, true) !== MAGIC) return "what came is no frame";
    if (control > reader.limits.controlBytes) return `a control part of ${control} bytes, at most ${reader.limits.controlBytes}`;
    if (payload > reader.limits.payloadBytes) return `a payload of ${payload} bytes, at most ${reader.limits.payloadBytes}`;
    frame = { control: new Uint8Array(control), payload: payload === 0 ? undefined : emptyOf(payload), done: 0 };
    return undefined;
  };

  const reader: FrameReader = {
    limits,
    push: (chunk) => {
      for (let at = 0; at < chunk.byteLength || isWhole(frame); ) {
        if (broken !== undefined) return broken;
        if (frame === undefined) {
          const taken = Math.min(HEADER_BYTES - headerDone, chunk.byteLength - at);
          header.set(chunk.subarray(at, at + taken), headerDone);
          headerDone += taken;
          at += taken;
          if (headerDone < HEADER_BYTES) return undefined;
          headerDone = 0;
          broken = begin(header);
          continue;
        }
        at += fill(frame, chunk, at);
        if (!isWhole(frame)) continue;
        const { control, payload } = frame;
        frame = undefined;
        onFrame(control, payload);
      }
      return broken;
    },
  };
  return reader;
}

function isWhole(frame: Partial | undefined): boolean {
  return frame !== undefined && frame.done === frame.control.byteLength + (frame.payload?.byteLength ?? 0);
}

function fill(frame: Partial, chunk: Uint8Array, from: number): number {
  const { control, payload } = frame;
  let at = from;
  if (frame.done < control.byteLength) {
    const taken = Math.min(control.byteLength - frame.done, chunk.byteLength - at);
    control.set(chunk.subarray(at, at + taken), frame.done);
    frame.done += taken;
    at += taken;
  }
  if (payload !== undefined && frame.done >= control.byteLength) {
    const done = frame.done - control.byteLength;
    const taken = Math.min(payload.byteLength - done, chunk.byteLength - at);
    payload.set(chunk.subarray(at, at + taken), done);
    frame.done += taken;
    at += taken;
  }
  return at - from;
}

/** Not zeroed, in memory of its own, so that it can be given to a thread. */
function emptyOf(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer as ArrayBuffer);
}

/** Header and control part of a frame, in one piece. */
export function frameHead(control: Uint8Array, payloadBytes: number): Buffer {
  const head = Buffer.allocUnsafe(HEADER_BYTES + control.byteLength);
  head.writeUInt32LE(MAGIC, 0);
  head.writeUInt32LE(control.byteLength, 4);
  head.writeUInt32LE(payloadBytes % 2 ** 32, 8);
  head.writeUInt32LE(Math.floor(payloadBytes / 2 ** 32), 12);
  head.set(control, HEADER_BYTES);
  return head;
}
