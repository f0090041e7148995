import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HeddleError } from "../base/heddle-error.ts";
import { quantity } from "../base/quantity.ts";
import { newRunFolder } from "../execute/ledger-files/run-folder.ts";
import { loadGraph } from "../sdk/load-graph.ts";
import { openRack } from "../sdk/open-rack.ts";
import type { OpenRack, Outputs, RackReport, RunnableGraph, RunSummary, Tensor } from "../sdk/sdk-types.ts";
import { inputsFor } from "./execute-inputs.ts";
import { writeNpy } from "./npy.ts";
import { formatNs, note, printResult, table } from "./output.ts";

interface ExecuteFlags {
  readonly rack?: string;
  readonly input: readonly string[];
  readonly random?: number;
  readonly size: readonly string[];
  readonly repeat: number;
  readonly pin: readonly string[];
  readonly trace?: string;
  readonly ledger?: string | true;
  readonly output?: string;
  readonly isolation: "process" | "thread" | "inline";
  readonly json?: boolean;
}

/** What `heddle execute --json` prints. Units: ns. */
export interface ExecuteReport {
  readonly graph: string;
  readonly rack: string;
  /** Of each run, from its submission to its end. */
  readonly runNs: readonly number[];
  /** Of the last run. */
  readonly stages: RunSummary["stages"];
  readonly transfers: RackReport["transfers"];
  readonly models: RackReport["models"];
  readonly refusals: RackReport["refusals"];
  readonly devices: RackReport["devices"];
  readonly outputs: Readonly<Record<string, OutputReport>>;
  readonly ledger?: string;
}

export interface OutputReport {
  readonly type: Tensor["type"];
  readonly dims: readonly number[];
  readonly least: number | undefined;
  readonly greatest: number | undefined;
}

export async function execute(path: string, flags: ExecuteFlags): Promise<void> {
  const pins = pinsFrom(flags.pin);
  const graph = await loadGraph(path);
  const inputs = inputsFor(graph, { files: flags.input, seed: flags.random, sizes: flags.size });
  const ledger = flags.ledger === true ? newRunFolder() : flags.ledger;
  const rack = await openRack(flags.rack ?? "this-machine", {
    isolation: flags.isolation,
    ...(flags.trace === undefined ? {} : { trace: flags.trace }),
    ...(ledger === undefined ? {} : { ledger }),
  });
  let report: ExecuteReport;
  let outputs: Outputs;
  try {
    ({ report, outputs } = await runAll(rack, graph, { inputs, pins, repeat: flags.repeat, ledger }));
  } finally {
    await rack.close();
  }
  printResult(flags.json === true, report, () => executeText(report));
  if (flags.output !== undefined) writeOutputs(flags.output, outputs);
  if (flags.trace !== undefined) note(`timeline: ${flags.trace}`);
  if (ledger !== undefined) note(`ledger: ${ledger}`);
}

interface RunAll {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly pins: Readonly<Record<string, string>>;
  readonly repeat: number;
  readonly ledger: string | undefined;
}

async function runAll(rack: OpenRack, graph: RunnableGraph, given: RunAll): Promise<{ report: ExecuteReport; outputs: Outputs }> {
  const runNs: number[] = [];
  let summary: RunSummary | undefined;
  let outputs: Outputs = {};
  for (let run = 0; run < given.repeat; run++) {
    const handle = rack.submit(graph, given.inputs, { pin: given.pins });
    outputs = await handle.outputs();
    summary = await handle.done;
    runNs.push(summary.endNs - summary.startNs);
  }
  const { devices, transfers, models, refusals } = rack.report();
  const shown = Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, outputReport(value)]));
  const stages = summary?.stages ?? [];
  const kept = given.ledger === undefined ? {} : { ledger: given.ledger };
  return {
    report: { graph: graph.name, rack: rack.rack.name, runNs, stages, transfers, models, refusals, devices, outputs: shown, ...kept },
    outputs,
  };
}

function outputReport({ type, dims, data }: Tensor): OutputReport {
  let [least, greatest] = [Infinity, -Infinity];
  // Bits of 16-bit floats are no numbers to compare.
  if (type !== "f16" && type !== "bf16") {
    for (const value of data) {
      least = Math.min(least, Number(value));
      greatest = Math.max(greatest, Number(value));
    }
  }
  return { type, dims, least: least <= greatest ? least : undefined, greatest: least <= greatest ? greatest : undefined };
}

function writeOutputs(folder: string, outputs: Outputs): void {
  for (const [name, value] of Object.entries(outputs)) {
    const path = join(folder, `${name.replace(/[^\w.-]/g, "_")}.npy`);
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(path, writeNpy(value));
    } catch (cause) {
      if (cause instanceof HeddleError) throw cause;
      throw new HeddleError("file-unwritable", { where: path, detail: cause instanceof Error ? cause.message : String(cause), cause });
    }
  }
}

function executeText({ graph, rack, runNs, stages, transfers, models, refusals, outputs }: ExecuteReport): string {
  const time = (ns: number | undefined): string => (ns === undefined ? "unknown" : formatNs(ns));
  const rows = stages.map(({ stage, device, predictedNs, busyNs, retries }) => [
    stage,
    device,
    time(predictedNs),
    time(busyNs),
    retries === 0 ? "" : String(retries),
  ]);
  const lines = [
    `${graph} on ${rack}: ${runNs.map(time).join(", ")} (measured, submission to end)`,
    "",
    table(["stage (last run)", "device", "predicted", "measured", "run again"], rows),
    "",
    table(
      ["from", "to", "transfers", "bytes", "mean time (measured)"],
      transfers.map(({ from, to, count: some, bytes, ns }) => [from, to, String(some), quantity(bytes, "B"), time(ns / some)]),
    ),
    "",
    ...Object.entries(outputs).map(([name, { type, dims, least, greatest }]) =>
      [`${name}: ${type} [${dims.join(", ")}]`, ...(least === undefined ? [] : [`from ${least} to ${greatest}`])].join(", "),
    ),
  ];
  const untried = models.filter(({ uncalibrated }) => uncalibrated).length;
  if (untried > 0)
    lines.push(
      "",
      `${untried} of ${models.length} pairs of stage and device were not tried: predictions for them rest on the rack file alone`,
    );
  for (const { stage, device, reason } of refusals) lines.push(`${device} cannot run ${stage}: ${reason}`);
  return lines.join("\n");
}

function pinsFrom(pins: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pins.map((pin) => {
      const at = pin.lastIndexOf("=");
      if (at < 1) throw new HeddleError("usage", { where: `--pin ${pin}`, detail: "pattern=device is wanted" });
      return [pin.slice(0, at), pin.slice(at + 1)];
    }),
  );
}
