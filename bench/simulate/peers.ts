import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RequestColumns } from "../../src/simulate/serving/serving-input.ts";
import type { Figure } from "../bench.ts";

/** What a peer gave, or why it gave nothing. */
export interface PeerPart {
  readonly line: string;
  readonly figures: readonly Figure[];
}

/** Requests of the trace that a peer is given: enough for a rate, few enough to wait for. */
const PEER_REQUESTS = 500;
const LIMIT_MS = 180_000;

interface Peer {
  readonly name: string;
  /** Variable that names its Python. */
  readonly variable: string;
  readonly script: string;
  readonly remark: string;
}

const PEERS: readonly Peer[] = [
  {
    name: "Vidur 0.0.26 (PyPI)",
    variable: "HEDDLE_VIDUR_PYTHON",
    script: "vidur_side.py",
    remark: "its vLLM-like scheduler and event loop; iterations priced by one affine formula, because the wheel has no profiles",
  },
  {
    name: "AIConfigurator 0.12.0 (PyPI)",
    variable: "HEDDLE_AIC_PYTHON",
    script: "aic_side.py",
    remark: "one closed-form estimate of one configuration at the trace's mean lengths: it has no events and no percentiles",
  },
];

/** Runs the peers that are installed on the first requests of the trace. */
export function runPeers(requests: RequestColumns, note: (text: string) => void): PeerPart[] {
  const folder = mkdtempSync(join(tmpdir(), "heddle-peers-"));
  try {
    const trace = join(folder, "trace.csv");
    writeFileSync(trace, csvOf(requests));
    return PEERS.map((peer) => runPeer(peer, trace, note));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runPeer({ name, variable, script, remark }: Peer, trace: string, note: (text: string) => void): PeerPart {
  const python = process.env[variable];
  if (python === undefined || !existsSync(python)) {
    return { line: `${name}: not run, ${variable} names no Python that has it (pip install)`, figures: [] };
  }
  note(name);
  // Scripts are no TypeScript: they lie beside the source, not beside the compiled bench.
  const compiled = fileURLToPath(new URL(script, import.meta.url));
  const path = existsSync(compiled) ? compiled : compiled.replace("/dist/bench/", "/bench/");
  const run = spawnSync(python, [path, trace], { encoding: "utf8", timeout: LIMIT_MS, cwd: tmpdir() });
  const last = run.stdout?.trimEnd().split("\n").at(-1) ?? "";
  if (run.status !== 0 || !last.startsWith("{")) {
    const why = (run.stderr ?? "").trimEnd().split("\n").at(-1) ?? "";
    return { line: `${name}: did not run: ${why.slice(0, 160) || `status ${run.status}`}`, figures: [] };
  }
  const { seconds, requests, text } = JSON.parse(last) as { seconds: number; requests: number; text: string };
  return {
    line: `${name}: ${remark}; ${text}`,
    figures: [
      { name: `${name}, CPU time`, value: seconds, unit: "s" },
      ...(requests > 0 ? [{ name: `${name}, requests`, value: requests / seconds, unit: "1/s" }] : []),
    ],
  };
}

/** Columns as Vidur's trace generator reads them, with arrivals in seconds. */
function csvOf({ count, arrivalNs, promptTokens, outputTokens }: RequestColumns): string {
  const lines = ["arrived_at,num_prefill_tokens,num_decode_tokens"];
  for (let i = 0; i < Math.min(count, PEER_REQUESTS); i++) lines.push(`${arrivalNs[i]! / 1e9},${promptTokens[i]},${outputTokens[i]}`);
  return `${lines.join("\n")}\n`;
}
