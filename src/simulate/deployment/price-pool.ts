import { assert } from "../../base/assert.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { devicesOf, ONE_DEVICE } from "../../cost/iteration/cut.ts";
import { decoderBlocks } from "../../cost/iteration/decoder-blocks.ts";
import { encodeOnlyCost, withEncoder } from "../../cost/iteration/encoder/with-encoder.ts";
import { type ExplainedCost, iterationCostOf } from "../../cost/iteration/iteration-cost-of.ts";
import type { IterationFault } from "../../cost/iteration/iteration-fault.ts";
import { encoderBudget, type KvBudget, kvBudget } from "../../cost/iteration/kv-budget.ts";
import { sequenceBytes } from "../../cost/iteration/kv-bytes.ts";
import { collectiveModel } from "../../cost/network/collectives/collective-model.ts";
import { sheetNetwork } from "../../cost/network/sheet-network.ts";
import type { OperatorModel } from "../../cost/operator/operator-model.ts";
import { engineOperators } from "../../cost/operator/physics/physics-model.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import type { Pool } from "../../plan/deployment/deployment.ts";
import { rulesOf } from "../../policy/serving/scheduling-rules.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import type { ReplicaSettings } from "../serving/serving-input.ts";
import type { AdapterMix } from "./adapter-mix.ts";
import { type CardLoad, cardLoad, type SideLoad, sideLoad } from "./card-load.ts";
import { fabricNetwork } from "./fabric-network.ts";
import type { FabricPlace } from "./fabric-place.ts";
import { type FfnParts, type PricedFfn, pricedFfn, splitCost } from "./ffn-side.ts";
import { poolEncoder, poolEncoderCost } from "./pool-encoder.ts";
import { poolGate } from "./pool-gate.ts";
import { adaptedCost, poolLora } from "./pool-lora.ts";

/** What a pool is made of. */
export interface PoolParts {
  readonly architecture: SequenceModel;
  readonly sheet: DeviceSheet;
  /** Measured operators of the device, where there are any; absent: its data sheet with the constants of its family. */
  readonly operators?: OperatorModel;
  /** Devices of the pool's FFN side; needed where it has one. */
  readonly ffn?: FfnParts;
  /** Cost of the pool's iterations where it is known already: settings of the engine and the role do not change it; adapters do. */
  readonly cost?: ExplainedCost;
  /** How requests fall on adapters, for prices of batches that do not say whose they are. */
  readonly mix?: AdapterMix;
  /** What images its requests have comes from an encode pool. */
  readonly imagesApart?: boolean;
  /** Where the pool stands on the deployment's fabric; absent: its cards reach one another at their own rate. */
  readonly fabric?: FabricPlace;
}

/** A pool with the cost of its iterations, the room for KV, and the settings that a simulation runs it with. */
export interface PricedPool {
  readonly pool: Pool;
  readonly sheet: DeviceSheet;
  readonly cost: ExplainedCost;
  readonly budget: KvBudget;
  readonly settings: ReplicaSettings;
  /** Where it stands on the deployment's fabric, and what its collectives send over it where KV goes there too. */
  readonly fabric?: FabricPlace;
  readonly cardLoad?: () => CardLoad | undefined;
  /** What goes between its sides there, where feed-forwards are on devices of their own. */
  readonly sideLoad?: () => SideLoad | undefined;
  /** What iterations of one of its replicas cost while other traffic goes over the fabric; there where its replicas have several machines, or feed-forwards apart, and KV goes there. */
  readonly costBeside?: (beside: NonNullable<FabricPlace["beside"]>) => ExplainedCost;
  /** Where feed-forwards are on devices of their own; `sheet` and `budget` are then those of attention's. */
  readonly ffn?: PricedFfn;
}

/**
 * Prices a pool. Limits of an engine are per data-parallel rank, those of a simulated replica over all ranks.
 *
 * Errors: `cut-invalid`, `no-basis`, `does-not-fit`.
 */
export function pricePool(pool: Pool, index: number, parts: PoolParts): Result<PricedPool, IterationFault> {
  const { architecture, sheet } = parts;
  const { engine, parallel, precision, speculation, outages } = pool;
  if (pool.role === "encode") return priceEncodePool(pool, index, parts);
  const idle = idleField(pool, architecture);
  if (idle !== undefined) return err({ code: "no-basis", missing: idle });
  const offload = offloadOf(pool, architecture);
  if (!offload.ok) return offload;
  const lora = poolLora(pool, parts);
  if (!lora.ok) return lora;
  const cost = parts.cost === undefined ? iterationsCost(pool, parts) : ok(parts.cost);
  if (!cost.ok) return cost;
  const ffn = pool.ffn === undefined ? undefined : pricedFfn({ ...pool, ffn: pool.ffn }, parts);
  if (ffn?.ok === false) return ffn;
  const encoder = poolEncoder(pool, { ...parts, ...pricesOf(pool, parts) }, parts.imagesApart === true);
  if (!encoder.ok) return encoder;
  const beside = { adapterBytes: lora.value?.slotBytes ?? 0, encoderBytes: encoder.value?.bytes ?? 0 };
  const budget = kvBudget({ architecture, sheet, parallel, precision, engine, ...beside, ...(ffn && { side: "attention" as const }) });
  if (!budget.ok) return budget;
  const limits = {
    maxBatchedTokens: engine.maxBatchedTokens * parallel.data,
    maxSequences: engine.maxSequences * parallel.data,
    prefixCaching: engine.prefixCaching,
    chunkedPrefill: engine.chunkedPrefill,
  };
  const gate = poolGate(pool);
  const settings: ReplicaSettings = {
    pool: index,
    role: pool.role as ReplicaSettings["role"],
    cost: cost.value,
    ...limits,
    rules: { ...rulesOf(engine.name, limits), ...(gate && { gate }) },
    blockTokens: engine.blockTokens,
    kvBlocks: budget.value.kvBlocks,
    overheadNs: engine.overheadNs,
    ...(speculation === undefined ? {} : { speculation }),
    ...(offload.value === undefined ? {} : { offload: offload.value }),
    ...(lora.value === undefined ? {} : { adapters: lora.value.settings }),
    ...(encoder.value === undefined ? {} : { encoder: encoder.value.settings }),
    startUpNs: pool.startUpNs ?? 0,
    ...(outages === undefined ? {} : { outages: { ...outages, repairNs: outages.repairNs + (pool.startUpNs ?? 0) } }),
  };
  const onFabric = loadsOf(pool, parts, { cost: cost.value, kvTokens: budget.value.kvBlocks * engine.blockTokens });
  return ok({
    pool,
    sheet,
    cost: cost.value,
    budget: budget.value,
    settings,
    ...(ffn?.ok === true && { ffn: ffn.value }),
    ...(parts.fabric && { fabric: parts.fabric }),
    ...onFabric,
  });
}

/** A pool that encodes images and does nothing else. */
function priceEncodePool(pool: Pool, index: number, parts: PoolParts): Result<PricedPool, IterationFault> {
  const { engine, parallel } = pool;
  const { sheet } = parts;
  const cost = parts.cost === undefined ? iterationsCost(pool, parts) : ok(parts.cost);
  if (!cost.ok) return cost;
  const encoder = poolEncoder(pool, { ...parts, ...pricesOf(pool, parts) }, false);
  if (!encoder.ok) return encoder;
  assert(encoder.value !== undefined, "a pool of role encode has an encoder", pool.name);
  const budget = encoderBudget(encoder.value.bytes, { sheet, parallel, engine });
  if (!budget.ok) return budget;
  const settings: ReplicaSettings = {
    pool: index,
    role: "encode",
    cost: cost.value,
    maxBatchedTokens: engine.maxBatchedTokens,
    maxSequences: engine.maxSequences,
    prefixCaching: engine.prefixCaching,
    chunkedPrefill: engine.chunkedPrefill,
    blockTokens: engine.blockTokens,
    kvBlocks: 0,
    overheadNs: engine.overheadNs,
    encoder: encoder.value.settings,
    startUpNs: 0,
  };
  return ok({ pool, sheet, cost: cost.value, budget: budget.value, settings, ...(parts.fabric && { fabric: parts.fabric }) });
}

/** What a pool's collectives send over its fabric, and what KV there takes from them, where it goes over it; worked out when it is asked for. */
function loadsOf(
  pool: Pool,
  parts: PoolParts,
  priced: { readonly cost: ExplainedCost; readonly kvTokens: number },
): Pick<PricedPool, "cardLoad" | "sideLoad" | "costBeside"> {
  const { fabric, cost: _known, ...rest } = parts;
  if (fabric === undefined || pool.role === "both") return {};
  const cards = sheetNetwork(parts.sheet, libraryOf(pool.engine.name))?.scaleOut;
  if (cards === undefined) return {};
  let known: { readonly load: CardLoad | undefined } | undefined;
  const priceWith = (slower: FabricPlace): ExplainedCost => {
    const made = iterationsCost(pool, { ...rest, fabric: slower });
    assert(made.ok, "what has a price has one with slower cards", pool.name);
    return made.value;
  };
  const load = (): CardLoad | undefined => {
    known ??= { load: cardLoad(pool, { ...priced, fabric, cardBytesPerSecond: cards.bytesPerSecond }, priceWith) };
    return known.load;
  };
  const placed = fabric.pools[fabric.pool]!;
  const sides = placed.ffn && { sideLoad: () => sideLoad(pool, { ...priced, fabric }) };
  if (placed.nodes === 1 && placed.ffn === undefined) return { cardLoad: load };
  return { cardLoad: load, ...sides, costBeside: (beside) => priceWith({ ...fabric, beside }) };
}

/** A field of the pool that would change nothing, with the reason; undefined where there is none. */
function idleField({ startUpNs = 0, precision, scaling, outages }: Pool, architecture: SequenceModel): string | undefined {
  if (startUpNs > 0 && scaling === undefined && outages === undefined)
    return "startUpNs: without scaling and outages all replicas serve from the start";
  if (precision.experts === undefined || precision.experts === precision.weights) return undefined;
  const model = decoderBlocks(architecture);
  if (!model.ok || model.value.blocks.some(({ block }) => block.kind === "mixture")) return undefined;
  return "precision.experts: the model has no experts";
}

/** KV outside a replica's devices, with the bytes of a token over all layers. Errors: `no-basis` where the engine would not look for it. */
function offloadOf(
  { offload, engine, role, precision }: Pool,
  architecture: SequenceModel,
): Result<ReplicaSettings["offload"], IterationFault> {
  if (offload === undefined) return ok(undefined);
  if (!engine.prefixCaching)
    return err({ code: "no-basis", missing: "KV kept outside the devices (offload) is simulated with prefix caching alone" });
  if (role === "decode")
    return err({
      code: "no-basis",
      missing: "KV kept outside the devices (offload) says little of a decode pool, which gets KV from prefill",
    });
  const model = decoderBlocks(architecture);
  if (!model.ok) return model;
  return ok({ ...offload, bytesPerToken: sequenceBytes(model.value, ONE_DEVICE, precision).perToken });
}

/** What iterations of a pool's replicas cost, adapters and images included. Errors: `cut-invalid`, `no-basis`. */
export function iterationsCost(pool: Pool, parts: PoolParts): Result<ExplainedCost, IterationFault> {
  const prices = pricesOf(pool, parts);
  const encoder = poolEncoderCost(pool, { ...parts, ...prices });
  if (!encoder.ok) return encoder;
  if (pool.role === "encode") return ok(encodeOnlyCost(encoder.value!, { sheet: parts.sheet, engine: pool.engine.name }));
  const text = textCost(pool, parts, prices);
  return text.ok && encoder.value !== undefined ? ok(withEncoder(text.value, encoder.value)) : text;
}

function textCost(pool: Pool, parts: PoolParts, prices: ReturnType<typeof pricesOf>): Result<ExplainedCost, IterationFault> {
  const { engine, parallel, precision, speculation } = pool;
  const { architecture, sheet } = parts;
  if (pool.ffn !== undefined) return splitCost({ ...pool, ffn: pool.ffn }, parts, libraryOf(engine.name));
  const plain = iterationCostOf({
    architecture,
    sheet,
    parallel,
    precision,
    ...prices,
    engine: engine.name,
    ...(speculation === undefined ? {} : { speculation }),
  });
  return plain.ok ? adaptedCost(pool, { ...parts, ...prices, plain: plain.value }) : plain;
}

/** Operators and network of a pool's devices. One device has no network; several without `perNode` are refused with the operators. */
function pricesOf(
  { engine, parallel }: Pool,
  { sheet, operators, fabric }: PoolParts,
): { operators: OperatorModel; network?: OperatorModel } {
  const network = devicesOf(parallel) === 1 || sheet.perNode === undefined ? undefined : sheetNetwork(sheet, libraryOf(engine.name));
  return {
    operators: operators ?? engineOperators(sheet, engine.name),
    ...(network === undefined ? {} : { network: fabric === undefined ? collectiveModel(network) : fabricNetwork(network, fabric) }),
  };
}

/** Library of the collectives that an engine calls. */
function libraryOf(engine: Pool["engine"]["name"]): "nccl" | "vllm" | "sglang" | "trtllm" {
  return engine === "heddle" ? "nccl" : engine;
}
