import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { HeddleError } from "../../base/heddle-error.ts";
import type { Rack } from "../../rack/rack.ts";
import { readRack, writeRack } from "../../rack/rack-file.ts";
import { cacheFolder } from "../model-store/cache-folder.ts";

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

/** Forgets what was measured of models on a rack: it belongs to the tables that are being replaced. */
export function forgetMeasurements(fingerprint: string): void {
  for (const folder of ["stages", "corrections"]) rmSync(join(rackFolder(fingerprint), folder), { recursive: true, force: true });
}

/** Writes a file so that a reader finds the old or the new content, never a part. Errors: `file-unwritable`. */
export function writeWhole(path: string, text: string | Uint8Array): void {
  const part = `${path}.${process.pid}.part`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(part, text);
    renameSync(part, path);
  } catch (cause) {
    removeIfThere(part);
    throw new HeddleError("file-unwritable", { where: path, detail: cause instanceof Error ? cause.message : String(cause), cause });
  }
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
