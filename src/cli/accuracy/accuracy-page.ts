import type { AccuracyRow } from "../../cost/accuracy/accuracy-row.ts";
import type { AccuracyDocument, AccuracyPartResult } from "./accuracy-document.ts";
import { PUBLISHED_ACCURACY } from "./published-accuracy.ts";

/** The page `docs/accuracy.md`, made from a document. */
export function accuracyPage({ heddle, parts }: AccuracyDocument): string {
  return `${[
    "# Accuracy",
    "",
    `How far off predictions of heddle ${heddle} are, against public measurements that their fits never saw. Made by \`heddle validate --data <folder> --write-docs docs/accuracy.md\`,`,
    "which computes it anew; `accuracy.json` beside it holds the same rows (a test holds the two equal).",
    "",
    "An error is |predicted / measured - 1|; *signed* is the mean of predicted / measured - 1, below 0 where predictions are too fast. *In interval* is the share of",
    "points inside the 90 % interval that was predicted with them, *width* the median of its relative half-width: s where it reaches from",
    "predicted / (1 + s) to predicted x (1 + s). Of served models its sides are unlike, from predicted / a to predicted x b, and s is that of an interval with as many",
    "factors between its ends, the root of a x b, less 1. Points that could not be predicted or were left out stand below each table, by reason. Rows of one point are a",
    "single statistic of a run.",
    "",
    "Intervals of served models are quantiles (5 and 95 %) of ln(measured / predicted) of rows of other folds, in which rows that share an engine, a kind of model or of",
    "prompts count more. They are the mean of twelve ways for TPOT and of eight for TTFT: no such property, each, or both; in units of what all models usually miss by, each engine",
    "on each device, or each engine with each kind of model, where few groups move what all miss by little. TPOT's lie higher where prompts take more of the iterations' time,",
    "by the slope within groups; TTFT's are widened by the factor with which predictions of folds inside those folds hold 90 %. A row's own fold takes no part in any of it.",
    "These few ways came from folds inside folds, where choosing the best of hundreds scored worse; eight versions before and six now were looked at on held-out rows, which",
    "makes what is shown mildly too good. `simulate`, `what-if`, `sweep` and `plan --slo` take their intervals from the same ways with all folds; where prompts are not known",
    "theirs hold those of all.",
    "",
    "How many engines on devices can hold 85 to 95 % of their rows with a half-width of at most 3.5 median errors is bounded by how few groups they have: of the seven with 50",
    "rows one to four each, and models differ (standard deviation of ln(measured / predicted) between groups 0.13 for TPOT and 0.21 for TTFT; within them 0.10 and 0.24). The true",
    "90 % interval of groups drawn so would hold 2.7 of seven within both limits for TPOT and 2.8 for TTFT, and all seven in less than one draw of a hundred; with thirty groups each,",
    "nearly all would hold the share (a test draws both).",
    "",
    "Two things of the benchmarks were found on these rows and are published, not fitted. Runs of DeepSeek that the benchmark did not warm (before 2026-01-27) wait for kernels in",
    "their first wave, in SGLang only where a prompt of it is cut: their TTFT's interval reaches from no wait to 120 s of one wave in ten. Prompts of DeepSeek in SGLang 0.5.10 are",
    "5.03 times as long as asked for: the client's tokenizer and the engine's split text unlike (InferenceX pull requests 937, 1381, 1502; 31 rows of one group). Fitted is what a",
    "first token waits longer for a mixture of experts, and in benchmarks whose client is not known.",
    "",
    "Four more were found where held-out rows missed, and none is fitted to served rows. 136 rows repeat a measurement to two decimals and are dropped. Which rows draft several tokens",
    "is told by the benchmark's entries (InferenceX pull requests 626, 632, 642, 898, 1048), besides by rows that contradict. On the GB200 SGLang's low-latency scripts run one tensor group,",
    "whatever rows say of attention (pull requests 633 and 635; scripts of ai-dynamo/dynamo). Experts on more ranks than a token has sort the tokens that were sent to them, where tables of",
    "kernels sort all of the group (TensorRT-LLM's `should_enable_alltoall`); and blocks of latent attention in 16 bits lack the kernels that quantise, as tables of TensorRT-LLM show.",
    "",
    "A table of a device can be of something else than its columns name. That of prefill attention on the H200 (AIConfigurator, vLLM 0.19.0) is: 9,355 of its 49,952 rows are faster",
    "than the device's peak; a window of 128 tokens takes as long as none; 32 query heads over 1 head of keys take 1/120 of their time over 32 (4 prompts of 4,096 tokens: 0.02 and",
    "2.5 ms; on the H100, which has the same cores, 0.9 ms both). Rows that the peak allows are no better, so nothing is fitted on it, no price comes from it, and where devices are",
    "left out it is scored apart, as *faulty table*.",
    ...parts.flatMap(partLines),
    "",
    "What others publish is on their own cases, chosen by them or by rivals; it says what the field expects, not who is better.",
    "",
  ].join("\n")}`;
}

/** Columns of a row, for the page and the terminal. */
export const ACCURACY_HEAD = [
  "prediction",
  "device",
  "engine",
  "points",
  "mean",
  "median",
  "p90",
  "signed",
  "in interval",
  "width",
] as const;

export function accuracyCells(row: AccuracyRow): string[] {
  const { family, device, engine, points, coverage, medianHalfWidth } = row;
  if (points === 0) return [family, device, engine, "0", ...Array.from({ length: ACCURACY_HEAD.length - 4 }, () => "")];
  return [
    family,
    device,
    engine,
    String(points),
    ...[row.meanError, row.medianError, row.p90].map(percent),
    `${row.signedMean > 0 ? "+" : ""}${percent(row.signedMean)}`,
    coverage === undefined ? "" : percent(coverage),
    medianHalfWidth === undefined ? "" : `±${percent(medianHalfWidth)}`,
  ];
}

/** Rows of one protocol of one data set. */
export interface ProtocolRows {
  readonly protocol: string;
  readonly rows: readonly AccuracyRow[];
}

export function byProtocol(rows: readonly AccuracyRow[]): ProtocolRows[] {
  const groups = new Map<string, AccuracyRow[]>();
  for (const row of rows) {
    const protocol = `${row.dataSet}: ${row.protocol}`;
    groups.set(protocol, [...(groups.get(protocol) ?? []), row]);
  }
  return [...groups].map(([protocol, members]) => ({ protocol, rows: members }));
}

/** Points of one protocol that were predicted, and those that were left out, by reason. */
export function coverageText(rows: readonly AccuracyRow[]): string {
  const excluded = new Map<string, number>();
  for (const row of rows)
    for (const [reason, count] of Object.entries(row.excluded)) excluded.set(reason, (excluded.get(reason) ?? 0) + count);
  const predicted = rows.reduce((sum, { points, total }) => sum + (total === true ? 0 : points), 0);
  const out = [...excluded.values()].reduce((sum, count) => sum + count, 0);
  if (out === 0) return `Predicted: all ${predicted} points.`;
  const reasons = [...excluded].map(([reason, count]) => `${count} ${reason}`).join("; ");
  return `Predicted: ${predicted} of ${predicted + out} points (${percent(predicted / (predicted + out))}). Left out: ${reasons}.`;
}

/** What others publish beside a part: of the kind of prediction, and of single rows. */
export function besideLines({ beside, rows }: Pick<AccuracyPartResult, "beside" | "rows">): string[] {
  const named = beside
    .map((name) => PUBLISHED_ACCURACY[name]!)
    .map(({ prediction, figure, source }) => `${prediction}: ${figure} (${source})`);
  const families = new Map<string, Set<string>>();
  for (const { family, published } of rows) {
    if (published !== undefined) families.set(published, (families.get(published) ?? new Set()).add(family));
  }
  return [...named, ...[...families].map(([published, of]) => `${[...of].join(", ")}: ${published}`)];
}

function partLines(part: AccuracyPartResult): string[] {
  const { title, rows, missing } = part;
  if (rows.length === 0) return ["", `## ${title}`, "", `Not computed: ${missing ?? "no rows"}.`];
  return [
    "",
    `## ${title}`,
    ...byProtocol(rows).flatMap((group) => [
      "",
      `Protocol (${group.protocol}).`,
      "",
      `| ${ACCURACY_HEAD.join(" | ")} |`,
      `|${ACCURACY_HEAD.map((_, i) => (i < 3 ? "---" : "--:")).join("|")}|`,
      ...group.rows.map((row) => `| ${accuracyCells(row).map(escapeCell).join(" | ")} |`),
      "",
      coverageText(group.rows),
    ]),
    "",
    ...besideLines(part).map((line) => `- published: ${line}`),
  ];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|");
}
