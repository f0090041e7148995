import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { HeddleError } from "../../base/heddle-error.ts";
import type { Rack } from "../../rack/rack.ts";
import { readRack, writeRack } from "../../rack/rack-file.ts";
import { withLock } from "../lock-file/with-lock.ts";
import { cacheFolder } from "../model-store/cache-folder.ts";

/** How often a file is written whose folder another process takes away meanwhile: 20 were too few once beside one that did nothing else. */
const ATTEMPTS = 200;

/** Folder of a rack's cached description and calibrations. */
export function rackFolder(fingerprint: string): string {
  return join(cacheFolder(), "racks", fingerprint);
}

/** The cached rack of a machine; `undefined` where there is none, or it cannot be used any more. */
export function loadCachedRack(fingerprint: string): Rack | undefined {
  const text = readIfThere(join(rackFolder(fingerprint), "rack.yaml"));
  if (text === undefined) return undefined;
  try {
    const rack = readRack(text);
    return rack.fingerprint === fingerprint ? rack : undefined;
  } catch (thrown) {
    if (thrown instanceof HeddleError) return undefined;
    throw thrown;
  }
}

/** Keeps a rack for the next run; returns the path of the file. Errors: `file-unwritable`. */
export function saveCachedRack(rack: Rack): string {
  const path = join(rackFolder(rack.fingerprint), "rack.yaml");
  writeWhole(path, writeRack(rack));
  return path;
}

/**
 * Forgets what was measured of models on a rack: it belongs to the tables that are being replaced. The folders are moved aside first, so that another process
 * that writes there finds them gone and makes them anew. Errors: `file-unwritable`.
 */
export function forgetMeasurements(fingerprint: string): void {
  for (const folder of ["stages", "corrections"]) {
    const path = join(rackFolder(fingerprint), folder);
    const aside = `${path}.${randomUUID()}.part`;
    try {
      renameSync(path, aside);
      rmSync(aside, { recursive: true, force: true });
    } catch (cause) {
      if (!isMissing(cause)) throw unwritable(path, cause);
    }
  }
}

/**
 * Changes what live runs taught of a rack, while no other process does: what is added to a file that two read at once would be lost to the one that writes
 * first. The lock lies beside the folder, which may be taken away. Errors: those of `change`; `file-unwritable`.
 */
export async function changeCorrections(fingerprint: string, change: () => void): Promise<void> {
  const folder = rackFolder(fingerprint);
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw unwritable(folder, cause);
  }
  await withLock(join(folder, ".corrections.lock"), async () => change());
}

/** Writes a file so that a reader finds the old or the new content, never a part, whoever else writes it. Errors: `file-unwritable`. */
export function writeWhole(path: string, text: string | Uint8Array): void {
  // Process numbers would not do: containers that share a cache have the same ones.
  const part = `${path}.${randomUUID()}.part`;
  for (let attempt = 1; ; attempt++) {
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(part, text);
      renameSync(part, path);
      return;
    } catch (cause) {
      removeIfThere(part);
      if (!isMissing(cause) || attempt === ATTEMPTS) throw unwritable(path, cause);
    }
  }
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && cause.code === "ENOENT";
}

function unwritable(path: string, cause: unknown): HeddleError {
  return new HeddleError("file-unwritable", { where: path, detail: cause instanceof Error ? cause.message : String(cause), cause });
}

function removeIfThere(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // A path below something that is no folder: nothing was written there.
  }
}

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Names of the files in a folder; none where it does not exist. */
export function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
