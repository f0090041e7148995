import { formatNs } from "../../../base/duration.ts";
import { toHeddleError } from "../../../base/heddle-error.ts";
import { quantity } from "../../../base/quantity.ts";
import { quantile } from "../../../base/statistics.ts";
import { NS_PER_S } from "../../../base/units.ts";
import type { Device } from "../../../rack/rack.ts";
import type { OpenDevice } from "../../device/device-driver.ts";
import { caseInputs, caseProgram } from "../cases/case-program.ts";
import { drawn } from "../cases/case-tensors.ts";
import { given, makeCase, stored } from "../cases/make-case.ts";
import type { OperatorCase } from "../cases/operator-case.ts";
import type { Finding } from "../finding.ts";
import { type HostRun, refusal, runOnce, type Subject, wholeStage, withStage } from "../subject.ts";

/** Figures of a device's description, in the time it is run in. */
export interface SpeedFigures {
  readonly device: Device;
  readonly bandwidthBytesPerSecond: number | undefined;
}

const RUNS = 7;
const PRODUCT = 768;
const COPIED_FLOATS = 4_194_304;
/** Few enough for the buckets of most devices. */
const COPIED_ROWS = 1024;
const FLOAT_BYTES = 4;
/** Faster than this multiple of its figures is not possible: the figures are wrong, or times are. Slower than the second one should be known. */
const RATIO_MOST = 2;
const RATIO_LEAST = 0.05;
/** What a device says it was busy may exceed the time its caller waited by what two clocks differ. */
const CLOCKS = 1.05;
const CLOCKS_NS = 100_000;
/** Parts of a run add up to it but for rounding. */
const PARTS_NS = 10;

/** Launch, operations and bytes a second as measured, against the description; times must add up and fit into the time that passed. */
export async function checkSpeed({ device }: Subject, figures: SpeedFigures): Promise<readonly Finding[]> {
  const peak = Math.max(
    ...(figures.device.peaks ?? device.describe().peaks)
      .filter(({ type }) => device.describe().numerics.formats.includes(type))
      .map(({ operationsPerSecond }) => operationsPerSecond),
    0,
  );
  const launch = makeCase("Identity", [given(drawn("x", [1]))]);
  const product = makeCase("MatMul", [given(drawn("x", [PRODUCT, PRODUCT])), stored(drawn("w", [PRODUCT, PRODUCT]))]);
  const copy = makeCase("Add", [
    given(drawn("x", [COPIED_ROWS, COPIED_FLOATS / COPIED_ROWS])),
    given(drawn("y", [COPIED_ROWS, COPIED_FLOATS / COPIED_ROWS])),
  ]);
  return [
    ...(await measured(device, "launch", launch, (ns) => launchFinding(ns, figures.device))),
    ...(await measured(device, "operations", product, (ns) => {
      const rate = (2 * PRODUCT * PRODUCT * PRODUCT * NS_PER_S) / ns;
      return rateFinding(rate, { wanted: peak, unit: "FLOP/s", what: `a product of ${PRODUCT} x ${PRODUCT} x ${PRODUCT}` });
    })),
    ...(await measured(device, "bytes", copy, (ns) => {
      const bytes = 3 * COPIED_FLOATS * FLOAT_BYTES;
      const what = `a sum of two tensors of ${COPIED_FLOATS} floats`;
      return rateFinding((bytes * NS_PER_S) / ns, { wanted: figures.bandwidthBytesPerSecond ?? 0, unit: "B/s", what });
    })),
  ];
}

async function measured(
  device: OpenDevice,
  name: string,
  operatorCase: OperatorCase,
  judge: (busyNs: number) => Pick<Finding, "verdict" | "detail">,
): Promise<readonly Finding[]> {
  const stage = wholeStage(caseProgram(operatorCase));
  const refused = refusal(device, stage);
  if (refused !== undefined) return [{ check: "speed", name, verdict: "skip", detail: `the device refuses it: ${refused}` }];
  try {
    const inputs = caseInputs(operatorCase);
    const runs = await withStage(device, stage, {
      inputs,
      use: async (resident) => {
        const all: HostRun[] = [];
        await runOnce(device, resident, inputs);
        for (let run = 0; run < RUNS; run++) all.push(await runOnce(device, resident, inputs));
        return all;
      },
    });
    const wrong = runs.map(timeFault).find((fault) => fault !== undefined);
    const times: Finding = {
      check: "speed",
      name: `times, ${name}`,
      verdict: wrong === undefined ? "pass" : "fail",
      detail: wrong ?? "they add up and fit into the time that passed",
    };
    return [
      {
        check: "speed",
        name,
        ...judge(
          quantile(
            Float64Array.from(runs, ({ run }) => run.busyNs),
            0.5,
          ),
        ),
      },
      times,
    ];
  } catch (thrown) {
    return [{ check: "speed", name, verdict: "fail", detail: toHeddleError(thrown).message }];
  }
}

/** Why the times of a run cannot be right. */
export function timeFault({ run, wallNs }: Pick<HostRun, "run" | "wallNs">): string | undefined {
  if (!(run.busyNs > 0)) return `it says it was busy for ${run.busyNs} ns`;
  if (run.busyNs > wallNs * CLOCKS + CLOCKS_NS)
    return `it says it was busy for ${Math.round(run.busyNs)} ns, ${Math.round(wallNs)} ns passed`;
  const sum = run.parts.reduce((all, { ns }) => all + ns, 0);
  if (run.parts.length > 0 && Math.abs(sum - run.busyNs) > PARTS_NS)
    return `its parts add up to ${Math.round(sum)} ns, not to ${Math.round(run.busyNs)} ns`;
  return undefined;
}

function launchFinding(ns: number, { overheads, calibration }: Device): Pick<Finding, "verdict" | "detail"> {
  const known = calibration?.launchNs ?? overheads?.launchNs;
  const seen = `a run of one operator on one element takes ${formatNs(ns)}`;
  if (known === undefined) return { verdict: "pass", detail: `${seen}; no launch cost is described` };
  const detail = `${seen}, ${formatNs(known)} are described: ${ratioText(ns / Math.max(1, known))}`;
  return { verdict: ns * RATIO_MOST * 2 < known || ns > known / RATIO_LEAST ? "warn" : "pass", detail };
}

function rateFinding(
  rate: number,
  { wanted, unit, what }: { readonly wanted: number; readonly unit: string; readonly what: string },
): Pick<Finding, "verdict" | "detail"> {
  const seen = `${what} runs at ${quantity(rate, unit)}`;
  if (wanted === 0) return { verdict: "pass", detail: `${seen}; no figure is described` };
  const ratio = rate / wanted;
  const detail = `${seen}, ${quantity(wanted, unit)} are described: ${ratioText(ratio)}`;
  if (ratio > RATIO_MOST) return { verdict: "fail", detail: `${detail}; figures or times are wrong` };
  return { verdict: ratio < RATIO_LEAST ? "warn" : "pass", detail };
}

function ratioText(ratio: number): string {
  return `${ratio >= 0.095 ? ratio.toFixed(2) : ratio.toExponential(1)} of it`;
}
