import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { HeddleError } from "../base/heddle-error.ts";

/** Who may use the API. */
export interface ApiKeys {
  /** Whether an `Authorization` header names a known key; takes as long for every wrong one. */
  allows(authorization: string | undefined): boolean;
}

/** Reads keys, one a line; empty lines and lines that begin with # are left out. Errors: `file-unreadable`, also for a file without keys. */
export function readApiKeys(path: string): ApiKeys {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new HeddleError("file-unreadable", { where: path, detail: cause instanceof Error ? cause.message : String(cause), cause });
  }
  const keys = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (keys.length === 0) throw new HeddleError("file-unreadable", { where: path, detail: "it holds no key" });
  return apiKeys(keys);
}

/** Compares every key's digest in constant time, so that neither length nor match is told by how long it takes. */
export function apiKeys(keys: readonly string[]): ApiKeys {
  const known = keys.map(digest);
  return {
    allows: (authorization) => {
      const given = digest(/^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? "");
      let allowed = false;
      for (const key of known) if (timingSafeEqual(key, given)) allowed = true;
      return allowed;
    },
  };
}

/** Equal lengths, so that a comparison says nothing about a key's length. */
function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
