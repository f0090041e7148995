import { readFileSync, readlinkSync, statSync } from "node:fs";
import { hostname } from "node:os";

/** A lock file as it was found. */
export interface FoundLock {
  /** Of this one holding: no other lock ever has the same. */
  readonly token: string;
  /** Process that holds it; `undefined` where the file does not say. */
  readonly pid?: number;
  /** Machine and process namespace in which `pid` counts; `undefined` in files of versions that wrote the number alone. */
  readonly place?: string;
  /** When it was taken, or its holder last said that it still has it. Units: ms since 1970. */
  readonly touchedAt: number;
}

/** What a lock file holds, for `readLock`. */
export function lockText(token: string): string {
  return JSON.stringify({ token, pid: process.pid, place: here() });
}

/** The lock at a path; `undefined` where there is none. */
export function readLock(path: string): FoundLock | undefined {
  try {
    const { mtimeMs: touchedAt, ino } = statSync(path);
    return { touchedAt, ...parse(readFileSync(path, "utf8"), `${ino}-${touchedAt}`) };
  } catch {
    return undefined;
  }
}

function parse(text: string, unnamed: string): Omit<FoundLock, "touchedAt"> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { token: unnamed };
  }
  if (isProcess(value)) return { token: unnamed, pid: value };
  if (typeof value !== "object" || value === null) return { token: unnamed };
  const { token, pid, place } = value as Record<string, unknown>;
  // A token becomes part of a path.
  if (typeof token !== "string" || !/^[\w-]{1,64}$/.test(token) || !isProcess(pid) || typeof place !== "string") return { token: unnamed };
  return { token, pid, place };
}

function isProcess(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0;
}

/** Process numbers tell nothing beyond this: containers that share a folder have the same ones. */
export function here(): string {
  return `${hostname()} ${processNamespace()}`;
}

function processNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}
