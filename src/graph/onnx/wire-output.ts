/** Puts nested protobuf messages together in one growing buffer. */
export interface WireOutput {
  readonly length: number;
  write(bytes: Uint8Array): void;
  /** Begins a message of a field; `close` fills in its length. */
  open(tag: number): number;
  close(mark: number): void;
  bytes(): Uint8Array;
}

/** A length always takes five bytes, the most a 32-bit varint may, so that it can be filled in later. */
const LENGTH_BYTES = 5;

export function wireOutput(): WireOutput {
  let buffer = new Uint8Array(1 << 16);
  let length = 0;
  const reserve = (bytes: number): void => {
    if (length + bytes <= buffer.length) return;
    const grown = new Uint8Array(Math.max(2 * buffer.length, length + bytes));
    grown.set(buffer.subarray(0, length));
    buffer = grown;
  };
  return {
    get length() {
      return length;
    },
    write: (bytes) => {
      reserve(bytes.length);
      buffer.set(bytes, length);
      length += bytes.length;
    },
    open: (tag) => {
      reserve(2 * LENGTH_BYTES);
      let rest = tag;
      for (; rest >= 128; rest >>>= 7) buffer[length++] = (rest & 127) | 128;
      buffer[length++] = rest;
      length += LENGTH_BYTES;
      return length;
    },
    close: (mark) => {
      let rest = length - mark;
      for (let i = 0; i < LENGTH_BYTES; i++, rest >>>= 7) buffer[mark - LENGTH_BYTES + i] = (rest & 127) | (i < LENGTH_BYTES - 1 ? 128 : 0);
    },
    bytes: () => buffer.subarray(0, length),
  };
}
