import { err, ok, type Result } from "../../../base/result.ts";
import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import type { PeakType } from "../../../rack/peak-type.ts";
import type { Basis } from "../../estimate.ts";
import type { Priced } from "../../priced.ts";
import type { NoOperatorBasis, OperatorModel } from "../operator-model.ts";
import type { OperatorQuery } from "../operator-query.ts";
import { decodeAttentionNs } from "./decode-attention-time.ts";
import { type DeviceFigures, deviceFigures } from "./device-figures.ts";
import { ELEMENT_BYTES } from "./element-bytes.ts";
import { expertsNs } from "./experts-time.ts";
import { familyOf } from "./families.ts";
import { LATENT_ATTENTION_TYPE, latentAttentionNs } from "./latent-attention-time.ts";
import type { PhysicsConstants } from "./physics-constants.ts";
import { prefillAttentionNs } from "./prefill-attention-time.ts";
import { productClass } from "./product-class.ts";
import { productNs } from "./product-time.ts";
import { streamNs } from "./stream-time.ts";

/** Type in which decode attention multiplies; keys and values are widened to it. */
const ATTENTION_TYPES: readonly PeakType[] = ["bf16", "f16", "f32"];

/**
 * Prices operators of a device from its data sheet: ideal times, the efficiency its family reaches at a size, and launches.
 *
 * Model: `product-time`, `prefill-attention-time`, `decode-attention-time`, `latent-attention-time`, `experts-time`; streams are bytes at a share of the
 * memory's rate. Collectives and transfers have no basis here.
 * Errors: `no-basis` where the sheet has no peak of a type.
 * Source: the sheet's figures; constants of the family (`families.ts`), each with the data they were fitted on.
 */
export function physicsModel(sheet: DeviceSheet, constants: PhysicsConstants = familyOf(sheet)): OperatorModel {
  const device = deviceFigures(sheet);
  const price = (query: OperatorQuery): Result<Priced, NoOperatorBasis> => priceOperator(device, constants, query);
  return { source: `${sheet.name}: data sheet and constants of ${constants.family}`, price };
}

const BASIS: Basis = "data-sheet";

function priceOperator(device: DeviceFigures, constants: PhysicsConstants, query: OperatorQuery): Result<Priced, NoOperatorBasis> {
  switch (query.op) {
    case "product": {
      const flopsPerNs = device.flopsPerNs[query.type];
      if (flopsPerNs === undefined) return noPeak(query.type);
      const product = constants.product[productClass(query.type, query.blockScaled === true)];
      const bytes = ELEMENT_BYTES[query.type];
      return priced(productNs(device, product, query, { flopsPerNs, inputBytes: bytes, weightBytes: bytes }), product.spread);
    }
    case "prefill-attention": {
      const flopsPerNs = device.flopsPerNs[query.type];
      if (flopsPerNs === undefined) return noPeak(query.type);
      return priced(prefillAttentionNs(device, constants.prefillAttention, query, flopsPerNs), constants.prefillAttention.spread);
    }
    case "decode-attention": {
      const flopsPerNs = attentionPeak(device);
      if (flopsPerNs === undefined) return noPeak("bf16");
      return priced(decodeAttentionNs(device, constants.decodeAttention, query, flopsPerNs), constants.decodeAttention.spread);
    }
    case "latent-attention": {
      const projectionFlopsPerNs = device.flopsPerNs[query.type];
      const attentionFlopsPerNs = device.flopsPerNs[LATENT_ATTENTION_TYPE] ?? attentionPeak(device);
      if (projectionFlopsPerNs === undefined) return noPeak(query.type);
      if (attentionFlopsPerNs === undefined) return noPeak(LATENT_ATTENTION_TYPE);
      const product = constants.product[productClass(query.type, false)];
      const parts = { latent: constants.latentAttention, product };
      return priced(
        latentAttentionNs(device, parts, query, { projectionFlopsPerNs, attentionFlopsPerNs }),
        constants.latentAttention.spread,
      );
    }
    case "experts": {
      const flopsPerNs = device.flopsPerNs[query.type];
      if (flopsPerNs === undefined) return noPeak(query.type);
      const experts = constants.experts[productClass(query.type, query.blockScaled === true)];
      return priced(expertsNs(device, experts, query, flopsPerNs), experts.spread);
    }
    case "stream": {
      return priced(streamNs(device, constants.stream, query.bytes), constants.stream.spread);
    }
    case "collective":
    case "point-to-point":
      return err({ code: "no-basis", missing: "a network model: a device's sheet prices no collectives and transfers" });
  }
}

function attentionPeak(device: DeviceFigures): number | undefined {
  for (const type of ATTENTION_TYPES) {
    const flopsPerNs = device.flopsPerNs[type];
    if (flopsPerNs !== undefined) return flopsPerNs;
  }
  return undefined;
}

function priced(ns: number, spread: number): Result<Priced, NoOperatorBasis> {
  return ok({ ns, spread, basis: BASIS });
}

function noPeak(type: PeakType): Result<Priced, NoOperatorBasis> {
  return err({ code: "no-basis", missing: `the device's peak for ${type}` });
}
