import { formatNs } from "../../base/duration.ts";
import type { Bar } from "../../simulate/bar.ts";
import type { WhatIfRow } from "../../simulate/deployment/what-if.ts";
import { table } from "../output.ts";
import { defaultLines, percent, rate } from "./deployment-text.ts";
import { measuredAtText } from "./measured-at.ts";
import type { WhatIfReport } from "./what-if-report.ts";

/** The answer for people: one sentence, then the table it comes from. */
export function whatIfText(report: WhatIfReport): string {
  const { changes, workload, rows, notes, defaults, changedDefaults, runs } = report;
  const known = rows.some(({ measured }) => measured !== undefined);
  return [
    answerText(report),
    "",
    table(
      [
        "",
        ...(known ? ["measured", "simulated as it runs", "off by"] : ["as it is"]),
        "after the change",
        "ratio",
        ...(known ? ["expected: measured x ratio"] : []),
      ],
      rows.map((row) => cells(row, known)),
    ),
    "",
    `change: ${changes.map(({ path, value }) => `${path}=${value}`).join(", ")}`,
    `workload: ${workload.requests} requests (${workload.source})`,
    measuredAtText(report.measuredAt),
    ...notes.map((note) => `note: ${note}`),
    ...growth(report),
    ...unlike(rows),
    ...report.pools.map(
      ({ when, name, device, basis, spread, source }) =>
        `${when}, ${name}: ${device}, iterations ${basis} ±${Math.round(spread * 100)} % (${source})`,
    ),
    ...defaultLines(defaults),
    ...defaultLines(changedDefaults, "not said by the change, so taken as:"),
    known
      ? `measured: by the ${report.clock} (${report.source}). All else is estimated; "off by" is the model's error on the fleet as it runs.`
      : "Every figure is estimated; nothing of this fleet was measured (`heddle import` takes its logs).",
    runs <= 2
      ? "One run or two give no interval: ask for three and more."
      : `In brackets: 90 % of ${runs} pairs of runs that share the errors of their prices.`,
  ].join("\n");
}

/** p99 of TTFT in one sentence: what most ask for. */
function answerText({ rows, changes }: WhatIfReport): string {
  const row = rows.find(({ name }) => name === "TTFT p99")!;
  const bar = row.expected ?? row.after;
  const from = row.measured === undefined ? `${formatNs(row.before.value)} simulated` : `${formatNs(row.measured)} measured`;
  const error = row.error === undefined ? "" : `; the model is off by ${signed(row.error)} on what was measured`;
  return `With ${changes.map(({ path, value }) => `${path} = ${value}`).join(" and ")}: p99 TTFT ${around(bar)}, now ${from}${error}.`;
}

function around({ value, low, high }: Bar): string {
  return low === high ? formatNs(value) : `${formatNs(value)} [${formatNs(low)} to ${formatNs(high)}]`;
}

function cells(row: WhatIfRow, known: boolean): string[] {
  const format = FORMATS[row.unit];
  const bar = (value: Bar | undefined, how = format): string => {
    if (value === undefined || !Number.isFinite(value.value)) return "unknown";
    return value.low === value.high ? how(value.value) : `${how(value.value)} [${how(value.low)} to ${how(value.high)}]`;
  };
  const measured = row.measured === undefined ? "" : format(row.measured);
  const off = row.error === undefined ? "" : signed(row.error);
  return [
    row.name,
    ...(known ? [measured, bar(row.before), off] : [bar(row.before)]),
    bar(row.after),
    bar(row.ratio, (value) => `x ${value.toPrecision(3)}`),
    ...(known ? [row.expected === undefined ? "" : bar(row.expected)] : []),
  ];
}

const FORMATS: Readonly<Record<WhatIfRow["unit"], (value: number) => string>> = {
  ns: formatNs,
  "a second": rate,
  dollars: (value) => `$${value.toPrecision(3)}`,
  share: percent,
  count: (value) => (Number.isInteger(value) ? String(value) : value.toPrecision(3)),
};

function signed(error: number): string {
  return `${error >= 0 ? "+" : ""}${(error * 100).toFixed(1)} %`;
}

/** Says so where the model does not describe the fleet as it runs: ratios of such runs are no basis. */
function unlike(rows: readonly WhatIfRow[]): string[] {
  const missed = rows.filter(({ measured, before }) => measured !== undefined && (measured < before.low || measured > before.high));
  if (missed.length === 0) return [];
  const names = missed.map(({ name }) => name).join(", ");
  return [
    `OUTSIDE ITS INTERVAL as it runs: ${names}. The model does not describe these figures of this fleet, so what is expected of them may be as far off: hold`,
    "engine settings against those that run (KV blocks, limits on tokens and sequences; --metrics of `heddle import` reads them) before acting on it.",
  ];
}

function growth({ growing }: WhatIfReport): string[] {
  return Object.entries(growing).flatMap(([when, is]) =>
    is ? [`NOT STATIONARY ${when} the change: the queue was still growing at the end of the arrivals.`] : [],
  );
}
