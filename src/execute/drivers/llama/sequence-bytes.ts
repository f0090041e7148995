import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LlamaContextSequence } from "node-llama-cpp";
import { HeddleError } from "../../../base/heddle-error.ts";

/** SHA-256 over model and content, before the content. */
const SEAL_BYTES = 32;

/** Saves and restores whole sequences as bytes; the library knows files alone, so they pass through a folder of its own. */
export interface SequenceStore {
  save(sequence: LlamaContextSequence): Promise<Uint8Array>;
  /** Errors: `input-invalid` for bytes that are no sequence of this model: the library would read past their end. */
  restore(sequence: LlamaContextSequence, bytes: Uint8Array): Promise<void>;
  close(): void;
}

export function createSequenceStore(fingerprint: string): SequenceStore {
  const folder = mkdtempSync(join(tmpdir(), "heddle-llama-"));
  const path = join(folder, "sequence");
  const sealOf = (content: Uint8Array): Uint8Array => createHash("sha256").update(fingerprint).update(content).digest();
  return {
    save: async (sequence) => {
      await sequence.saveStateToFile(path);
      const content = readFileSync(path);
      const bytes = new Uint8Array(SEAL_BYTES + content.byteLength);
      bytes.set(sealOf(content));
      bytes.set(content, SEAL_BYTES);
      return bytes;
    },
    restore: async (sequence, bytes) => {
      const content = bytes.subarray(SEAL_BYTES);
      if (Buffer.compare(bytes.subarray(0, SEAL_BYTES), sealOf(content)) !== 0) {
        throw new HeddleError("input-invalid", { where: "sequence", detail: "these bytes are no sequence that this model saved" });
      }
      writeFileSync(path, content);
      await sequence.loadStateFromFile(path, { acceptRisk: true });
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
