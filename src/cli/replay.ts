import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { HeddleError } from "../base/heddle-error.ts";
import type { Ledger } from "../engine/ledger.ts";
import { joinLedger, readLedger } from "../engine/ledger-reader.ts";
import { type Divergence, replayLedger } from "../engine/replay.ts";
import { engineOfLedger } from "../engine/replay-engine.ts";
import { type RecordedDivergence, recordedRun } from "../simulate/recorded/recorded-run.ts";
import { note, printResult, table } from "./output.ts";
import { parseBytesFile } from "./read-file.ts";

/** What a replay came to, node by node and for the run as a whole. */
export interface ReplayReport {
  readonly equal: boolean;
  readonly nodes: readonly NodeReport[];
  /** All nodes run together from arrivals and recorded durations; absent unless the ledgers of a whole run were given. */
  readonly together?: { readonly nodes: number; readonly unverifiedMessages: number; readonly firstDivergence?: RecordedDivergence };
}

export interface NodeReport {
  /** `fleet`, or replica and incarnation of a host. */
  readonly node: string;
  readonly events: number;
  readonly hash: string;
  /** Bytes of an unfinished frame at the end, left by a process that was killed. */
  readonly tornBytes: number;
  readonly firstDivergence?: Divergence;
}

const ENDING = ".ledger";
const SEGMENT = /^(.*?)(?:\.(\d+))?\.ledger$/;

export function replay(path: string, options: { readonly json?: boolean }): void {
  const ledgers = readLedgers(path);
  const report = replayAll(ledgers);
  printResult(options.json === true, report, () => replayText(report));
  for (const { node, tornBytes } of report.nodes) {
    if (tornBytes > 0) note(`${node}: its process was killed; an unfinished record of ${tornBytes} bytes at the end was left out`);
  }
  if (!report.equal) throw new HeddleError("replay-diverged", { detail: firstDifference(report) });
}

/** Reads the ledger of a file, or all ledgers of a folder, their segments joined. Errors: `file-unreadable`, `ledger-invalid`. */
function readLedgers(path: string): Ledger[] {
  const segments = new Map<string, Ledger[]>();
  for (const file of ledgerFiles(path)) {
    const name = SEGMENT.exec(basename(file))?.[1] ?? file;
    segments.set(name, [...(segments.get(name) ?? []), parseBytesFile(file, readLedger)]);
  }
  return [...segments.values()].map(joinLedger);
}

function ledgerFiles(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    const files = readdirSync(path)
      .filter((name) => name.endsWith(ENDING))
      .sort();
    if (files.length > 0) return files.map((name) => join(path, name));
  } catch (cause) {
    throw new HeddleError("file-unreadable", { where: path, detail: cause instanceof Error ? cause.message : String(cause), cause });
  }
  throw new HeddleError("file-unreadable", { where: path, detail: `the folder holds no ${ENDING} file` });
}

function replayAll(ledgers: readonly Ledger[]): ReplayReport {
  const nodes = ledgers.map(
    (ledger): NodeReport => ({ node: nameOf(ledger), tornBytes: ledger.tornBytes, ...replayLedger(ledger, engineOfLedger) }),
  );
  const alone = nodes.every((node) => node.firstDivergence === undefined);
  const whole =
    ledgers.length > 1 &&
    ledgers.every(({ header }) => header.firstIndex === 0) &&
    ledgers.some(({ header }) => header.node.type === "fleet");
  if (!alone || !whole) return { equal: alone, nodes };
  const { firstDivergence, unverified } = recordedRun(ledgers, engineOfLedger);
  const together = { nodes: ledgers.length, unverifiedMessages: unverified };
  if (firstDivergence === undefined) return { equal: true, nodes, together };
  return { equal: false, nodes, together: { ...together, firstDivergence } };
}

function nameOf({ header: { node } }: Ledger): string {
  if (node.type === "dataflow") return "dataflow";
  return node.type === "fleet" ? "fleet" : `replica ${node.replica}, life ${node.incarnation}`;
}

function replayText({ nodes, together }: ReplayReport): string {
  const rows = nodes.map(({ node, events, hash, firstDivergence }) => [
    node,
    String(events),
    hash,
    firstDivergence === undefined ? "equal" : `differs at event ${firstDivergence.index}`,
  ]);
  const lines = [table(["node", "events", "hash of commands", "replay"], rows)];
  if (together !== undefined) {
    const outcome = together.firstDivergence === undefined ? "equal" : "differs";
    const unverified =
      together.unverifiedMessages === 0 ? "" : `; ${together.unverifiedMessages} messages of killed hosts taken as they came`;
    lines.push(`all ${together.nodes} nodes together, from arrivals and recorded durations: ${outcome}${unverified}`);
  }
  return lines.join("\n");
}

function firstDifference({ nodes, together }: ReplayReport): string {
  const differing = nodes.find((node) => node.firstDivergence !== undefined);
  if (differing?.firstDivergence !== undefined) {
    const { index, at, event, refusal, expectedHash, gotHash, commands } = differing.firstDivergence;
    const got = refusal ?? `hash ${gotHash} where the ledger has ${expectedHash}; now it commands ${JSON.stringify(commands)}`;
    return `${differing.node}, event ${index} (${event.type}) at ${at} ns: ${got}`;
  }
  const divergence = together?.firstDivergence;
  if (divergence === undefined) return "nothing differs";
  const { node, index, at, event, reason, commands } = divergence;
  return `node ${node}, event ${index} (${event.type}) at ${at} ns: ${reason}${commands.length === 0 ? "" : `: ${JSON.stringify(commands)}`}`;
}
