import type { Command } from "commander";
import { HeddleError } from "../base/heddle-error.ts";
import { readTorchKit } from "../cost/import/torch-kit/read-torch-kit.ts";
import { type HostOverhead, hostOverhead } from "../cost/iteration/host-overhead.ts";
import type { IterationCost } from "../cost/iteration/iteration-cost.ts";
import { type EngineGrid, type EnginePoint, measureEngine } from "../execute/calibrate/engine-kit/measure-engine.ts";
import { servedModels } from "../execute/calibrate/engine-kit/stream-completion.ts";
import { storeOperators } from "../execute/calibrate/kit/operator-store.ts";
import { torchKit } from "../execute/calibrate/kit/torch-kit.ts";
import { writeWhole } from "../execute/discover/rack-cache.ts";
import { openDeployment } from "./deployment/open-deployment.ts";
import { refuseGiven } from "./given-options.ts";
import { formatNs, note, printResult, table } from "./output.ts";
import { sheetOf } from "./rack-catalog.ts";
import { parseTextFile } from "./read-file.ts";

interface Flags {
  readonly kit?: string;
  readonly import?: string;
  readonly device?: string;
  readonly output?: string;
  readonly url?: string;
  readonly deployment?: string;
  readonly model?: string;
  readonly key?: string;
  readonly prompts: readonly number[];
  readonly outputs: readonly number[];
  readonly concurrency: readonly number[];
  readonly rounds: number;
  readonly json?: boolean;
}

/** Options of the measurement of a server. */
const OF_ENGINE = ["url", "deployment", "model", "key", "prompts", "outputs", "concurrency", "rounds"];

export async function calibrate(flags: Flags, command: Command): Promise<void> {
  if (flags.kit !== "engine") refuseGiven(command, OF_ENGINE, "goes with --kit engine");
  if (flags.import === undefined) refuseGiven(command, ["device"], "goes with --import");
  else refuseGiven(command, ["output"], "goes with --kit; what is imported is kept in heddle's home");
  if (flags.import !== undefined) {
    if (flags.kit !== undefined) throw new HeddleError("usage", { where: "--import", detail: "not together with --kit" });
    return importKit(flags.import, flags.device, flags.json === true);
  }
  if (flags.kit === "torch") refuseGiven(command, ["json"], "the program is written as it is");
  if (flags.kit === "torch") return writeOut(flags.output, torchKit());
  if (flags.kit === "engine") return engine(flags);
  throw new HeddleError("usage", { where: "--kit", detail: "give --kit torch, --kit engine or --import <file>" });
}

function importKit(path: string, device: string | undefined, json: boolean): void {
  const sheetGiven = device === undefined ? undefined : sheetOf(device);
  const result = parseTextFile(path, (text) => readTorchKit(text, path, { device: sheetGiven }));
  const { file, table: rows, sheet, filtered } = result;
  const stored = storeOperators(result);
  const byOperator: Record<string, number> = {};
  for (const { query } of (filtered?.table ?? rows).rows) byOperator[query.op] = (byOperator[query.op] ?? 0) + 1;
  const summary = {
    device: file.device,
    catalogueId: sheet?.id ?? null,
    operators: byOperator,
    rejected: filtered?.rejected ?? null,
    skippedByKit: file.skipped,
    stored,
  };
  printResult(json, summary, () =>
    [
      `${file.device.name}, PyTorch ${file.device.torch} (${file.device.backend}), ${file.device.count} device(s)`,
      sheet === undefined
        ? "not in the catalogue: rows were not held against its peaks, and no simulation uses them (give --device <id or sheet.yaml>)"
        : `${sheet.id}: ${filtered!.rejected.length} of ${rows.rows.length} rows are faster than its figures allow, or copies, and are left out`,
      table(
        ["operator", "rows"],
        Object.entries(byOperator).map(([op, count]) => [op, String(count)]),
      ),
      `kept in ${stored}`,
    ].join("\n\n"),
  );
}

async function engine(flags: Flags): Promise<void> {
  if (flags.url === undefined) throw new HeddleError("usage", { where: "--url", detail: "--kit engine needs the address of a server" });
  // What is wrong with the deployment is said before minutes of measuring.
  const cost = flags.deployment === undefined ? undefined : openDeployment(flags.deployment).pools[0]!.cost;
  const abort = new AbortController();
  process.once("SIGINT", () => abort.abort());
  const place = { url: flags.url, signal: abort.signal, ...(flags.key === undefined ? {} : { key: flags.key }) };
  const model = flags.model ?? (await servedModels(place))[0];
  if (model === undefined) throw new HeddleError("server-refused", { where: flags.url, detail: "it names no model; give --model" });
  const grid: EngineGrid = {
    promptTokens: flags.prompts,
    outputTokens: flags.outputs,
    concurrencies: flags.concurrency,
    rounds: flags.rounds,
  };
  const result = await measureEngine({ ...place, model }, grid, ({ concurrency }, done, all) =>
    note(`${done} of ${all} points measured (${concurrency} at once)`),
  );
  const overhead = cost === undefined ? undefined : overheadOf(cost, result.points);
  const answer = overhead === undefined ? result : { ...result, overhead };
  if (flags.output !== undefined) writeWhole(flags.output, JSON.stringify(answer, null, 1));
  printResult(flags.json === true, answer, () =>
    [engineText(result.points), ...(overhead === undefined ? [] : [overheadText(overhead)])].join("\n\n"),
  );
}

/** What the first pool's devices leave of the measured times. */
function overheadOf(cost: IterationCost, points: readonly EnginePoint[]): HostOverhead {
  const decoding = points.filter(({ tpotNs }) => tpotNs.p50 > 0);
  return hostOverhead(
    cost,
    decoding.map(({ concurrency, promptTokens, outputTokens, tpotNs }) => ({
      concurrency,
      promptTokens,
      outputTokens,
      tpotNs: tpotNs.p50,
    })),
  );
}

function overheadText({ points, overheadNs, disagreement }: HostOverhead): string {
  const rows = points.map(({ measuredNs, devicesNs, leftNs }) => [
    formatNs(measuredNs),
    formatNs(devicesNs),
    leftNs < 0 ? `-${formatNs(-leftNs)}` : formatNs(leftNs),
  ]);
  return [
    table(["an output token, measured", "devices, as priced", "left for the host"], rows),
    `overheadNs: ${overheadNs} explains these points within ${(100 * disagreement).toFixed(0)} % of the measured time`,
  ].join("\n\n");
}

function engineText(points: readonly EnginePoint[]): string {
  const rows = points.map((point) => [
    String(point.concurrency),
    point.promptTokens.toFixed(0),
    point.outputTokens.toFixed(0),
    `${formatNs(point.ttftNs.p50)} (p90 ${formatNs(point.ttftNs.p90)})`,
    `${formatNs(point.tpotNs.p50)} (p90 ${formatNs(point.tpotNs.p90)})`,
    formatNs(point.itlNs.p90),
    point.outputTokensPerSecond.toFixed(1),
  ]);
  return table(["at once", "prompt", "output", "TTFT median", "TPOT median", "ITL p90", "output tokens/s"], rows);
}

function writeOut(path: string | undefined, text: string): void {
  if (path === undefined) process.stdout.write(text);
  else writeWhole(path, text);
}
