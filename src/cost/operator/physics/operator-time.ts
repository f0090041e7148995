import type { PeakType } from "../../../rack/peak-type.ts";
import type { ExpertQuery, LinkQuery, OperatorQuery, ProductQuery } from "../operator-query.ts";
import { STORED_BYTES, storedBytes } from "../stored-bytes.ts";
import { decodeAttentionNs } from "./decode-attention-time.ts";
import type { DeviceFigures } from "./device-figures.ts";
import { expertsNs } from "./experts-time.ts";
import { LATENT_ATTENTION_TYPE, latentAttentionNs } from "./latent-attention-time.ts";
import type { PhysicsConstants } from "./physics-constants.ts";
import { prefillAttentionNs } from "./prefill-attention-time.ts";
import { productClass } from "./product-class.ts";
import { productNs } from "./product-time.ts";
import { sparseAttentionNs } from "./sparse-attention-time.ts";
import { streamNs } from "./stream-time.ts";

/** Operators that one device computes: all but transfers between devices. */
export type ComputeQuery = Exclude<OperatorQuery, LinkQuery>;

/** The peak an operator needs and the device's sheet lacks; undefined where it has all. */
export function missingPeak(device: DeviceFigures, query: ComputeQuery): PeakType | undefined {
  switch (query.op) {
    case "product":
    case "prefill-attention":
    case "experts":
      return device.flopsPerNs[query.type] === undefined ? query.type : undefined;
    case "decode-attention":
      return attentionPeak(device) > 0 ? undefined : "bf16";
    case "latent-attention":
      if (device.flopsPerNs[query.type] === undefined) return query.type;
      return latentPeak(device, query.attentionType) > 0 ? undefined : (query.attentionType ?? LATENT_ATTENTION_TYPE);
    case "sparse-attention":
      if (device.flopsPerNs[query.type] === undefined) return query.type;
      return attentionPeak(device) > 0 ? undefined : LATENT_ATTENTION_TYPE;
    case "stream":
      return undefined;
  }
}

/** Time of an operator whose peaks are all there (`missingPeak`). Units: ns. */
export function operatorNs(device: DeviceFigures, constants: PhysicsConstants, query: ComputeQuery): number {
  switch (query.op) {
    case "product": {
      const inputBytes = STORED_BYTES[query.type];
      const weightBytes = storedBytes(query.weightType ?? query.type, query.weightGroup);
      const product = constants.product[productClass(query)];
      return productNs(device, product, query, { flopsPerNs: multiplyRate(device, query), inputBytes, weightBytes });
    }
    case "prefill-attention":
      return prefillAttentionNs(device, constants.prefillAttention, query, device.flopsPerNs[query.type] ?? 0);
    case "decode-attention":
      return decodeAttentionNs(device, constants.decodeAttention, query, attentionPeak(device));
    case "latent-attention": {
      const product = constants.product[productClass(query)];
      const rates = {
        projectionFlopsPerNs: device.flopsPerNs[query.type] ?? 0,
        attentionFlopsPerNs: latentPeak(device, query.attentionType),
      };
      return latentAttentionNs(device, { latent: constants.latentAttention, product }, query, rates);
    }
    case "sparse-attention": {
      const rates = {
        projectionFlopsPerNs: device.flopsPerNs[query.type] ?? 0,
        attentionFlopsPerNs: attentionPeak(device),
        scoreFlopsPerNs: device.flopsPerNs.f8e4m3 ?? attentionPeak(device),
      };
      return sparseAttentionNs(
        device,
        { sparse: constants.sparseAttention, product: constants.product[productClass(query)] },
        query,
        rates,
      );
    }
    case "experts": {
      const experts = constants.experts[productClass(query)];
      return expertsNs(device, experts, query, multiplyRate(device, query));
    }
    case "stream":
      return streamNs(device, constants.stream, query.bytes);
  }
}

/** Peak of a product's type; where integer weights are unpacked on the way, no more than single warps multiply. */
function multiplyRate(device: DeviceFigures, query: ProductQuery | ExpertQuery): number {
  const peak = device.flopsPerNs[query.type] ?? 0;
  const { warpFlopsPerNs } = device;
  return warpFlopsPerNs !== undefined && warpFlopsPerNs < peak && productClass(query) === "packed" ? warpFlopsPerNs : peak;
}

/** Rate at which decode attention multiplies: that of the first 16-bit type there is, to which keys and values are widened; 0 where there is none. */
function attentionPeak(device: DeviceFigures): number {
  const { bf16, f16, f32 } = device.flopsPerNs;
  return bf16 ?? f16 ?? f32 ?? 0;
}

function latentPeak(device: DeviceFigures, type: PeakType | undefined): number {
  return type === undefined ? attentionPeak(device) : (device.flopsPerNs[type] ?? 0);
}
