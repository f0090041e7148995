import { must } from "../../base/assert.ts";
import { firstWaveCompiles, publishedRun, siliconBenchmark } from "../../cost/accuracy/silicon/silicon-benchmark.ts";
import { siliconCut, siliconLoopFault } from "../../cost/accuracy/silicon/silicon-faults.ts";
import { siliconFormats } from "../../cost/accuracy/silicon/silicon-formats.ts";
import { type SiliconHold, siliconLaunch } from "../../cost/accuracy/silicon/silicon-launch.ts";
import type { SiliconEngine, SiliconRow, SiliconSide } from "../../cost/accuracy/silicon/silicon-row.ts";
import { type Cut, devicesOf, type Formats } from "../../cost/iteration/cut.ts";
import { hasExperts } from "../../cost/iteration/decoder-blocks.ts";
import { type EngineConstants, type FrontOf, frontTimeNs, overheadsOn } from "../../cost/iteration/engines/engine-constants.ts";
import { emptyBatch } from "../../cost/iteration/iteration-cost.ts";
import { type ExplainedCost, iterationCostOf } from "../../cost/iteration/iteration-cost-of.ts";
import { iterationFaultText } from "../../cost/iteration/iteration-fault.ts";
import { kvBudget } from "../../cost/iteration/kv-budget.ts";
import { collectiveModel } from "../../cost/network/collectives/collective-model.ts";
import { sheetNetwork } from "../../cost/network/sheet-network.ts";
import type { OperatorModel } from "../../cost/operator/operator-model.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { balanceGate } from "../../policy/serving/balance-gate.ts";
import { type PromptGate, rulesOf } from "../../policy/serving/scheduling-rules.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { runClosedLoop } from "./closed-loop-run.ts";

/** A row as it is predicted, or why it is not. */
export type SiliconCase =
  | {
      readonly row: SiliconRow;
      readonly cut: Cut;
      readonly formats: Formats;
      readonly clients: number;
      readonly stated: boolean;
      readonly kvTokens: number;
    }
  | { readonly row: SiliconRow; readonly excluded: string };

export type RunnableCase = Extract<SiliconCase, { readonly cut: Cut }>;

/** Tokens an iteration of a data-parallel rank has at most; default of the three engines on these devices. */
const BATCHED_TOKENS = 8192;
const BLOCK_TOKENS = 64;
/** Share of a device's memory that engines take. Source: InferenceMAX's launch commands, 0.9 to 0.95. */
const MEMORY_FRACTION = 0.95;
/** Requests of a client: fewer than the benchmark's 10, so that the first wave weighs more in the mean, and time less. */
const WAVES = 5;
/** The first wave is one of 10 there and one of 5 here. */
const FIRST_WEIGHT = 0.44;
/** Order of detokenising, HTTP, the client and tokenising between two requests of a client. */
const TURN_AROUND_NS = 10_000_000;
const SEED = 7;

/** What of a row is needed to predict it as a whole replica. */
export function siliconCase(row: SiliconRow): SiliconCase {
  if (row.mode !== "agg" || row.whole === undefined) return { row, excluded: "no batch size" };
  const test = sideCase(row, row.whole, row.clients ?? row.whole.batch * row.whole.data);
  if ("excluded" in test) return test;
  const fault = siliconLoopFault(row, row.whole, test.cut);
  return fault === undefined ? test : { row, excluded: fault };
}

/** The same for one side of a disaggregated row; `clients` are those that side has at once. */
export function sideCase(row: SiliconRow, side: SiliconSide, clients: number): SiliconCase {
  const cut = siliconCut(row, side);
  if ("impossible" in cut) return { row, excluded: `impossible: ${cut.impossible}` };
  const formats = siliconFormats(row);
  if (formats === undefined) return { row, excluded: `format ${row.products}` };
  const budget = kvBudget({
    architecture: architectureOf(row),
    sheet: deviceSheet(row.device),
    parallel: cut.cut,
    precision: formats.formats,
    engine: { maxBatchedTokens: BATCHED_TOKENS, maxSequences: 1, blockTokens: BLOCK_TOKENS, memoryFraction: MEMORY_FRACTION },
  });
  if (!budget.ok) return { row, excluded: `impossible: ${iterationFaultText(budget.error)}` };
  const kvTokens = budget.value.kvTokensPerRank * cut.cut.data;
  if (crowded(row, clients, kvTokens)) return { row, excluded: "impossible: more KV in flight than memory holds" };
  return { row, cut: cut.cut, formats: formats.formats, clients, stated: formats.stated, kvTokens };
}

/** How far what is in flight may exceed what we count as memory for KV. */
const CROWDED = 1.5;

/**
 * True where the row's own times say that more KV was in flight than the devices hold: by Little's law that share of the clients decodes which their
 * time after the first token has in the whole. Such rows are of several replicas.
 */
function crowded(row: SiliconRow, clients: number, kvTokens: number): boolean {
  const decodingMs = row.tpotMs * (row.outputTokens - 1);
  const running = (clients * decodingMs) / (row.ttftMs + decodingMs);
  return running * siliconBenchmark(row).promptTokens > CROWDED * kvTokens;
}

function architectureOf(row: SiliconRow): NonNullable<ReturnType<typeof knownArchitecture>> {
  return must(knownArchitecture(row.model), row.model);
}

/** Iteration cost of a row's replica. */
export function siliconCost(
  test: RunnableCase,
  options: { readonly operators: (sheet: DeviceSheet, engine: SiliconEngine) => OperatorModel; readonly constants: EngineConstants },
): ReturnType<typeof iterationCostOf> {
  const sheet = deviceSheet(test.row.device);
  const network = sheetNetwork(sheet, test.row.engine);
  return iterationCostOf({
    architecture: architectureOf(test.row),
    sheet,
    parallel: test.cut,
    precision: test.formats,
    operators: options.operators(sheet, test.row.engine),
    ...(network && { network: collectiveModel(network) }),
    engine: test.row.engine,
    overheads: overheadsOn(options.constants, sheet, test.formats),
  });
}

/** Predicted means of a row. Units: ns. */
export interface SiliconTimes {
  readonly ttftNs: number;
  readonly tpotNs: number;
}

/** Runs the closed loop of a row in virtual time. */
export function siliconTimes(test: RunnableCase, cost: ExplainedCost, constants: EngineConstants): SiliconTimes {
  const { row, clients, cut } = test;
  const launch = siliconLaunch(row, cut, clients);
  const { leastShare, promptTokens } = siliconBenchmark(row);
  const rules = rulesOf(row.engine, {
    maxBatchedTokens: launch.batchedTokens * cut.data + (launch.decodesCount ? 0 : clients),
    maxSequences: clients,
    chunkedPrefill: launch.chunked,
    prefixCaching: false,
  });
  const least = Math.ceil((promptTokens + row.outputTokens) / BLOCK_TOKENS) + 2;
  const means = runClosedLoop({
    turnAroundNs: TURN_AROUND_NS,
    firstWeight: FIRST_WEIGHT,
    cost,
    rules: launch.hold === undefined ? rules : { ...rules, gate: gateOf(launch.hold, cut.data) },
    kvBlocks: Math.max(least, Math.floor(test.kvTokens / BLOCK_TOKENS)),
    blockTokens: BLOCK_TOKENS,
    clients,
    requests: WAVES * clients,
    promptTokens,
    outputTokens: row.outputTokens,
    leastShare,
    seed: SEED,
  });
  const compiling = waitsForKernels(test) ? constants.compileNs * FIRST_WAVE_SHARE : 0;
  return { ttftNs: means.ttftNs + frontTimeNs(constants, frontOf(test)) + compiling, tpotNs: means.tpotNs };
}

/** Whose first tokens a row's are. */
export function frontOf({ row, clients }: RunnableCase): FrontOf & { readonly direct: boolean } {
  return { clients, mixture: hasExperts(architectureOf(row)), direct: publishedRun(row) };
}

/** Prompts' share of the time of all iterations: one prompt a request, alone, beside as many iterations of all clients as it has outputs. */
export function promptShare({ row, clients }: RunnableCase, cost: ExplainedCost): number {
  const { promptTokens: tokens } = siliconBenchmark(row);
  const context = tokens + row.outputTokens / 2;
  const decodeNs = cost.iterationNs({ ...emptyBatch(), decodes: clients, decodeContext: clients * context, decodeContextMax: context });
  const promptNs = cost.iterationNs({ ...emptyBatch(), prefills: 1, prefillTokens: tokens, prefillSquares: tokens * tokens });
  const prompts = (promptNs * clients) / row.outputTokens;
  return prompts / (prompts + decodeNs);
}

/** Whether a row's first wave waits for kernels to be compiled, launched as it was. */
export function waitsForKernels({ row, cut, clients }: RunnableCase): boolean {
  return firstWaveCompiles(row, siliconLaunch(row, cut, clients), clients);
}

/** Share of the first wave in the benchmark's mean: what its prompts wait for kernels, the mean of all waits by this share. */
export const FIRST_WAVE_SHARE = 0.1;

export function caseDevices(test: RunnableCase): number {
  return devicesOf(test.cut);
}

function gateOf(hold: SiliconHold, ranks: number): PromptGate {
  return hold.kind === "ranks" ? balanceGate(ranks, { steps: hold.steps, batching: 0 }) : hold;
}
