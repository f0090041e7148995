import { HeddleError, toHeddleError } from "../../base/heddle-error.ts";
import { isWholeModel } from "../../plan/whole-model.ts";
import type { Device, DeviceCalibration, Link, Rack } from "../../rack/rack.ts";
import { FRONT_END } from "../../rack/rack-check.ts";
import { DEFAULT_SHAPES, type ShapeSource } from "../calibrate/calibration-shapes.ts";
import { runCalibration } from "../calibrate/run-calibration.ts";
import { whileMeasuring } from "../lock-file/while-measuring.ts";
import { describeDevices } from "./device-layout.ts";
import { describeMachine, type Machine } from "./machine.ts";
import { type LinkFigures, measureLinks } from "./measure-links.ts";
import { measureMemoryBandwidth } from "./measure-memory.ts";
import { changeCorrections, forgetMeasurements, loadCachedRack, saveCachedRack } from "./rack-cache.ts";

export interface DiscoverOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DiscoverProgress) => void;
  /** Measure again what is cached. */
  readonly recalibrate?: boolean;
  /** Fewer shapes and rounds: a few seconds instead of half a minute, wider intervals; not cached. */
  readonly fast?: boolean;
  /** The model whose shapes are measured besides generic ones; the default model's where absent. */
  readonly shapes?: ShapeSource;
}

export interface DiscoverProgress {
  /** Share of the whole, 0 to 1. */
  readonly share: number;
  readonly text: string;
}

const MEMORY = "dram";
/** Time for each kind of device; the slow one only shows that it is slow. Units: ms. */
const BUDGET_MS: Readonly<Record<string, number>> = { ort: 8_000, "ort-wasm": 5_000, openvino: 4_000 };
/** Drivers measured at few shapes: each of their graphs is compiled for its own. */
const COARSE: ReadonlySet<string> = new Set(["openvino"]);
const OTHERS_BUDGET_MS = 1_200;
/** A fast one asks little, and each question twice: how much of it is measured must not depend on what else the machine does. */
const FAST_BUDGET_MS = 120_000;
const PACE_MS = 700;
/** Time a process has to load its driver before a common start. Units: ms. */
const PACE_LEAD_MS = 1_200;

/**
 * Describes this machine as a rack: CPU devices of several widths, the WASM device, memory, links; each device calibrated in a process of its own.
 * The outcome is cached under the machine's fingerprint and read back until `recalibrate`, another machine, Node or driver version.
 *
 * While another process measures this machine, this one waits and then takes what that one has cached.
 *
 * Errors: `interrupted` when the signal is aborted; `driver-missing` where no driver is installed; `device-failed` where a measurement dies; `machine-busy`
 * where another process measures for too long.
 */
export async function discoverRack(options: DiscoverOptions = {}): Promise<Rack> {
  const signal = options.signal ?? new AbortController().signal;
  const machine = describeMachine();
  const cached = options.recalibrate === true ? undefined : loadCachedRack(machine.fingerprint);
  if (cached !== undefined) return cached;
  const { onProgress } = options;
  return whileMeasuring({ signal, ...(onProgress && { onProgress: (share, text) => onProgress({ share, text }) }) }, () =>
    measureUnlessKnown(machine, { ...options, signal }),
  );
}

/** What another process measured while this one waited is taken as it is. */
async function measureUnlessKnown(machine: Machine, options: MeasureOptions): Promise<Rack> {
  const meanwhile = options.recalibrate === true ? undefined : loadCachedRack(machine.fingerprint);
  if (meanwhile !== undefined) return meanwhile;
  const rack = await measureRack(machine, options).catch((thrown: unknown) => {
    throw options.signal.aborted ? new HeddleError("interrupted") : thrown;
  });
  if (options.fast !== true) {
    if (options.recalibrate === true) await changeCorrections(rack.fingerprint, () => forgetMeasurements(rack.fingerprint));
    saveCachedRack(rack);
  }
  return rack;
}

type MeasureOptions = DiscoverOptions & { readonly signal: AbortSignal };

async function measureRack(machine: Machine, options: MeasureOptions): Promise<Rack> {
  const devices = describeDevices(machine.cores, {
    ort: machine.drivers["onnxruntime-node"] !== undefined,
    wasm: machine.drivers["onnxruntime-web"] !== undefined,
    openvino: machine.drivers["openvino"] !== undefined,
    llama: machine.drivers["node-llama-cpp"] !== undefined,
    memory: MEMORY,
  });
  if (devices.length === 0) {
    throw new HeddleError("driver-missing", {
      where: "this machine",
      detail: "install onnxruntime-node, onnxruntime-web or node-llama-cpp",
    });
  }
  options.onProgress?.({ share: 0, text: "memory and links" });
  const bandwidth = measureMemoryBandwidth();
  const figures = await measureLinks(options.signal);
  const calibrated = await calibrateDevices(devices, options);
  return {
    version: 1,
    name: machine.name,
    fingerprint: machine.fingerprint,
    devices: calibrated,
    memories: [{ id: MEMORY, tier: "dram", capacityBytes: machine.memoryBytes, bandwidthBytesPerSecond: bandwidth, basis: "measured" }],
    links: linksOf(devices, figures),
  };
}

/** Calibrates one device of each driver and width, one after the other; devices alike but for their cores share what was measured. */
async function calibrateDevices(devices: readonly Device[], options: MeasureOptions): Promise<readonly Device[]> {
  // What runs only whole models has no operators to time: a plan that names it measures the model.
  const kinds = [...new Set(devices.filter((device) => !isWholeModel(device)).map(kindOf))];
  const tables = new Map<string, DeviceCalibration>();
  let failure: HeddleError | undefined;
  for (const [index, kind] of kinds.entries()) {
    const alike = devices.filter((device) => kindOf(device) === kind);
    const report = (share: number, text: string): void =>
      options.onProgress?.({ share: (index + share) / kinds.length, text: `${alike[0]?.id}: ${text}` });
    try {
      tables.set(kind, await calibrateKind(alike, { ...options, report }));
    } catch (thrown) {
      const error = toHeddleError(thrown);
      if (error.code === "interrupted") throw error;
      // A device that cannot be measured is described all the same, and no plan uses it; others may work.
      report(1, `not calibrated: ${error.message}`);
      failure ??= error;
    }
  }
  if (tables.size === 0 && failure !== undefined) throw failure;
  return devices.map((device) => {
    const calibration = tables.get(kindOf(device));
    return calibration === undefined ? device : { ...device, calibration };
  });
}

type KindOptions = MeasureOptions & { readonly report: (share: number, text: string) => void };

async function calibrateKind(alike: readonly Device[], options: KindOptions): Promise<DeviceCalibration> {
  const { driver, threads } = alike[0]!;
  const fast = options.fast === true;
  const budgetMs = fast ? FAST_BUDGET_MS : (BUDGET_MS[driver] ?? OTHERS_BUDGET_MS);
  const shapes = options.shapes ?? DEFAULT_SHAPES;
  const job = { kind: "device" as const, driver, threads, shapes, fast: fast || COARSE.has(driver), budgetMs };
  const process = { signal: options.signal, onProgress: options.report };
  const calibration = await runCalibration(job, process);
  if (alike.length < 2) return calibration;
  options.report(0.95, "beside its neighbours");
  return { ...calibration, concurrentSlowdown: await measureSlowdown(alike, options) };
}

/** How much slower devices of one kind work when all of them work: the median over them, against one alone. */
async function measureSlowdown(alike: readonly Device[], options: KindOptions): Promise<number> {
  const pace = async (count: number): Promise<number> => {
    const startAtMs = Date.now() + PACE_LEAD_MS;
    const jobs = alike.slice(0, count).map(({ driver, threads }) => {
      const job = { kind: "pace" as const, driver, threads, startAtMs, durationMs: PACE_MS };
      return runCalibration(job, { signal: options.signal });
    });
    const times = (await Promise.all(jobs)).map((one) => one.nsPerRun).sort((a, b) => a - b);
    return times[Math.floor(times.length / 2)]!;
  };
  const alone = await pace(1);
  const together = await pace(alike.length);
  return Math.max(1, together / alone);
}

function kindOf({ driver, threads }: Device): string {
  return `${driver}/${threads}`;
}

/** Every device to every other by message port, to itself on its thread, and to the front end by process. */
function linksOf(devices: readonly Device[], figures: readonly LinkFigures[]): readonly Link[] {
  const link = (from: string, to: string, via: Link["via"]): readonly Link[] =>
    figures.filter((one) => one.via === via).map((one) => ({ from, to, ...one, basis: "measured" as const }));
  const ids = devices.map((device) => device.id);
  return [
    ...ids.flatMap((from) => ids.flatMap((to) => link(from, to, from === to ? "same-thread" : "message-port"))),
    ...ids.flatMap((id) => [...link(FRONT_END, id, "process"), ...link(id, FRONT_END, "process")]),
  ];
}
