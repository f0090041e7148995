import type { ByteSource } from "../../base/bytes.ts";
import { HeddleError } from "../../base/heddle-error.ts";

/** Bytes read from a source at a time. */
const WINDOW_BYTES = 1 << 18;

/** Walks a protobuf message: tags, varints, and stretches that are copied or skipped. */
export interface WireCursor {
  readonly position: number;
  /** The next varint below 2^53. */
  varint(end: number): number;
  skip(bytes: number, end: number): void;
  /** A view that is good until the next call. */
  view(from: number, bytes: number): Uint8Array;
}

/** Errors: `onnx-invalid` where a length or a number reaches past `end`. */
export function wireCursor(source: ByteSource): WireCursor {
  let position = 0;
  let window: Uint8Array = new Uint8Array(0);
  let start = 0;
  const load = (from: number): void => {
    window = source.read(from, Math.min(WINDOW_BYTES, source.byteLength - from));
    start = from;
  };
  const next = (): number => {
    if (position < start || position >= start + window.length) load(position);
    return window[position++ - start]!;
  };
  return {
    get position() {
      return position;
    },
    varint: (end) => {
      let value = 0;
      for (let scale = 1, count = 0; count < 10; count++, scale *= 128) {
        if (position >= end) break;
        const byte = next();
        value += (byte & 127) * scale;
        if (byte < 128) return value;
      }
      throw damaged(position, "a number does not end");
    },
    skip: (bytes, end) => {
      if (bytes > end - position) throw damaged(position, `${bytes} bytes are announced where ${end - position} are left`);
      position += bytes;
    },
    view: (from, bytes) => {
      if (from < start || from + bytes > start + window.length) {
        if (bytes > WINDOW_BYTES) return source.read(from, bytes);
        load(from);
      }
      return window.subarray(from - start, from - start + bytes);
    },
  };
}

export function damaged(position: number, detail: string): HeddleError {
  return new HeddleError("onnx-invalid", { where: `byte ${position}`, detail });
}
