import { discoverRack } from "../execute/discover/discover-rack.ts";
import { rackFolder, writeWhole } from "../execute/discover/rack-cache.ts";
import { cacheFolder } from "../execute/model-store/cache-folder.ts";
import type { Rack } from "../rack/rack.ts";
import { writeRack } from "../rack/rack-file.ts";
import { note, printResult } from "./output.ts";
import { rackText } from "./rack-text.ts";
import { readRackFile } from "./read-rack-file.ts";
import { withShareProgress } from "./share-progress.ts";
import { absentDrivers, supportText } from "./support-report.ts";

interface DiscoverFlags {
  readonly recalibrate?: boolean;
  readonly fast?: boolean;
  readonly json?: boolean;
  readonly output?: string;
  readonly model?: string;
}

/** `heddle rack discover`. Errors: those of measuring, and of reading a model. */
export async function discover(flags: DiscoverFlags): Promise<void> {
  const rack = await discoverWithProgress(flags);
  if (flags.output !== undefined) writeWhole(flags.output, writeRack(rack));
  if (flags.model !== undefined) await printSupport(rack, flags.model, flags.json === true);
  else printResult(flags.json === true, rack, () => rackText(rack));
  if (flags.fast !== true) note(`cached in ${rackFolder(rack.fingerprint)}`);
}

/** `heddle rack show`. Errors: those of reading the rack, and a model. */
export async function showRack(file: string | undefined, flags: Pick<DiscoverFlags, "json" | "model">): Promise<void> {
  const shown = file === undefined ? await discoverWithProgress({}) : readRackFile(file);
  if (flags.model !== undefined) return printSupport(shown, flags.model, flags.json === true);
  printResult(flags.json === true, shown, () => rackText(shown));
}

/** Asks the rack's devices about a model. Errors: those of reading it. */
async function printSupport(rack: Rack, model: string, json: boolean): Promise<void> {
  const { openProbe } = await import("../execute/discover/probe-program.ts");
  const { modelSupport } = await import("../execute/discover/model-support.ts");
  const probe = openProbe(model);
  const devices = await withShareProgress("asking devices", ({ signal }) =>
    modelSupport(rack, probe, { cacheFolder: cacheFolder(), signal }),
  );
  const absent = absentDrivers(rack);
  printResult(json, { model, rack: rack.name, devices, absent }, () => supportText(model, devices, absent));
}

/** The rack of this machine, with progress where it has to be measured. Errors: those of `discoverRack`. */
export function discoverWithProgress(flags: Pick<DiscoverFlags, "recalibrate" | "fast">): Promise<Rack> {
  return withShareProgress("measuring this machine", ({ signal, onProgress }) =>
    discoverRack({ ...flags, signal, onProgress: ({ share, text }) => onProgress(share, text) }),
  );
}
