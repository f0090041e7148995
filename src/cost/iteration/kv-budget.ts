import { err, ok, type Result } from "../../base/result.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import type { Cut, Formats } from "./cut.ts";
import { cutFault } from "./cut-check.ts";
import { decoderBlocks } from "./decoder-blocks.ts";
import type { IterationFault } from "./iteration-fault.ts";
import { sequenceBytes } from "./kv-bytes.ts";
import { attentionBlocks, ffnBlocks } from "./split-ffn/ffn-terms.ts";
import { routerBytes, weightBytes } from "./weight-bytes.ts";

/** Memory of a replica's devices, and what of it is left for KV. Bytes are of the fullest device. */
export interface KvBudget {
  readonly weightBytes: number;
  /** Activations of one iteration, logits, communication buffers, the runtime's own. */
  readonly reserveBytes: number;
  /** Slots of adapters. */
  readonly adapterBytes: number;
  /** Of an encoder of images: weights, activations, and what is kept of images. */
  readonly encoderBytes: number;
  readonly perTokenBytes: number;
  readonly perSequenceBytes: number;
  /** Left for blocks once `maxSequences` sequences have their fixed state. */
  readonly kvBytes: number;
  /** KV of a data-parallel rank, and of the replica. */
  readonly kvTokensPerRank: number;
  readonly kvBlocksPerRank: number;
  readonly kvBlocks: number;
}

export interface KvBudgetInput {
  readonly architecture: SequenceModel;
  readonly sheet: DeviceSheet;
  readonly parallel: Cut;
  readonly precision: Formats;
  /** The devices hold attention alone; absent: all of the model. */
  readonly side?: "attention";
  readonly engine: {
    readonly maxBatchedTokens: number;
    readonly maxSequences: number;
    readonly blockTokens: number;
    readonly memoryFraction: number;
    /** KV blocks of a rank, where they are known. */
    readonly kvBlocks?: number;
  };
  /** Of slots of adapters, and of an encoder. */
  readonly adapterBytes?: number;
  readonly encoderBytes?: number;
}

/** Runtime, kernels' workspaces, captured graphs. Source: aiconfigurator@095f58a systems/h200_sxm.yaml, other_mem (3.5 GiB). */
const RUNTIME_BYTES = 3_758_096_384;
/** Communication buffers of a device in a group. Source: the same file, nccl_mem (392 MiB at 8 devices). */
const COMMUNICATION_BYTES = 411_041_792;
/** Live activations of the widest point of a layer, as multiples of the stream: stream, residual, gate, up, and the product of both. */
const STREAMS = 3;
/** Blocks where tokens take no room (recurrent models): more than anyone counts. */
const UNBOUNDED_BLOCKS = 2_147_483_647;
/** Room for what is counted otherwise: units of memory, small tensors. */
const COUNTED_APART = 1.02;
/** Logits of sampled rows are kept in 32 bits. */
const LOGIT_BYTES = 4;

/**
 * What a configuration leaves for KV.
 *
 * Model: memory x fraction - weights - slots of adapters - encoder - reserve; the reserve is the runtime's, communication buffers, activations of the largest iteration and logits.
 * A stated `kvBlocks` is used as it is, not held against `memoryFraction` and the reserve, as engines count in ways of their own; blocks that with the
 * weights exceed the whole memory are refused: the device, format or number is another one.
 * Units: bytes, tokens, blocks. Errors: `cut-invalid`; `no-basis`; `does-not-fit` with the bytes that are missing.
 */
export function kvBudget(input: KvBudgetInput): Result<KvBudget, IterationFault> {
  const { sheet, parallel, precision, engine, adapterBytes = 0, encoderBytes = 0 } = input;
  const read = decoderBlocks(input.architecture);
  if (!read.ok) return read;
  const model = input.side === "attention" ? attentionBlocks(read.value) : read.value;
  const wrong = cutFault(model, parallel);
  if (wrong !== undefined) return err(wrong);
  const weights = weightBytes(model, parallel, precision) + (input.side === "attention" ? routerBytes(read.value) / parallel.tensor : 0);
  const { perToken, perSequence } = sequenceBytes(model, parallel, precision);
  const reserve = reserveBytes(input, model);
  const have = sheet.memory.capacityBytes.value * engine.memoryFraction;
  const fixed = weights + reserve + adapterBytes + encoderBytes + perSequence * engine.maxSequences;
  const kvBytes = have - fixed;
  const oneBlock = perToken * engine.blockTokens;
  if (engine.kvBlocks === undefined && kvBytes < oneBlock) {
    const needBytes = fixed + oneBlock;
    return err({ code: "does-not-fit", needBytes, haveBytes: have, shortBytes: needBytes - have });
  }
  const statedBytes = weights + adapterBytes + encoderBytes + (engine.kvBlocks ?? 0) * oneBlock;
  const whole = sheet.memory.capacityBytes.value;
  if (statedBytes > whole * COUNTED_APART) {
    const what = `weights and the ${engine.kvBlocks} KV blocks that are stated (kvBlocks)`;
    return err({ code: "does-not-fit", needBytes: statedBytes, haveBytes: whole, shortBytes: statedBytes - whole, what });
  }
  const fits = perToken > 0 ? Math.floor(kvBytes / oneBlock) : UNBOUNDED_BLOCKS;
  const kvBlocksPerRank = engine.kvBlocks ?? fits;
  return ok({
    weightBytes: weights,
    reserveBytes: reserve,
    adapterBytes,
    encoderBytes,
    perTokenBytes: perToken,
    perSequenceBytes: perSequence,
    kvBytes: Math.max(0, kvBytes),
    kvTokensPerRank: kvBlocksPerRank * engine.blockTokens,
    kvBlocksPerRank,
    kvBlocks: kvBlocksPerRank * parallel.data,
  });
}

/** Whether devices that encode and do nothing else hold an encoder. Errors: `does-not-fit`. */
export function encoderBudget(
  encoderBytes: number,
  input: Pick<KvBudgetInput, "sheet" | "parallel" | "engine">,
): Result<KvBudget, IterationFault> {
  const { sheet, parallel, engine } = input;
  const reserve = RUNTIME_BYTES + (parallel.tensor > 1 ? COMMUNICATION_BYTES : 0);
  const haveBytes = sheet.memory.capacityBytes.value * engine.memoryFraction;
  const needBytes = encoderBytes + reserve;
  if (needBytes > haveBytes)
    return err({
      code: "does-not-fit",
      needBytes,
      haveBytes,
      shortBytes: needBytes - haveBytes,
      what: "encoder, and what it keeps of images",
    });
  const nothing = { perTokenBytes: 0, perSequenceBytes: 0, kvBytes: 0, kvTokensPerRank: 0, kvBlocksPerRank: 0, kvBlocks: 0 };
  return ok({ weightBytes: 0, reserveBytes: reserve, adapterBytes: 0, encoderBytes, ...nothing });
}

/** Weights of the devices that hold a replica's feed-forwards alone. Errors: `cut-invalid`; `does-not-fit`. */
export function ffnWeights(input: KvBudgetInput & { readonly groupTokens: number }): Result<number, IterationFault> {
  const { sheet, parallel, precision, engine } = input;
  const read = decoderBlocks(input.architecture);
  if (!read.ok) return read;
  const model = ffnBlocks(read.value);
  const wrong = cutFault(model, parallel);
  if (wrong !== undefined) return err(wrong);
  const weights = weightBytes(model, parallel, precision) - routerBytes(read.value) / parallel.tensor;
  const tokens = Math.ceil(input.groupTokens / parallel.expert);
  const needBytes = weights + reserveBytes({ ...input, engine: { ...engine, maxBatchedTokens: tokens, maxSequences: 0 } }, model);
  const haveBytes = sheet.memory.capacityBytes.value * engine.memoryFraction;
  if (needBytes > haveBytes) {
    return err({ code: "does-not-fit", needBytes, haveBytes, shortBytes: needBytes - haveBytes, what: "feed-forwards on the FFN side" });
  }
  return ok(weights);
}

function reserveBytes(
  { parallel, engine }: KvBudgetInput,
  model: { width: number; vocabulary: number; blocks: readonly unknown[] },
): number {
  const activations = engine.maxBatchedTokens * model.width * STREAMS * 2 * 2;
  const logits = (engine.maxSequences * model.vocabulary * LOGIT_BYTES) / parallel.tensor;
  const group = parallel.tensor * parallel.data * parallel.context > 1 ? COMMUNICATION_BYTES : 0;
  return RUNTIME_BYTES + group + activations + logits;
}
