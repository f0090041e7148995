import { randomUUID } from "node:crypto";
import { linkSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import type { IsDead } from "./lock-death.ts";
import { lockText, readLock } from "./lock-owner.ts";

/**
 * Takes the lock at a path if it is free or its holder is dead; returns its token, or `undefined` where somebody has it.
 *
 * A dead holder's lock is replaced, never removed: who judged it dead first takes a lock on *that holding*, named by its token, and looks again. While it has
 * that one nobody else replaces the file, and nobody can create it, because it is there. The lock on the holding is taken in this same way, so a process
 * that dies on the way is survived, too.
 *
 * Errors: those of the file system.
 */
export function tryHold(path: string, isDead: IsDead): string | undefined {
  return tryHoldAt(path, path, isDead);
}

function tryHoldAt(base: string, path: string, isDead: IsDead): string | undefined {
  const token = randomUUID();
  if (create(path, token)) return token;
  const found = readLock(path);
  if (found === undefined || !isDead(found)) return undefined;
  const claimPath = `${base}.${found.token}`;
  const claim = tryHoldAt(base, claimPath, isDead);
  if (claim === undefined) return undefined;
  try {
    if (readLock(path)?.token !== found.token) return undefined;
    const next = `${path}.${token}.part`;
    writeFileSync(next, lockText(token));
    renameSync(next, path);
    return token;
  } finally {
    letGo(claimPath, claim);
  }
}

/** Gives a lock back; one that another holder has meanwhile stays. */
export function letGo(path: string, token: string): void {
  if (readLock(path)?.token === token) rmSync(path, { force: true });
}

/** Says that the holder is still there. */
export function touch(path: string, token: string): void {
  if (readLock(path)?.token !== token) return;
  const now = new Date();
  utimesSync(path, now, now);
}

/** Makes the lock file with its content at once, so that nobody sees it empty; false where there is one. */
function create(path: string, token: string): boolean {
  const part = `${path}.${token}.part`;
  writeFileSync(part, lockText(token));
  try {
    linkSync(part, path);
    return true;
  } catch (cause) {
    // A server of files may repeat what it has done and then find it there.
    if (codeOf(cause) === "EEXIST") return readLock(path)?.token === token;
    if (!NO_LINKS.has(codeOf(cause))) throw cause;
    return createUnlinked(path, token);
  } finally {
    rmSync(part, { force: true });
  }
}

/** What file systems without hard links answer (exFAT, some shared folders). */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

function createUnlinked(path: string, token: string): boolean {
  try {
    writeFileSync(path, lockText(token), { flag: "wx" });
    return true;
  } catch (cause) {
    if (codeOf(cause) === "EEXIST") return false;
    throw cause;
  }
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}
