import { err, ok, type Result } from "../../../base/result.ts";
import type { DecoderBlocks, PricedBlock } from "../decoder-blocks.ts";
import type { EngineName } from "../engines/engine-of.ts";
import type { IterationFault } from "../iteration-fault.ts";

/** Products of a layer that an adapter may change. */
export type AdaptedModule = "q" | "k" | "v" | "o" | "gate" | "up" | "down" | "q_a" | "kv_a" | "q_b" | "kv_b";

/**
 * Products with one input that engines keep as one, with those parts of it that adapters change. Sizes of the whole model.
 *
 * - `column`: tensor ranks share the outputs; the sum over them is taken after the product that follows;
 * - `row`: they share the inputs, and the outputs are summed;
 * - `whole`: every rank has all of it, both halves of an adapter too, fully sharded or not.
 */
export interface AdaptedProduct {
  readonly cut: "column" | "row" | "whole";
  readonly inputs: number;
  /** Outputs of each part, and the pieces beyond which tensor ranks repeat a part (KV heads). */
  readonly parts: readonly { readonly outputs: number; readonly pieces: number }[];
  /** Layers that have it. */
  readonly layers: number;
  /** Of experts: an adapter has a pair of halves for each, and a token uses those it visits; absent: one pair, for all tokens. */
  readonly experts?: { readonly count: number; readonly active: number };
}

/** What serves the adapters, where that decides which there may be. */
export interface AdapterServing {
  readonly engine: EngineName;
  readonly expertRanks: number;
}

const ATTENTION = ["q", "k", "v", "o", "q_a", "kv_a", "q_b", "kv_b"] as const;
const LATENT = ["q_a", "kv_a", "q_b", "kv_b"] as const;
const WHOLE = Number.MAX_SAFE_INTEGER;
/** All that an adapter may change: engines name experts as one module, so their adapters come with all. */
const MODULES_OF_ALL = 7;

/**
 * Products that adapters on `modules` change.
 *
 * Errors: `no-basis` for blocks whose adapters engines keep otherwise (from latent vectors to keys and values, recurrent mixers; experts elsewhere than on tensor ranks of
 * vLLM), naming the modules.
 * Source: vllm-project/vllm `lora/layers/column_parallel_linear.py` and `row_parallel_linear.py`: queries, keys and values share one pair of kernels, gate
 * and up another; sgl-project/sglang `lora/layers.py` does the same. Experts: `FusedMoEWithLoRA` of vllm `lora/layers/fused_moe.py` (for every expert a pair each of
 * gate, up and down, cut over tensor ranks as a dense layer's; rooms of all three are there together). Latent attention: `fused_qkv_a_proj` of deepseek_v2.py and
 * `MergedColumnParallelLinearWithLoRA.can_replace_layer`, vLLM 0.33.0; `get_hidden_dim` of sglang/srt/lora/utils.py, SGLang 0.5.23: products to latent vectors are
 * one, of two parts, and whole on each rank.
 */
export function adaptedProducts(
  { blocks, width }: DecoderBlocks,
  modules: readonly AdaptedModule[],
  serving: AdapterServing = { engine: "vllm", expertRanks: 1 },
): Result<readonly AdaptedProduct[], IterationFault> {
  const products: AdaptedProduct[] = [];
  const used = new Set<AdaptedModule>();
  for (const { block, count } of blocks) {
    const unfit = unfitBlock(block, modules, serving);
    if (unfit !== undefined) return err({ code: "no-basis", missing: `lora.modules: ${unfit}` });
    const add = (
      cut: AdaptedProduct["cut"],
      inputs: number,
      parts: readonly (readonly [AdaptedModule, number, number])[],
      experts?: AdaptedProduct["experts"],
    ): void => {
      const there = parts.filter(([module]) => modules.includes(module));
      for (const [module] of there) used.add(module);
      if (there.length === 0) return;
      products.push({
        cut,
        inputs,
        parts: there.map(([, outputs, pieces]) => ({ outputs, pieces })),
        layers: count,
        ...(experts && { experts }),
      });
    };
    if (block.kind === "attention") {
      const kv = block.kvHeads * block.headDim;
      const queries = block.heads * block.headDim;
      add("column", width, [
        ["q", queries, WHOLE],
        ["k", kv, block.kvHeads],
        ["v", kv, block.kvHeads],
      ]);
      add("row", queries, [["o", width, WHOLE]]);
    } else if (block.kind === "latent-attention") {
      const { heads, queryRank, kvRank, plainDim, rotatedDim, valueDim } = block;
      const queries = heads * (plainDim + rotatedDim);
      const latent = ["kv_a", kvRank + rotatedDim, 1] as const;
      if (queryRank === undefined) {
        add("column", width, [["q", queries, WHOLE]]);
        add("whole", width, [latent]);
      } else {
        add("whole", width, [["q_a", queryRank, 1], latent]);
        add("column", queryRank, [["q_b", queries, WHOLE]]);
      }
      add("row", heads * valueDim, [["o", width, WHOLE]]);
    } else if (block.kind === "feed-forward") {
      add("column", width, [...(block.gated ? [["gate", block.inner, WHOLE] as const] : []), ["up", block.inner, WHOLE]]);
      add("row", block.inner, [["down", width, WHOLE]]);
    } else if (block.kind === "mixture") {
      const feedForward = (inner: number, experts?: AdaptedProduct["experts"]): void => {
        add("column", width, [["gate", inner, WHOLE] as const, ["up", inner, WHOLE]], experts);
        add("row", inner, [["down", width, WHOLE]], experts);
      };
      feedForward(block.inner, { count: block.experts, active: block.active });
      if (block.shared !== undefined) feedForward(block.shared.inner);
    }
  }
  const idle = modules.filter((module) => !used.has(module));
  if (idle.length > 0)
    return err({ code: "no-basis", missing: `lora.modules: the model has no ${idle.join(", ")} that adapters could change` });
  return ok(products);
}

/** Why adapters on these modules of a block have no basis; undefined where they have one. */
function unfitBlock(block: PricedBlock, modules: readonly AdaptedModule[], { engine, expertRanks }: AdapterServing): string | undefined {
  const attention = modules.filter((module) => (ATTENTION as readonly string[]).includes(module));
  const feedForward = modules.filter((module) => !(ATTENTION as readonly string[]).includes(module));
  if (block.kind === "mixture" && feedForward.length > 0) {
    const of = `adapters of experts (${feedForward.join(", ")})`;
    if (engine !== "vllm") return `${of} are simulated on vllm alone; leave them out`;
    if (expertRanks > 1) return `${of} on expert ranks are not simulated; leave them out, or parallel.expert`;
    if (modules.some((module) => (LATENT as readonly string[]).includes(module)))
      return `${of} beside those of latent attention are not simulated: vllm, asked for all, has room for kv_b's too; leave them out`;
    if (modules.length < MODULES_OF_ALL) return `${of} are simulated beside those of all other products; name all seven, or none of these`;
  }
  if (block.kind === "mamba2" && attention.length > 0)
    return `adapters of recurrent mixers (${attention.join(", ")}) are not simulated; leave them out`;
  return block.kind === "latent-attention" ? unfitLatent(modules, engine) : undefined;
}

/**
 * Source: decodes of vLLM 0.33.0 use `W_UK_T` and `W_UV` of mla_attention.py, made at load; SGLang 0.5.23 adds what adapters of kv_b change to both, head by head
 * (lora/deepseek_mla_correction.py; pull request 25001), and computes prompts with them as any product.
 */
function unfitLatent(modules: readonly AdaptedModule[], engine: EngineName): string | undefined {
  if (modules.includes("kv_b"))
    return engine === "sglang"
      ? "adapters of kv_b are added head by head in decodes of sglang, which is not simulated; leave it out"
      : "adapters of kv_b are not in decodes of vllm, whose products of it are made at load; leave it out";
  const named = modules.filter((module) => module === "k" || module === "v");
  if (named.length > 0)
    return `latent attention has no ${named.join(", ")}: name q_a, kv_a and q_b (q where queries are one product), and o`;
  return undefined;
}
