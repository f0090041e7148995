import type { ByteSource } from "../../base/bytes.ts";
import { HeddleError } from "../../base/heddle-error.ts";

/** Bytes fetched at once while a header is read. */
const WINDOW_BYTES = 1 << 20;
const TWO_POW_32 = 4294967296;

/** Reads little-endian values one after another, each checked against the end of the file before anything is allocated. */
export class GgufCursor {
  readonly #bytes: ByteSource;
  readonly #text = new TextDecoder("utf-8");
  #window: DataView = new DataView(new ArrayBuffer(0));
  #windowStart = 0;
  #position = 0;

  constructor(bytes: ByteSource) {
    this.#bytes = bytes;
  }

  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#bytes.byteLength - this.#position;
  }

  u8(): number {
    const at = this.#advance(1);
    return this.#window.getUint8(at);
  }

  u32(): number {
    const at = this.#advance(4);
    return this.#window.getUint32(at, true);
  }

  u64(): number {
    const at = this.#advance(8);
    return this.#window.getUint32(at, true) + this.#window.getUint32(at + 4, true) * TWO_POW_32;
  }

  i64(): number {
    const at = this.#advance(8);
    return this.#window.getUint32(at, true) + this.#window.getInt32(at + 4, true) * TWO_POW_32;
  }

  /** A count no larger than `limit`, which the caller derives from what is left of the file. */
  count(what: string, limit: number): number {
    const at = this.#position;
    const value = this.u64();
    if (value > limit) throw this.invalid(`${what} is ${value}, more than the ${limit} possible here`, at);
    return value;
  }

  string(what: string, maxBytes: number = Number.MAX_SAFE_INTEGER): string {
    const at = this.#position;
    const length = this.u64();
    if (length > this.remaining) throw this.invalid(`${what} has ${length} bytes, but the file ends before`, at);
    if (length > maxBytes) throw this.invalid(`${what} has ${length} bytes, more than ${maxBytes}`, at);
    if (length > WINDOW_BYTES) return this.#text.decode(this.copy(length));
    const inside = this.#advance(length);
    return this.#text.decode(new Uint8Array(this.#window.buffer, this.#window.byteOffset + inside, length));
  }

  /** A copy of the next `length` bytes, aligned for typed arrays. */
  copy(length: number): Uint8Array<ArrayBuffer> {
    this.#need(length);
    const bytes = new Uint8Array(this.#bytes.read(this.#position, length));
    this.#position += length;
    return bytes;
  }

  invalid(detail: string, offset: number = this.#position): HeddleError {
    return new HeddleError("gguf-invalid", { where: `offset ${offset}`, detail });
  }

  /** Moves over `length` bytes, at most a window, and returns where they start in the window. */
  #advance(length: number): number {
    this.#need(length);
    const inside = this.#position - this.#windowStart;
    const start = this.#position;
    this.#position += length;
    if (inside >= 0 && inside + length <= this.#window.byteLength) return inside;
    const bytes = this.#bytes.read(start, Math.min(WINDOW_BYTES, this.#bytes.byteLength - start));
    this.#window = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#windowStart = start;
    return 0;
  }

  #need(length: number): void {
    if (length > this.remaining) throw this.invalid(`the file ends before ${length} more bytes`);
  }
}
