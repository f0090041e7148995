import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { ByteSource } from "../../base/bytes.ts";

/** Bytes of every tensor that enter a fingerprint: two fine-tunes of one model have equal headers. */
const SAMPLE_BYTES = 64;
const CHUNK_BYTES = 1 << 20;

/**
 * Hex SHA-256 over the first `headerBytes` of every file (the tensor table included) and the first bytes of every tensor.
 *
 * Complexity: linear in the headers; it reads no tensor whole.
 */
export function fingerprintOf(parts: readonly FingerprintPart[]): string {
  const hash = sha256.create();
  for (const { bytes, headerBytes, tensors } of parts) {
    for (let at = 0; at < headerBytes; at += CHUNK_BYTES) hash.update(bytes.read(at, Math.min(CHUNK_BYTES, headerBytes - at)));
    for (const { offset, byteLength } of tensors) hash.update(bytes.read(offset, Math.min(SAMPLE_BYTES, byteLength)));
  }
  return bytesToHex(hash.digest());
}

export interface FingerprintPart {
  readonly bytes: ByteSource;
  readonly headerBytes: number;
  readonly tensors: Iterable<{ readonly offset: number; readonly byteLength: number }>;
}
