import { err, ok, type Result } from "../../../base/result.ts";
import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import { iterationWatts, iterationWork, powerConstantsOf } from "../../energy/iteration-energy.ts";
import { PER_NODE } from "../../network/sheet-network.ts";
import type { OperatorModel } from "../../operator/operator-model.ts";
import { type Cut, devicesOf } from "../cut.ts";
import { cutFault } from "../cut-check.ts";
import { type DecoderBlocks, decoderBlocks, hasMixture } from "../decoder-blocks.ts";
import { type EngineOverheads, KERNEL_FLOOR } from "../engine-overheads.ts";
import { engineOverheads, engineSpread } from "../engines/engine-of.ts";
import { type BatchShape, emptyBatch } from "../iteration-cost.ts";
import { type ExplainedCost, formatsOf, type IterationInput, joined, trial } from "../iteration-cost-of.ts";
import type { IterationFault } from "../iteration-fault.ts";
import { type TermPrice, termTables } from "../iteration-parts.ts";
import { emptyShare, type RankShare, rankShare } from "../rank-share.ts";
import { kernelsOf, tableNs } from "../share-ns.ts";
import { outerTerms } from "../terms/decoder-terms.ts";
import { type Site, STREAM_BYTES } from "../terms/site.ts";
import type { Term } from "../terms/term.ts";
import { attentionBlocks, attentionSideTerms, copiesAToken, ffnBlocks, ffnSideTerms, thereBytes } from "./ffn-terms.ts";
import { type Lap, lapOf, pingPongNs } from "./ping-pong.ts";

/** Devices that compute the feed-forwards of a replica whose attention is elsewhere: tensor x expert of them. */
export interface FfnSideInput {
  readonly sheet: DeviceSheet;
  readonly operators: OperatorModel;
  readonly network?: OperatorModel;
  readonly tensor: number;
  readonly expert: number;
  readonly microBatches: number;
  /** Time for the bytes that one device of each side sends or receives. Units: bytes, ns. */
  readonly linkNs: (attentionBytes: number, ffnBytes: number) => number;
}

export type SplitFfnInput = Omit<IterationInput, "load" | "overlapExchange" | "overheads" | "perNode"> & {
  readonly engine: NonNullable<IterationInput["engine"]>;
  readonly ffn: FfnSideInput;
};

/** How the feed-forwards are cut, as the terms see it: tokens come to every expert rank. */
export function ffnCut({ tensor, expert }: { readonly tensor: number; readonly expert: number }): Cut {
  return { tensor, pipeline: 1, data: expert, expert, context: 1 };
}

/**
 * The cost of iterations of a replica whose attention and feed-forwards are on devices of their own.
 *
 * Model: the batch is cut into micro-batches that go round between both in every layer (`pingPongNs`), each layer taken as the mean of all; embedding, head and sampling
 * run on attention devices for each micro-batch, hidden by nothing. A link moves each token to as many experts as it visits, and back; the fuller of an attention
 * device's and an FFN device's share decides. Experts' ranks receive alike; how unlike their products are is in the operators. Fewer sequences than micro-batches
 * make as many. What an engine adds was fitted on replicas that are not split, and no engine was measured so.
 * Errors: `cut-invalid`; `no-basis` where an operator has no price.
 * Source: arXiv:2504.02263, section 4.
 */
export function splitFfnCost(input: SplitFfnInput): Result<ExplainedCost, IterationFault> {
  const read = decoderBlocks(input.architecture);
  if (!read.ok) return read;
  const model = read.value;
  const { parallel, ffn } = input;
  const cut = ffnCut(ffn);
  const wrong = splitFault(model, parallel, cut);
  if (wrong !== undefined) return err(wrong);
  const sites = [siteOf(input, input.sheet, parallel, model), siteOf(input, ffn.sheet, cut, model)] as const;
  for (const [i, site] of sites.entries())
    if (Number.isNaN(site.perNode)) return err({ code: "no-basis", missing: `${PER_NODE} of ${(i === 0 ? input.sheet : ffn.sheet).name}` });
  const attentionTerms = attentionSideTerms(model, sites[0]);
  const outer = outerTerms(model, sites[0]);
  const ffnTerms = ffnSideTerms(model, sites[1]);
  const own = joined(input);
  const theirs = joined({ ...ffn, architecture: input.architecture, ...(input.engine === undefined ? {} : { engine: input.engine }) });
  const tried = [trial(own, [...attentionTerms, ...outer], parallel), trial(theirs, ffnTerms, cut)] as const;
  for (const one of tried) if (!one.ok) return one;
  const prices = tried.map((one) => (one as { readonly value: TermPrice }).value);
  return ok(makeSplit(input, { model, sites, attentionTerms, outer, ffnTerms, own, theirs, prices: [prices[0]!, prices[1]!] }));
}

/** What is wrong with the cuts of both sides; undefined where they go together. */
function splitFault(model: DecoderBlocks, parallel: Cut, ffn: Cut): IterationFault | undefined {
  const fault = (detail: string): IterationFault => ({ code: "cut-invalid", detail });
  if (parallel.pipeline > 1)
    return fault(`${parallel.pipeline} pipeline stages beside FFN devices: micro-batches already go round between the two`);
  if (parallel.expert > 1)
    return fault(`${parallel.expert} expert ranks among attention devices: the experts are on the FFN side (ffn.parallel.expert)`);
  return cutFault(attentionBlocks(model), parallel) ?? cutFault(ffnBlocks(model), ffn);
}

function siteOf(input: SplitFfnInput, sheet: DeviceSheet, cut: Cut, model: DecoderBlocks): Site {
  return {
    width: model.width,
    cut,
    formats: formatsOf(input),
    perNode: sheet.perNode?.value ?? (cut.tensor * cut.context === 1 ? 1 : NaN),
    perDecode: 1 + (input.speculation?.draftTokens ?? 0),
    load: "balanced",
  };
}

interface Made {
  readonly model: DecoderBlocks;
  readonly sites: readonly [Site, Site];
  readonly attentionTerms: readonly Term[];
  readonly outer: readonly Term[];
  readonly ffnTerms: readonly Term[];
  readonly own: OperatorModel;
  readonly theirs: OperatorModel;
  readonly prices: readonly [TermPrice, TermPrice];
}

function makeSplit(input: SplitFfnInput, made: Made): ExplainedCost {
  const { parallel, ffn, precision, engine } = input;
  const { model, sites } = made;
  const { layers } = model;
  const overheads = engineOverheads(engine, input.sheet, precision);
  const sides = {
    attention: sideNs(made.own, made.attentionTerms, overheads),
    outer: sideNs(made.own, made.outer, overheads),
    ffn: sideNs(made.theirs, made.ffnTerms, engineOverheads(engine, ffn.sheet, precision)),
  };
  const devices = { attention: devicesOf(parallel), ffn: ffn.tensor * ffn.expert };
  const tokenBytes = copiesAToken(model, ffn.expert) * model.width;
  const there = tokenBytes * thereBytes(sites[1]);
  const back = tokenBytes * STREAM_BYTES;
  const draft = input.speculation?.draftCost ?? 0;
  const shares = [emptyShare(), emptyShare()] as const;
  const micro = emptyBatch();

  /** Cuts a batch into micro-batches and leaves the shares of one in `shares`. Returns how many. */
  const cutBatch = (shape: Readonly<BatchShape>): number => {
    const parts = Math.max(1, Math.min(ffn.microBatches, shape.decodes + shape.prefills));
    part(shape, parts, micro);
    rankShare(micro, parallel, sites[0].perDecode, shares[0]);
    rankShare(micro, sites[1].cut, sites[1].perDecode, shares[1]);
    return parts;
  };
  const lapParts = (parts: number): Lap => {
    const tokens = shares[1].groupTokens;
    const linkNs = (bytes: number): number => ffn.linkNs((tokens * bytes) / devices.attention, (tokens * bytes) / devices.ffn);
    const attentionNs = sides.attention(shares[0]) / layers + overheads.layerNs;
    return lapOf({ attentionNs, dispatchNs: linkNs(there), ffnNs: sides.ffn(shares[1]) / layers, combineNs: linkNs(back) }, parts);
  };
  /** Every data-parallel rank has a scheduler of its own. */
  const ownSequences = (sequences: number): number => Math.ceil(sequences / parallel.data);
  const iterationNs = (shape: Readonly<BatchShape>): number => {
    const sequences = shape.decodes + shape.prefills;
    if (sequences === 0) return 0;
    const parts = cutBatch(shape);
    let ns = pingPongNs(lapParts(parts), parts, layers) + parts * sides.outer(shares[0]);
    if (shape.prefills > 0) ns = Math.max(ns, overheads.eagerLayerNs * layers * parts);
    if (draft > 0 && shape.decodes > 0) ns *= 1 + draft;
    return Math.round(ns + overheads.stepNs + overheads.sequenceNs * ownSequences(sequences));
  };
  const work = [iterationWork(input.sheet, [...made.attentionTerms, ...made.outer]), iterationWork(ffn.sheet, made.ffnTerms)] as const;
  const watts = [input.sheet.powerWatts?.value, ffn.sheet.powerWatts?.value] as const;
  const boards = (shape: Readonly<BatchShape>, ns: number, side: 0 | 1): number => {
    const runs = cutBatch(shape) * (shape.decodes > 0 ? 1 + draft : 1);
    const busy = { memoryNs: tableNs(work[side].memory, shares[side]) * runs, computeNs: tableNs(work[side].compute, shares[side]) * runs };
    return iterationWatts(side === 0 ? input.sheet : ffn.sheet, watts[side]!, { ns, ...busy });
  };
  const [price, ffnPrice] = made.prices;
  const spreadOf = (sheet: DeviceSheet, { spread }: TermPrice, operators: OperatorModel): number =>
    engineSpread({ engine, sheet, mixture: hasMixture(model), apart: operators.apartFromEngines === true }, spread);
  return {
    devices: devices.attention + devices.ffn,
    iterationNs,
    ...(watts[0] !== undefined &&
      watts[1] !== undefined && {
        iterationJoules: (shape: Readonly<BatchShape>, ns: number) =>
          (ns / 1e9) * (devices.attention * boards(shape, ns, 0) + devices.ffn * boards(shape, ns, 1)),
        joulesSpread: Math.max(powerConstantsOf(input.sheet).spread, powerConstantsOf(ffn.sheet).spread),
      }),
    // The slower side decides an iteration, and either may be it.
    spread: Math.max(spreadOf(input.sheet, price, input.operators), spreadOf(ffn.sheet, ffnPrice, ffn.operators)),
    basis: price.spread >= ffnPrice.spread ? price.basis : ffnPrice.basis,
    source:
      input.operators.source === ffn.operators.source ? input.operators.source : `${input.operators.source}; FFN: ${ffn.operators.source}`,
    lap: (shape) => lapParts(cutBatch(shape)),
    exchanged: (shape) => {
      const tokens = cutBatch(shape) * layers * shares[1].groupTokens;
      return { there: tokens * there, back: tokens * back };
    },
    parts: (shape) => {
      const parts = cutBatch(shape);
      const lap = lapParts(parts);
      const all = parts * layers;
      const draftNs = draft > 0 && shape.decodes > 0 ? draft * (pingPongNs(lap, parts, layers) + parts * sides.outer(shares[0])) : 0;
      return [
        { name: "attention side" as const, ns: lap.attentionNs * all },
        { name: "FFN side" as const, ns: lap.ffnNs * all },
        { name: "FFN exchange" as const, ns: (lap.dispatchNs + lap.combineNs) * all },
        { name: "head" as const, ns: parts * sides.outer(shares[0]) },
        { name: "drafting" as const, ns: draftNs },
        { name: "engine" as const, ns: overheads.stepNs + overheads.sequenceNs * ownSequences(shape.decodes + shape.prefills) },
      ]
        .filter(({ ns }) => ns > 0)
        .sort((a, b) => b.ns - a.ns);
    },
  };
}

/** Time of one side's terms for a share, with what its engine makes of them. */
function sideNs(operators: OperatorModel, terms: readonly Term[], overheads: EngineOverheads): (share: Readonly<RankShare>) => number {
  const compute = termTables(operators, terms, "compute");
  const attention = termTables(operators, terms, "attention");
  const experts = termTables(operators, terms, "experts");
  const exchange = termTables(operators, terms, "exchange");
  return (share) => {
    const plain =
      tableNs(compute, share) * overheads.computeFactor +
      tableNs(attention, share) * overheads.attentionFactor +
      tableNs(experts, share) * overheads.expertFactor;
    const kernels = kernelsOf(compute, share) + kernelsOf(attention, share) + kernelsOf(experts, share);
    return Math.max(plain * KERNEL_FLOOR, plain + kernels * overheads.kernelNs) + tableNs(exchange, share) * overheads.exchangeFactor;
  };
}

function part(shape: Readonly<BatchShape>, parts: number, into: BatchShape): void {
  into.prefills = shape.prefills / parts;
  into.prefillTokens = shape.prefillTokens / parts;
  into.prefillContext = shape.prefillContext / parts;
  into.prefillSquares = shape.prefillSquares / parts;
  into.decodes = shape.decodes / parts;
  into.decodeContext = shape.decodeContext / parts;
  into.decodeContextMax = shape.decodeContextMax;
}
