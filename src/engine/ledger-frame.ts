import { crc32 } from "../base/crc32.ts";

/** Bytes before a frame's payload: its length and its checksum, both 32 bits, little-endian. */
export const FRAME_HEAD_BYTES = 8;
/** Longest payload; a snapshot of 1,000 running requests with 100,000 sealed blocks takes a tenth of it. */
export const FRAME_PAYLOAD_MAX = 67_108_864;

/** A payload with its length and checksum. */
export function frameOf(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEAD_BYTES + payload.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, payload.length, true);
  view.setUint32(4, crc32(payload), true);
  frame.set(payload, FRAME_HEAD_BYTES);
  return frame;
}

/** What stands at an offset: a whole frame, the torn end of the bytes, or damage. */
export type FrameRead =
  | { readonly type: "frame"; readonly payload: Uint8Array; readonly next: number }
  | { readonly type: "torn" }
  | { readonly type: "damaged"; readonly detail: string };

/** Reads the frame at `at`. A frame that reaches beyond the end was cut off by the end of its writer. */
export function readFrame(bytes: Uint8Array, at: number): FrameRead {
  if (bytes.length - at < FRAME_HEAD_BYTES) return { type: "torn" };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(at, true);
  if (length > FRAME_PAYLOAD_MAX)
    return { type: "damaged", detail: `a frame of ${length} bytes, at most ${FRAME_PAYLOAD_MAX} are written` };
  const start = at + FRAME_HEAD_BYTES;
  if (bytes.length - start < length) return { type: "torn" };
  const payload = bytes.subarray(start, start + length);
  if (crc32(payload) !== view.getUint32(at + 4, true)) return { type: "damaged", detail: "the checksum does not match" };
  return { type: "frame", payload, next: start + length };
}
