/** Random access to the bytes of a file or buffer. Readers take this, not paths; `execute/file-bytes.ts` opens one on a file. */
export interface ByteSource {
  readonly byteLength: number;
  /** A view or copy of `length` bytes from `offset`; both lie inside `byteLength`, which the caller checks. */
  read(offset: number, length: number): Uint8Array;
}

/** A file that lies in memory: parts are read without a copy. */
export function bytesOf(buffer: Uint8Array): ByteSource {
  return { byteLength: buffer.byteLength, read: (offset, length) => buffer.subarray(offset, offset + length) };
}
