import { err, ok, type Result } from "../../base/result.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { iterationWatts, iterationWork, powerConstantsOf } from "../energy/iteration-energy.ts";
import type { Basis } from "../estimate.ts";
import { PER_NODE } from "../network/sheet-network.ts";
import type { OperatorModel } from "../operator/operator-model.ts";
import { isLinkQuery } from "../operator/operator-query.ts";
import { type Cut, devicesOf, type Formats } from "./cut.ts";
import { cutFault } from "./cut-check.ts";
import { type DecoderBlocks, decoderBlocks, hasMixture } from "./decoder-blocks.ts";
import { type EngineOverheads, KERNEL_FLOOR, NO_OVERHEADS } from "./engine-overheads.ts";
import { type EngineName, engineOverheads, engineSpread } from "./engines/engine-of.ts";
import { type BatchShape, emptyBatch, type IterationCost } from "./iteration-cost.ts";
import type { IterationFault } from "./iteration-fault.ts";
import { priceTerm, sumTerms, type TermPrice, termTables } from "./iteration-parts.ts";
import { narrowWeights } from "./narrow-weights.ts";
import { randomRouting } from "./random-routing.ts";
import { emptyShare, type RankShare, rankShare } from "./rank-share.ts";
import { kernelsOf, tableNs } from "./share-ns.ts";
import type { Lap } from "./split-ffn/ping-pong.ts";
import { layerTerms, outerTerms } from "./terms/decoder-terms.ts";
import { type Site, STREAM_BYTES } from "./terms/site.ts";
import { classOf, type Term, type TermName } from "./terms/term.ts";

/** A replica whose iterations are to be priced. */
export interface IterationInput {
  readonly architecture: SequenceModel;
  readonly sheet: DeviceSheet;
  readonly parallel: Cut;
  readonly precision: Formats;
  /** Prices of operators on the device. */
  readonly operators: OperatorModel;
  /** Prices of collectives and messages; absent: `operators` has them. */
  readonly network?: OperatorModel;
  /** Devices of a node or scale-up domain; absent: the sheet's, which is needed where a replica has several. */
  readonly perNode?: number;
  /** Engine whose constants, fitted on served models, count; absent: operators alone. */
  readonly engine?: EngineName;
  /** Instead of the engine's. */
  readonly overheads?: EngineOverheads;
  /** Tokens drafted for a decoding sequence in an iteration, and the time of drafting over that of a decode step. */
  readonly speculation?: { readonly draftTokens: number; readonly draftCost: number };
  /** How tokens fall on experts; absent: at random. */
  readonly load?: "balanced" | { readonly powerLaw: number };
  /** Two half-batches take turns, so that one computes while the other exchanges. */
  readonly overlapExchange?: boolean;
}

/** One part of an iteration, for reports. */
export interface IterationPart {
  readonly name: TermName | "engine" | "drafting" | "adapters" | "encoder" | "attention side" | "FFN side" | "FFN exchange";
  readonly ns: number;
}

/** An iteration cost that can say what an iteration consists of. */
export interface ExplainedCost extends IterationCost {
  readonly devices: number;
  /** Parts in falling order. They sum to the iteration where nothing overlaps. */
  parts(shape: Readonly<BatchShape>): readonly IterationPart[];
  /** Where attention and feed-forwards are on devices of their own: how micro-batches go between them. */
  lap?(shape: Readonly<BatchShape>): Lap;
  /** What goes from attention to those devices in an iteration, and back, of all devices together. Units: bytes. */
  exchanged?(shape: Readonly<BatchShape>): { readonly there: number; readonly back: number };
}

/** Sizes at which every operator is tried when a cost is made: decode of one sequence, of many, a prompt. */
const TRIAL_BATCH = 64;
const TRIAL_CONTEXT = 1024;

/**
 * The cost of iterations of a replica of any model on any device, cut in any way.
 *
 * Model: every operator of a layer as a function of what the fullest device computes, summed over layers into tables; pipeline stages hold equal shares
 * of the layers and of the batch, so an iteration takes as long as all stages take for a share of it; data-parallel ranks wait for the fullest.
 * Errors: `cut-invalid`; `no-basis` where an operator has no price.
 * Complexity: making one prices each operator three times; the tables fill at the first iterations (four nodes an octave), later ones read them.
 */
export function iterationCostOf(input: IterationInput): Result<ExplainedCost, IterationFault> {
  const read = decoderBlocks(input.architecture);
  if (!read.ok) return read;
  const wrong = cutFault(read.value, input.parallel);
  if (wrong !== undefined) return err(wrong);
  const perNode = devicesPerNode(input);
  if (perNode === undefined)
    return err({
      code: "no-basis",
      missing: `${PER_NODE} of ${input.sheet.name}; a device sheet of your own says it: like: ${input.sheet.id}, perNode: …`,
    });
  const site = siteOf(input, read.value, perNode);
  const operators = joined(input);
  const layers = [...layerTerms(read.value, site), ...stageTerms(site, input.parallel)];
  const outer = outerTerms(read.value, site);
  const tried = trial(operators, [...layers, ...outer], input.parallel);
  if (!tried.ok) return tried;
  return ok(makeCost(input, { model: read.value, site, operators, layers, outer, trial: tried.value }));
}

/** Devices of a machine; undefined where that matters and is not known. */
function devicesPerNode({ perNode, sheet, parallel }: IterationInput): number | undefined {
  return perNode ?? sheet.perNode?.value ?? (devicesOf(parallel) === 1 ? 1 : undefined);
}

function siteOf(input: IterationInput, model: DecoderBlocks, perNode: number): Site {
  return {
    width: model.width,
    cut: input.parallel,
    formats: formatsOf(input),
    perNode,
    perDecode: 1 + (input.speculation?.draftTokens ?? 0),
    load: input.load ?? "balanced",
  };
}

/** Families whose 8-bit checkpoints have a scale for each block of 128 x 128. Source: `weight_block_size` of their config.json. */
const BLOCK_SCALED = new Set(["deepseek_v3", "deepseek_v32", "kimi_k2", "glm_moe_dsa", "qwen3_5_moe_text", "qwen3_next"]);

export function formatsOf({ precision, architecture }: Pick<IterationInput, "precision" | "architecture">): Formats {
  if (precision.blockScaled !== undefined || !precision.weights.startsWith("f8")) return precision;
  return BLOCK_SCALED.has(architecture.family) ? { ...precision, blockScaled: true } : precision;
}

/** Operators and network as one model. */
export function joined({
  architecture,
  operators,
  network,
  sheet,
  load,
  engine,
}: Pick<IterationInput, "architecture" | "operators" | "network" | "sheet" | "load" | "engine">): OperatorModel {
  const stored = narrowWeights(operators, sheet, {
    kernels: engine === "trtllm" || engine === "sglang" ? "own" : "measured",
    weightGroup: architecture.weightGroup,
  });
  const narrow = load === undefined ? randomRouting(stored) : stored;
  if (network === undefined) return narrow;
  return {
    source: `${operators.source}; ${network.source}`,
    price: (query) => (isLinkQuery(query) ? network : narrow).price(query),
  };
}

/** Messages between neighbouring pipeline stages, once a boundary. */
function stageTerms(site: Site, cut: Cut): readonly Term[] {
  if (cut.pipeline === 1) return [];
  const stageDevices = devicesOf(cut) / cut.pipeline;
  const sameNode = stageDevices * cut.pipeline <= site.perNode;
  return [
    {
      name: "stage exchange",
      repeat: cut.pipeline,
      over: "tokens",
      queries: (tokens) => [{ op: "point-to-point", bytes: (tokens * site.width * STREAM_BYTES) / cut.tensor, sameNode }],
    },
  ];
}

/** Prices every term at usual sizes. Errors: `no-basis` of the first that has none. */
export function trial(operators: OperatorModel, terms: readonly Term[], cut: Cut): Result<TermPrice, IterationFault> {
  const prices: TermPrice[] = [];
  for (const term of terms) {
    const at = {
      decode: [TRIAL_BATCH, TRIAL_CONTEXT, 0],
      prefill: [1, TRIAL_CONTEXT, 0],
      "group-tokens": [TRIAL_BATCH * cut.data, 0, 0],
    } as const;
    const point =
      term.over === "decode" || term.over === "prefill" || term.over === "group-tokens" ? at[term.over] : ([TRIAL_BATCH, 0, 0] as const);
    const priced = priceTerm(operators, term, point);
    if (!priced.ok) return priced;
    // A usual iteration decodes: prompts are tried, and do not count.
    if (term.over !== "prefill") prices.push(priced.value);
  }
  return ok(sumTerms(prices));
}

interface Made {
  readonly model: DecoderBlocks;
  readonly site: Site;
  readonly operators: OperatorModel;
  readonly layers: readonly Term[];
  readonly outer: readonly Term[];
  readonly trial: TermPrice;
}

function makeCost(input: IterationInput, made: Made): ExplainedCost {
  const { parallel } = input;
  const { operators, layers, outer, model } = made;
  const overheads =
    input.overheads ?? (input.engine === undefined ? NO_OVERHEADS : engineOverheads(input.engine, input.sheet, input.precision));
  const tables = {
    compute: termTables(operators, layers, "compute"),
    attention: termTables(operators, layers, "attention"),
    experts: termTables(operators, layers, "experts"),
    exchange: termTables(operators, layers, "exchange"),
    outerCompute: termTables(operators, outer, "compute"),
    outerExchange: termTables(operators, outer, "exchange"),
  };
  const stages = parallel.pipeline;
  /** Layers of the fullest stage, times stages, over layers. */
  const uneven = (Math.ceil(model.layers / stages) * stages) / model.layers;
  const draft = input.speculation?.draftCost ?? 0;
  const share = emptyShare();
  const half = emptyBatch();

  /** Every data-parallel rank has a scheduler of its own: the fullest has so many sequences to sample and to keep. */
  const ownSequences = (sequences: number): number => Math.ceil(sequences / parallel.data);
  const kernelsIn = (of: Readonly<RankShare>): number =>
    kernelsOf(tables.compute, of) + kernelsOf(tables.attention, of) + kernelsOf(tables.experts, of);
  const kernelsNs = (shape: Readonly<BatchShape>): number => {
    rankShare(shape, parallel, made.site.perDecode, share);
    const outerRuns = share.batches >= stages ? stages : 1;
    const compute = tableNs(tables.compute, share) * uneven + tableNs(tables.outerCompute, share) * outerRuns;
    const attention = tableNs(tables.attention, share) * uneven;
    const experts = tableNs(tables.experts, share) * uneven;
    const exchange = tableNs(tables.exchange, share) * uneven + tableNs(tables.outerExchange, share) * outerRuns;
    const kernels = kernelsIn(share);
    const plain = compute * overheads.computeFactor + attention * overheads.attentionFactor + experts * overheads.expertFactor;
    const launched = Math.max(plain * KERNEL_FLOOR, plain + kernels * uneven * overheads.kernelNs);
    const cores = launched + overheads.layerNs * model.layers * uneven;
    const links = exchange * overheads.exchangeFactor;
    const device = input.overlapExchange === true ? Math.max(cores, links) : cores + links;
    return share.prompts > 0 ? Math.max(device, overheads.eagerLayerNs * model.layers * uneven) : device;
  };
  const iterationNs = (shape: Readonly<BatchShape>): number => {
    let ns: number;
    if (input.overlapExchange === true) {
      halve(shape, half);
      ns = 2 * kernelsNs(half);
    } else ns = kernelsNs(shape);
    if (draft > 0 && shape.decodes > 0) ns *= 1 + draft;
    const sequences = shape.decodes + shape.prefills;
    return sequences === 0 ? 0 : Math.round(ns + overheads.stepNs + overheads.sequenceNs * ownSequences(sequences));
  };
  const watts = input.sheet.powerWatts?.value;
  const work = iterationWork(input.sheet, [...layers, ...outer]);
  return {
    devices: devicesOf(parallel),
    iterationNs,
    ...(watts !== undefined && {
      iterationJoules: (shape: Readonly<BatchShape>, ns: number) => (ns / 1e9) * devicesOf(parallel) * boardWatts(shape, ns, watts),
      joulesSpread: powerConstantsOf(input.sheet).spread,
    }),
    spread:
      input.engine === undefined
        ? made.trial.spread
        : engineSpread(
            {
              engine: input.engine,
              sheet: input.sheet,
              mixture: hasMixture(model),
              apart: input.operators.apartFromEngines === true,
            },
            made.trial.spread,
          ),
    basis: made.trial.basis as Basis,
    source: operators.source,
    parts: (shape) => explain(shape),
  };

  function boardWatts(shape: Readonly<BatchShape>, ns: number, watts: number): number {
    rankShare(shape, parallel, made.site.perDecode, share);
    // A stage's device runs its layers once for each part of the batch; drafting works as decoding does.
    const runs = (share.batches / stages) * (shape.decodes > 0 ? 1 + draft : 1);
    return iterationWatts(input.sheet, watts, {
      ns,
      memoryNs: tableNs(work.memory, share) * runs,
      computeNs: tableNs(work.compute, share) * runs,
    });
  }

  function explain(shape: Readonly<BatchShape>): readonly IterationPart[] {
    rankShare(shape, parallel, made.site.perDecode, share);
    const outerRuns = share.batches >= stages ? stages : 1;
    const factors = {
      compute: overheads.computeFactor,
      attention: overheads.attentionFactor,
      experts: overheads.expertFactor,
      exchange: overheads.exchangeFactor,
    };
    const sums = new Map<IterationPart["name"], number>();
    let plain = 0;
    const add = (name: IterationPart["name"], ns: number): void => void (ns > 0 && sums.set(name, (sums.get(name) ?? 0) + ns));
    for (const [terms, runs] of [
      [layers, uneven],
      [outer, outerRuns],
    ] as const) {
      for (const term of terms) {
        const kind = classOf(term.name);
        const factor = factors[kind];
        const ns = runs * factor * tableNs(termTables(operators, [term], kind), share);
        sums.set(term.name, (sums.get(term.name) ?? 0) + ns);
        if (kind !== "exchange") plain += ns;
      }
    }
    const kernels = kernelsIn(share);
    // Launches that captured graphs hide are taken off all compute alike.
    const shown = plain > 0 ? Math.max(KERNEL_FLOOR, 1 + (kernels * uneven * overheads.kernelNs) / plain) : 1;
    for (const [name, ns] of sums) if (!name.endsWith("exchange")) sums.set(name, ns * shown);
    const sequences = shape.decodes + shape.prefills;
    const layersNs = overheads.layerNs * model.layers * uneven;
    const all = [...sums.values()].reduce((sum, ns) => sum + ns, layersNs);
    const waited = share.prompts > 0 ? Math.max(0, overheads.eagerLayerNs * model.layers * uneven - all) : 0;
    if (draft > 0 && shape.decodes > 0) add("drafting", draft * (all + waited));
    add("engine", overheads.stepNs + overheads.sequenceNs * ownSequences(sequences) + layersNs + waited);
    return [...sums]
      .filter(([, ns]) => ns > 0)
      .map(([name, ns]) => ({ name, ns }))
      .sort((a, b) => b.ns - a.ns);
  }
}

function halve(shape: Readonly<BatchShape>, into: BatchShape): void {
  into.prefills = shape.prefills / 2;
  into.prefillTokens = shape.prefillTokens / 2;
  into.prefillContext = shape.prefillContext / 2;
  into.prefillSquares = shape.prefillSquares / 2;
  into.decodes = shape.decodes / 2;
  into.decodeContext = shape.decodeContext / 2;
  into.decodeContextMax = shape.decodeContextMax;
}
