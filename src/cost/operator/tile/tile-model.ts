import { err, ok, type Result } from "../../../base/result.ts";
import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import type { PeakType } from "../../../rack/peak-type.ts";
import type { Priced } from "../../priced.ts";
import type { NoOperatorBasis, OperatorModel } from "../operator-model.ts";
import type { OperatorQuery } from "../operator-query.ts";
import { meanKeysSeen } from "../physics/attention-keys.ts";
import { STORED_BYTES, storedBytes } from "../stored-bytes.ts";
import { rowOperatorNs } from "./row-operator.ts";
import { tileAttentionNs } from "./tile-attention.ts";
import { type TileConstants, tileConstantsOf } from "./tile-constants.ts";
import { type TileDevice, tileDevice } from "./tile-device.ts";
import { tileExpertsNs } from "./tile-experts.ts";
import { tileLatentNs } from "./tile-latent.ts";
import { tileProduct } from "./tile-product.ts";
import { tileSparseNs } from "./tile-sparse.ts";

/**
 * 90 % half-widths (value / (1 + s) to value x (1 + s)), widest where engines do most besides the kernel.
 *
 * Source: rows of A100, H100, H200, B200 (aiconfigurator-ops), RTX 4090 and RTX PRO 6000 (llmservingsim-bench) in 16-bit types, none of them fitted on:
 * 0.37, 1.29, 1.35, 1.10, 0.91 and 1.00 hold 90 % of products, prefills, decodes, experts, latent blocks and streams.
 */
const PRODUCT_SPREAD = 0.4;
const ATTENTION_SPREAD = 1.4;
const EXPERTS_SPREAD = 1.1;
const LATENT_SPREAD = 0.95;
/** Not measured in 16 bits alone: as wide as the widest. */
const SPARSE_SPREAD = ATTENTION_SPREAD;
const STREAM_SPREAD = 1;
/** A stream's row, where only its bytes are known: half of them read, half written. */
const STREAM_ROW_BYTES = 8192;

/**
 * Prices operators from what a device is built of: cores, local memory, cache, memory. For devices that nobody has built, and for questions about one
 * figure of a known one; nothing is fitted on the device.
 *
 * Errors: `no-basis` naming the figure that the sheet lacks, and for operators without a tile-level form.
 * Source: `tile-constants.ts`; checked against llmcompass-real and the tables of six GPUs.
 */
export function tileModel(sheet: DeviceSheet, constants: TileConstants = tileConstantsOf(sheet)): OperatorModel {
  const device = tileDevice(sheet);
  const price = (query: OperatorQuery): Result<Priced, NoOperatorBasis> =>
    device.ok ? priceTiled(device.value, constants, query) : device;
  return { source: `${sheet.name}: tiles over its cores, caches and memory`, apartFromEngines: true, price };
}

function priceTiled(device: TileDevice, constants: TileConstants, query: OperatorQuery): Result<Priced, NoOperatorBasis> {
  switch (query.op) {
    case "product": {
      const flopsPerNs = device.flopsPerNs[query.type];
      if (flopsPerNs === undefined) return noPeak(device, query.type);
      const { m, n, k } = query;
      return priced(
        tileProduct(device, constants, {
          m,
          n,
          k,
          bytes: STORED_BYTES[query.type],
          weightBytes: storedBytes(query.weightType ?? query.type, query.weightGroup),
          flopsPerNs,
        }).ns,
        PRODUCT_SPREAD,
      );
    }
    case "prefill-attention": {
      const flopsPerNs = device.flopsPerNs[query.type];
      if (flopsPerNs === undefined) return noPeak(device, query.type);
      const { batch, tokens: queries, heads, kvHeads, headDim, window, context } = query;
      const meanKeys = meanKeysSeen(queries, context, window);
      const readKeys = queries + (window > 0 && window < context ? window : context);
      const kvBytes = STORED_BYTES[query.kvType];
      return priced(
        tileAttentionNs(device, constants, { batch, queries, meanKeys, readKeys, heads, kvHeads, headDim, kvBytes, flopsPerNs }),
        ATTENTION_SPREAD,
      );
    }
    case "decode-attention": {
      const flopsPerNs = device.flopsPerNs.bf16 ?? device.flopsPerNs.f16 ?? device.flopsPerNs.f32;
      if (flopsPerNs === undefined) return noPeak(device, "bf16");
      const { batch, heads, kvHeads, headDim, window, context } = query;
      const keys = window > 0 && window < context ? window : context;
      const kvBytes = STORED_BYTES[query.kvType];
      const attention = { batch, queries: 1, meanKeys: keys, readKeys: keys, heads, kvHeads, headDim, kvBytes, flopsPerNs };
      return priced(tileAttentionNs(device, constants, attention), ATTENTION_SPREAD);
    }
    case "stream": {
      const rows = Math.max(1, Math.ceil(query.bytes / (2 * STREAM_ROW_BYTES)));
      const columns = query.bytes / (2 * rows);
      return priced(rowOperatorNs(device, constants, { rows, columns, bytes: 1, reads: 1, warm: true }), STREAM_SPREAD);
    }
    case "experts": {
      const flopsPerNs = device.flopsPerNs[query.type];
      if (flopsPerNs === undefined) return noPeak(device, query.type);
      return priced(tileExpertsNs(device, constants, query, flopsPerNs), EXPERTS_SPREAD);
    }
    case "latent-attention":
    case "sparse-attention": {
      const projection = device.flopsPerNs[query.type];
      if (projection === undefined) return noPeak(device, query.type);
      const type = query.op === "latent-attention" ? (query.attentionType ?? "bf16") : "bf16";
      const attention = device.flopsPerNs[type];
      if (attention === undefined) return noPeak(device, type);
      const rates = { projection, attention };
      return query.op === "latent-attention"
        ? priced(tileLatentNs(device, constants, query, rates), LATENT_SPREAD)
        : priced(tileSparseNs(device, constants, query, rates), SPARSE_SPREAD);
    }
    case "collective":
    case "point-to-point":
    case "dispatch":
      return err({ code: "no-basis", missing: `a tile-level form of ${query.op}` });
  }
}

function priced(ns: number, spread: number): Result<Priced, NoOperatorBasis> {
  return ok({ ns, spread, basis: "data-sheet" });
}

function noPeak(device: TileDevice, type: PeakType): Result<Priced, NoOperatorBasis> {
  return err({ code: "no-basis", missing: `${device.name}'s peak for ${type}` });
}
