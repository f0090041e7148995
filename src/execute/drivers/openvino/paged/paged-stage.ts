import { assert } from "../../../../base/assert.ts";
import { HeddleError } from "../../../../base/heddle-error.ts";
import type { DecoderModel } from "../../../../graph/decoder/model.ts";
import { BLOCK_TOKENS, pagesFor } from "../../../../state/block.ts";
import type { KernelStage, KernelStageRequest, ProbeShape, ProductProbe } from "../../shared/decode-kernels.ts";
import type { OpenvinoCore } from "../core.ts";
import { cpuProperties } from "../cpu-properties.ts";
import { CODES } from "../element-types.ts";
import { graphOf, type LoadedGraph, type NativeInput, type NativeOutput } from "../loaded-graph.ts";
import { decoderGraph, headGraph, productsGraph } from "./decoder-graph.ts";
import type { IrModel } from "./ir-writer.ts";
import { createPagedCaches } from "./paged-caches.ts";
import type { PagedPass } from "./paged-pass.ts";
import { pagedRun } from "./paged-run.ts";
import { PRODUCT_BLOCK } from "./product-weights.ts";

/** A stage's layers over paged attention, its head beside it. Errors: `device-failed`; `plan-invalid` where the library's pass takes no such graph. */
export function loadPagedStage(core: OpenvinoCore, pass: PagedPass, model: DecoderModel, request: KernelStageRequest): KernelStage {
  const { spec } = model;
  const { fromLayer, toLayer, threads, contextLimit, pageCapacity, maxRows, prompts = false } = request;
  const caches = createPagedCaches(spec, { layers: toLayer - fromLayer, pageCapacity, twin: !prompts });
  const cacheProperties = {
    KV_CACHE_PRECISION: "u8",
    KEY_CACHE_QUANT_MODE: "BY_TOKEN",
    KEY_CACHE_GROUP_SIZE: "0",
    VALUE_CACHE_GROUP_SIZE: "0",
  };
  const layers = loaded(core, decoderGraph(model, request), {
    properties: { ...properties(threads), ...cacheProperties },
    change: (read) => {
      if (!pass(read))
        throw new HeddleError("plan-invalid", {
          where: `layers ${fromLayer} to ${toLayer}`,
          detail: "OpenVINO makes no paged attention of them",
        });
    },
  });
  const head = toLayer === spec.layers ? loaded(core, headGraph(model), { properties: properties(threads) }) : undefined;
  const fixed: Record<string, NativeInput> = {};
  for (let layer = 0; layer < toLayer - fromLayer; layer++) {
    fixed[`key_cache.${layer}`] = { type: CODES.u8, data: caches.levels[2 * layer]!.bytes, dims: caches.dims };
    fixed[`value_cache.${layer}`] = { type: CODES.u8, data: caches.levels[2 * layer + 1]!.bytes, dims: caches.dims };
  }
  return {
    pages: caches.pages,
    step: (parts, x) => {
      const rows = parts.reduce((sum, { count }) => sum + count, 0);
      assert(rows <= maxRows && x.length === rows * spec.width, "a step has as many rows as there is room for", { rows });
      for (const { position, count, pages } of parts) {
        const end = position + count;
        assert(end <= contextLimit && pages.length >= pagesFor(end), "pages have room for the tokens that come", { position, count });
      }
      const run = pagedRun(parts, x, { width: spec.width, spare: caches.spare });
      run.finish(onlyOutput(layers, { ...fixed, ...run.feeds }), x);
      for (const { position, count, pages } of parts) {
        for (let at = position; at < position + count; at++) caches.appended(pages[Math.floor(at / BLOCK_TOKENS)]!, at % BLOCK_TOKENS);
      }
    },
    head: (x, rows) => {
      assert(head !== undefined, "the last stage has a head", request);
      return onlyOutput(head, { x: { type: CODES.f32, data: x, dims: [rows, spec.width] } }).slice();
    },
    release: async () => {
      layers.release();
      head?.release();
    },
  };
}

/** Weights of all products together: more than second-level caches hold. Units: bytes. */
const PROBE_BYTES = 48e6;
const PROBE_PRODUCTS = { least: 4, most: 64 };

/** Products as a stage does them. Errors: `device-failed`. */
export function createPagedProbe(core: OpenvinoCore, { n, k, threads, maxRows }: ProbeShape): ProductProbe {
  const products = Math.min(Math.max(Math.ceil(PROBE_BYTES / (n * k)), PROBE_PRODUCTS.least), PROBE_PRODUCTS.most);
  const graph = loaded(core, productsGraph({ n, k, products }), { properties: properties(threads) });
  const x = Float32Array.from({ length: maxRows * k }, (_, i) => ((i * 7919) % 2003) / 1000 - 1);
  return {
    products,
    run: (rows) => {
      graph.runHere({ x: { type: CODES.f32, data: x.subarray(0, rows * k), dims: [rows, k] } });
    },
    release: async () => graph.release(),
  };
}

/** Activations of products in blocks of 8 bits as well, where the weights have a block. */
function properties(threads: number): Readonly<Record<string, string>> {
  return { ...cpuProperties({ threads }), DYNAMIC_QUANTIZATION_GROUP_SIZE: String(PRODUCT_BLOCK) };
}

function loaded(
  core: OpenvinoCore,
  { xml, weights }: IrModel,
  { properties, change }: { readonly properties: Readonly<Record<string, string>>; readonly change?: (model: bigint) => void },
): LoadedGraph {
  return graphOf(core, core.compile(xml, "CPU", properties, { weights, ...(change && { change }) }), [weights]);
}

function onlyOutput(graph: LoadedGraph, feeds: Readonly<Record<string, NativeInput>>): Float32Array {
  const [{ bytes }] = Object.values(graph.runHere(feeds)) as [NativeOutput];
  return new Float32Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength / 4);
}
