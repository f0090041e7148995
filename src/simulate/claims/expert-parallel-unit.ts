import { assert } from "../../base/assert.ts";
import { ok } from "../../base/result.ts";
import { NO_OVERHEADS } from "../../cost/iteration/engine-overheads.ts";
import type { BatchShape, IterationCost } from "../../cost/iteration/iteration-cost.ts";
import { iterationCostOf } from "../../cost/iteration/iteration-cost-of.ts";
import { dispatchPricer } from "../../cost/network/all-to-all.ts";
import { sheetNetwork } from "../../cost/network/sheet-network.ts";
import type { OperatorModel } from "../../cost/operator/operator-model.ts";
import type { DispatchQuery } from "../../cost/operator/operator-query.ts";
import { physicsModel } from "../../cost/operator/physics/physics-model.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";

/** A deployment unit of DeepSeek-V3: attention data-parallel on every device, experts over all of them. */
export interface ExpertParallelUnit {
  readonly device: string;
  readonly nodes: number;
}

/** Times of one pass of the fullest device over a batch, in ns. */
export interface ExpertParallelTimes {
  readonly computeNs: number;
  /** Dispatch and combine of all layers. */
  readonly exchangeNs: number;
}

const DEVICES_A_NODE = 8;
/** 256 experts and 32 copies of hot ones. Source: deepseek-ai/open-infra-index@56d8685, day 6; SGLang's blog names the same number. */
const EXPERT_SLOTS = 288;
const EXPERTS_ACTIVE = 8;
const WIDTH = 7168;
const MIXTURE_LAYERS = 58;
/** max / mean of the ranks' loads that balancing leaves: 0.109 at 32 ranks, 0.115 at 36. Source: NVIDIA/TensorRT-LLM@1d263f1, tech blog 4, table 1. */
const BALANCED_LOAD = 1.11;
/** Links are priced apart, as DeepEP exchanges. */
const NO_LINKS: OperatorModel = { source: "links priced apart", price: () => ok({ ns: 0, spread: 0, basis: "data-sheet" }) };

/** Prices batches of a unit: `shape` is of one device. FP8 weights with block scales, KV in bf16. */
export function expertParallelPricer(
  unit: ExpertParallelUnit,
  mode: DispatchQuery["mode"],
): (shape: Readonly<BatchShape>) => ExpertParallelTimes {
  const ranks = unit.nodes * DEVICES_A_NODE;
  const cost = unitCost(unit, ranks);
  const network = sheetNetwork(deviceSheet(unit.device), "nccl");
  assert(network !== undefined, "the unit's device has links");
  const pricer = dispatchPricer(network);
  const exchange = (direction: DispatchQuery["direction"], tokens: number): number => {
    const sizes = { tokens, width: WIDTH, active: EXPERTS_ACTIVE, experts: EXPERT_SLOTS, ranks, ranksPerNode: DEVICES_A_NODE };
    const priced = pricer.price({ op: "dispatch", mode, direction, ...sizes });
    assert(priced.ok, "DeepEP's exchange has a price", priced);
    return priced.value.ns;
  };
  return (shape) => {
    const tokens = shape.prefillTokens + shape.decodes;
    return {
      computeNs: cost.iterationNs(timesRanks(shape, ranks)),
      exchangeNs: MIXTURE_LAYERS * (exchange("dispatch", tokens) + exchange("combine", tokens)),
    };
  };
}

function unitCost({ device, nodes }: ExpertParallelUnit, ranks: number): IterationCost {
  const sheet = deviceSheet(device);
  const architecture = knownArchitecture("DeepSeek-V3");
  assert(architecture !== undefined, "DeepSeek-V3 is known");
  const cost = iterationCostOf({
    architecture: withSlots(architecture),
    sheet,
    parallel: { tensor: 1, pipeline: 1, data: ranks, expert: ranks, context: 1 },
    precision: { weights: "f8e4m3", kv: "bf16", blockScaled: true },
    operators: dispatched(physicsModel(sheet)),
    network: NO_LINKS,
    perNode: DEVICES_A_NODE,
    overheads: { ...NO_OVERHEADS, expertFactor: BALANCED_LOAD },
  });
  assert(cost.ok, "the unit can be priced", { nodes, cost });
  return cost.value;
}

/** Grouped products get the rows that were dispatched to a device's experts and no others, as if it held all there are and each row visited one. */
function dispatched(operators: OperatorModel): OperatorModel {
  return {
    source: operators.source,
    price: (query) => {
      if (query.op !== "experts") return operators.price(query);
      const { tokens, active, experts, ranks } = query;
      const own = { tokens: (tokens * active) / ranks.expert, active: 1, experts: experts / ranks.expert };
      return operators.price({ ...query, ...own, ranks: { ...ranks, expert: 1 } });
    },
  };
}

/** The model with as many experts as there are slots: copies of hot experts are experts of their own. */
function withSlots(model: SequenceModel): SequenceModel {
  const stacks = model.stacks.map((stack) => ({
    ...stack,
    layers: stack.layers.map((layer) => ({
      ...layer,
      blocks: layer.blocks.map((placed) =>
        placed.block.kind === "mixture" ? { ...placed, block: { ...placed.block, experts: EXPERT_SLOTS } } : placed,
      ),
    })),
  }));
  return { ...model, stacks };
}

function timesRanks(shape: Readonly<BatchShape>, ranks: number): BatchShape {
  return {
    prefills: shape.prefills * ranks,
    prefillTokens: shape.prefillTokens * ranks,
    prefillContext: shape.prefillContext * ranks,
    prefillSquares: shape.prefillSquares * ranks,
    decodes: shape.decodes * ranks,
    decodeContext: shape.decodeContext * ranks,
    decodeContextMax: shape.decodeContextMax,
  };
}
