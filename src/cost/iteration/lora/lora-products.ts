import { err, ok, type Result } from "../../../base/result.ts";
import type { DecoderBlocks, PricedBlock } from "../decoder-blocks.ts";
import type { IterationFault } from "../iteration-fault.ts";

/** Products of a layer that an adapter may change. */
export type AdaptedModule = "q" | "k" | "v" | "o" | "gate" | "up" | "down";

/**
 * Products with one input that engines keep as one, with those parts of it that adapters change. Sizes of the whole model.
 *
 * - `column`: tensor ranks share the outputs; the sum over them is taken after the product that follows;
 * - `row`: they share the inputs, and the outputs are summed.
 */
export interface AdaptedProduct {
  readonly cut: "column" | "row";
  readonly inputs: number;
  /** Outputs of each part, and the pieces beyond which tensor ranks repeat a part (KV heads). */
  readonly parts: readonly { readonly outputs: number; readonly pieces: number }[];
  /** Layers that have it. */
  readonly layers: number;
}

const ATTENTION = ["q", "k", "v", "o"] as const;
const WHOLE = Number.MAX_SAFE_INTEGER;

/**
 * Products that adapters on `modules` change.
 *
 * Errors: `no-basis` for blocks whose adapters engines keep otherwise (experts, latent attention, recurrent mixers), naming the modules.
 * Source: vllm-project/vllm `lora/layers/column_parallel_linear.py` and `row_parallel_linear.py`: queries, keys and values share one pair of kernels, gate
 * and up another; sgl-project/sglang `lora/layers.py` does the same.
 */
export function adaptedProducts(
  { blocks, width }: DecoderBlocks,
  modules: readonly AdaptedModule[],
): Result<readonly AdaptedProduct[], IterationFault> {
  const products: AdaptedProduct[] = [];
  const used = new Set<AdaptedModule>();
  for (const { block, count } of blocks) {
    const unfit = unfitBlock(block, modules);
    if (unfit !== undefined) return err({ code: "no-basis", missing: `lora.modules: ${unfit}` });
    const add = (cut: AdaptedProduct["cut"], inputs: number, parts: readonly (readonly [AdaptedModule, number, number])[]): void => {
      const there = parts.filter(([module]) => modules.includes(module));
      for (const [module] of there) used.add(module);
      if (there.length === 0) return;
      products.push({ cut, inputs, parts: there.map(([, outputs, pieces]) => ({ outputs, pieces })), layers: count });
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
    } else if (block.kind === "feed-forward") {
      add("column", width, [...(block.gated ? [["gate", block.inner, WHOLE] as const] : []), ["up", block.inner, WHOLE]]);
      add("row", block.inner, [["down", width, WHOLE]]);
    }
  }
  const idle = modules.filter((module) => !used.has(module));
  if (idle.length > 0)
    return err({ code: "no-basis", missing: `lora.modules: the model has no ${idle.join(", ")} that adapters could change` });
  return ok(products);
}

/** Why adapters on these modules of a block have no basis; undefined where they have one. */
function unfitBlock(block: PricedBlock, modules: readonly AdaptedModule[]): string | undefined {
  const attention = modules.filter((module) => (ATTENTION as readonly string[]).includes(module));
  const feedForward = modules.filter((module) => !(ATTENTION as readonly string[]).includes(module));
  if (block.kind === "mixture" && feedForward.length > 0)
    return `adapters of experts (${feedForward.join(", ")}) are not simulated; leave them out`;
  if ((block.kind === "latent-attention" || block.kind === "mamba2") && attention.length > 0)
    return `adapters of ${block.kind === "mamba2" ? "recurrent mixers" : "latent attention"} (${attention.join(", ")}) are not simulated; leave them out`;
  return undefined;
}
