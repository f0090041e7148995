/**
 * When a mix of unlike devices wins, and when it does not: work of models on racks of this machine's cores, by the rack's own choice of devices and without
 * pins, against the best of the rack's devices alone and against all cores as one device. All racks of a case are open and warm and take turns. Five cases are
 * held to what a mix should give: meeting, files and library win, tiny and weak keep. Speech and embeddings are there because it gives little: their devices are
 * about equally good at all of it.
 *
 * Where a device is emulated the case says so: no figure is one of the device it is named after.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HeddleError } from "../src/base/heddle-error.ts";
import { quantile } from "../src/base/statistics.ts";
import type { Bench, BenchOptions, BenchReport, Figure } from "./bench.ts";
import { CASES } from "./devices/cases.ts";
import type { DeviceCase } from "./devices/device-case.ts";
import { type CaseTimes, measureCase, ROUNDS } from "./devices/measure-case.ts";
import { samplePath } from "./devices/sample-file.ts";

/** Best single device / mix: what a mix that is to win must reach, and what one that cannot must keep. */
const FLOORS = { gains: 1.15, keeps: 0.95 };

/** Largest difference between devices in f32, over the largest value of a result. */
const TOLERANCE = 1e-3;

export const bench: Bench = { name: "devices", run };

async function run({ note, rest }: BenchOptions): Promise<BenchReport> {
  const unknown = rest.filter((name) => !CASES.some((one) => one.name === name));
  if (unknown.length > 0)
    throw new HeddleError("usage", { where: unknown.join(" "), detail: `cases are ${CASES.map(({ name }) => name).join(", ")}` });
  const folder = mkdtempSync(join(tmpdir(), "heddle-devices-"));
  const setup = [
    `at least ${ROUNDS} rounds in turns, medians; ratio: the quickest single device of the round's medians / mix, median of rounds`,
  ];
  const figures: Figure[] = [];
  try {
    const chosen = CASES.filter(({ name }) => rest.length === 0 || rest.includes(name));
    for (const one of [...chosen.filter(({ emulated }) => !emulated), ...chosen.filter(({ emulated }) => emulated)]) {
      try {
        const times = await timesOf(one, folder, note);
        setup.push(describe(one, times));
        figures.push(...figuresOf(one, times));
      } catch (thrown) {
        if (!(thrown instanceof HeddleError)) throw thrown;
        note(`${one.name}: ${thrown.message} [${thrown.code}]`);
        setup.push(`${titleOf(one)}: not measured: ${thrown.message}`);
        figures.push({ name: `${titleOf(one)}: best single / mix`, value: Number.NaN, unit: "x", floor: { min: FLOORS[one.claim] } });
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { setup, figures };
}

function timesOf(one: DeviceCase, folder: string, note: (text: string) => void): Promise<CaseTimes> {
  const missing = one.models.find((file) => !existsSync(samplePath(file)));
  if (missing !== undefined) {
    const script = missing.startsWith("moonshine") ? "fetch-example-models" : "fetch-onnx-samples";
    throw new HeddleError("file-unreadable", { where: samplePath(missing), detail: `run "node dist/scripts/${script}.js"` });
  }
  return measureCase(one, folder, note);
}

/** Ratios are of one round's times; which device is the best one is decided by all rounds. */
function figuresOf(one: DeviceCase, { mixMs, singles, apartMs, learningTasks, resultsOff, forecastErrors }: CaseTimes): Figure[] {
  const title = titleOf(one);
  const best = singles.toSorted((a, b) => median(a.ms) - median(b.ms))[0]!;
  return [
    { name: `${title}: mix`, value: median(mixMs), unit: "ms" },
    ...singles.map(({ name, ms }) => ({ name: `${title}: ${name}`, value: median(ms), unit: "ms" })),
    {
      name: `${title}: best single (${best.name}) / mix`,
      value: median(mixMs.map((ms, round) => best.ms[round]! / ms)),
      unit: "x",
      floor: { min: FLOORS[one.claim] },
    },
    ...(apartMs === undefined
      ? []
      : [
          {
            name: `${title}: best single / all devices at once, apart (what the machine gives)`,
            value: median(best.ms) / apartMs,
            unit: "x",
          },
        ]),
    {
      name: `${title}: largest difference of results from ${singles[0]!.name}`,
      value: resultsOff,
      unit: "",
      floor: { max: TOLERANCE },
    },
    { name: `${title}: tasks of learning`, value: learningTasks, unit: "tasks" },
    { name: `${title}: forecast / live - 1`, value: median(forecastErrors), unit: "" },
  ];
}

function describe(one: DeviceCase, { shares, apartMs }: CaseTimes): string {
  const refused = apartMs === undefined ? "; not each device of the mix can do it alone" : "";
  return `${titleOf(one)}: ${one.what}; runs of stages by device of the mix: ${shares.join(", ")}${refused}`;
}

function titleOf({ name, emulated }: DeviceCase): string {
  return emulated ? `${name} (emulated)` : name;
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
