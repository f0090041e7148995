import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../model-store/cache-folder.ts";
import { mayRunSince } from "./running-since.ts";

/** Runs kept in the default place; older ones are removed when a new one begins, but for those whose process still runs. */
const RUNS_KEPT = 20;
const RUN_NAME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-(\d+)$/;

/** A new folder for the ledgers of a run: `<home>/runs/<time>-<process>`. It is made when the first ledger is. */
export function newRunFolder(): string {
  const runs = join(cacheFolder(), "runs");
  removeOld(runs);
  return join(runs, `${new Date().toISOString().replace(/[-:.]/g, "")}-${process.pid}`);
}

function removeOld(runs: string): void {
  let names: string[];
  try {
    names = readdirSync(runs);
  } catch {
    return;
  }
  const old = names.filter((name) => RUN_NAME.test(name)).sort();
  for (const name of old.slice(0, Math.max(0, old.length - RUNS_KEPT + 1))) {
    if (!isInUse(name)) rmSync(join(runs, name), { recursive: true, force: true });
  }
}

/** The name says which process began the run and when, so the mark is there before the first byte and needs no tidying after a kill. */
function isInUse(name: string): boolean {
  const [, year, month, day, hour, minute, second, ms, pid] = RUN_NAME.exec(name)!;
  return mayRunSince(Number(pid), Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`));
}
