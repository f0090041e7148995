import { err, ok, type Result } from "../../base/result.ts";
import { decoderBlocks } from "../../cost/iteration/decoder-blocks.ts";
import type { ExplainedCost } from "../../cost/iteration/iteration-cost-of.ts";
import type { IterationFault } from "../../cost/iteration/iteration-fault.ts";
import { adapterBytes, adapterTensors } from "../../cost/iteration/lora/lora-bytes.ts";
import { withAdapters } from "../../cost/iteration/lora/lora-cost.ts";
import { type AdaptedProduct, adaptedProducts } from "../../cost/iteration/lora/lora-products.ts";
import { loraTime } from "../../cost/iteration/lora/lora-time.ts";
import type { OperatorModel } from "../../cost/operator/operator-model.ts";
import { STORED_BYTES } from "../../cost/operator/stored-bytes.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import type { Pool } from "../../plan/deployment/deployment.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import type { AdapterSettings } from "../serving/serving-input.ts";
import type { AdapterMix } from "./adapter-mix.ts";

/**
 * Host time of a copy into a slot: each tensor's place is cleared and then written. Source: 5 to 10 us between launches from Python, vllm-project/vllm
 * pull request 38432; two of them, as in `set_lora` of vllm `lora/layers/base_linear.py`.
 */
const TENSOR_NS = 15_000;

/** What adapters make of a pool. */
export interface PoolLora {
  /** Of the slots, on the fullest device: vLLM and SGLang keep room for the largest rank in every one. */
  readonly slotBytes: number;
  readonly settings: AdapterSettings;
}

export interface PoolLoraParts {
  readonly architecture: SequenceModel;
  readonly sheet: DeviceSheet;
}

/** Memory, slots and loads of a pool's adapters; undefined where it serves none. Errors: `no-basis`. */
export function poolLora(pool: Pool, { architecture, sheet }: PoolLoraParts): Result<PoolLora | undefined, IterationFault> {
  const { lora, parallel } = pool;
  if (lora === undefined) return ok(undefined);
  const products = productsOf(lora, pool, architecture);
  if (!products.ok) return products;
  const rate = lora.hostBytesPerSecond ?? sheet.host?.bandwidthBytesPerSecond.value;
  if (rate === undefined)
    return err({ code: "no-basis", missing: `lora.hostBytesPerSecond: the sheet of ${sheet.name} says no link to the host` });
  const { maxLoras, maxRank, cpuLoras, fullySharded, format, diskBytesPerSecond } = lora;
  const elementBytes = STORED_BYTES[format];
  const onDevice = (rank: number): number => adapterBytes(products.value, rank, { cut: parallel, fullySharded, elementBytes });
  const inFile = (rank: number): number =>
    adapterBytes(products.value, rank, { cut: { ...parallel, tensor: 1, pipeline: 1 }, fullySharded: false, elementBytes });
  const beginNs = (sheet.host?.latencyNs?.value ?? 0) + adapterTensors(products.value, parallel) * TENSOR_NS;
  return ok({
    slotBytes: maxLoras * onDevice(maxRank),
    settings: {
      slots: maxLoras,
      hostAdapters: cpuLoras ?? Number.POSITIVE_INFINITY,
      rankMax: maxRank,
      computedRank: computedRank(pool),
      ...(lora.overlapLoading ? { overlap: true } : {}),
      hostNs: (rank) => beginNs + (onDevice(rank) * 1e9) / rate,
      diskNs: (rank) => (diskBytesPerSecond === undefined ? 0 : (inFile(rank) * 1e9) / diskBytesPerSecond),
    },
  });
}

/** A pool's plain cost with what adapters add; the plain one where it serves none. Errors: `no-basis`. */
export function adaptedCost(pool: Pool, parts: AdaptedParts): Result<ExplainedCost, IterationFault> {
  const { lora, parallel, speculation } = pool;
  const { architecture, sheet, operators, network, mix, plain } = parts;
  if (lora === undefined) return ok(plain);
  const products = productsOf(lora, pool, architecture);
  if (!products.ok) return products;
  const timeOf = loraTime({
    ...{ products: products.value, sheet, cut: parallel, operators, perNode: sheet.perNode?.value ?? 1 },
    ...{ fullySharded: lora.fullySharded, elementBytes: STORED_BYTES[lora.format] },
    ...(network === undefined ? {} : { network }),
  });
  if (!timeOf.ok) return timeOf;
  const { maxLoras: slots, maxRank: rankMax } = lora;
  const computed = computedRank(pool);
  const wrapped = { cost: plain, timeOf: timeOf.value, pipeline: parallel.pipeline, slots, rank: computed(rankMax) };
  if (mix === undefined) return ok(withAdapters(wrapped));
  const perDecode = 1 + (speculation?.draftTokens ?? 0);
  return ok(withAdapters({ ...wrapped, expected: mix.expected({ slots, computedRank: computed, rankMax, perDecode }) }));
}

export interface AdaptedParts extends PoolLoraParts {
  readonly operators: OperatorModel;
  readonly network?: OperatorModel;
  readonly mix?: AdapterMix;
  readonly plain: ExplainedCost;
}

type Lora = NonNullable<Pool["lora"]>;

function productsOf(
  { modules }: Lora,
  { engine, parallel }: Pool,
  architecture: SequenceModel,
): Result<readonly AdaptedProduct[], IterationFault> {
  const model = decoderBlocks(architecture);
  return model.ok ? adaptedProducts(model.value, modules, { engine: engine.name, expertRanks: parallel.expert }) : model;
}

/**
 * Rank at which an adapter is computed. vLLM's kernels go over the whole of a slot, zeros included; SGLang's over an adapter's own rank.
 *
 * Source: vllm-project/vllm pull request 22782 and docs/features/lora.md; `lora_ranks` of sgl-project/sglang `lora/utils.py` (`LoRABatchInfo`).
 */
function computedRank({ engine, lora }: Pool): (rank: number) => number {
  return engine.name === "vllm" ? () => lora!.maxRank : (rank) => rank;
}
