import { err, ok, type Result } from "../../../base/result.ts";
import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import type { Basis } from "../../estimate.ts";
import type { Priced } from "../../priced.ts";
import type { NoOperatorBasis, OperatorModel } from "../operator-model.ts";
import { isLinkQuery, type OperatorQuery } from "../operator-query.ts";
import { type DeviceFigures, deviceFigures } from "./device-figures.ts";
import { familyOf, kernelsOf } from "./families.ts";
import { type ComputeQuery, missingPeak, operatorNs } from "./operator-time.ts";
import type { PhysicsConstants } from "./physics-constants.ts";
import { productClass, unpacksFloats } from "./product-class.ts";

/**
 * Prices operators of a device from its data sheet: ideal times, the efficiency its family reaches at a size, and launches.
 *
 * Model: `product-time`, `prefill-attention-time`, `decode-attention-time`, `latent-attention-time`, `experts-time`, `stream-time`. Collectives and transfers
 * have no basis here.
 * Errors: `no-basis` where the sheet has no peak of a type.
 * Source: the sheet's figures; constants of the family (`families.ts`), each with the data they were fitted on.
 */
export function physicsModel(sheet: DeviceSheet, constants: PhysicsConstants = familyOf(sheet)): OperatorModel {
  const device = deviceFigures(sheet);
  const added = constants.devices.length === 0 || constants.devices.includes(sheet.id) ? 0 : SIBLING_SPREAD;
  const unpacked = constants.unpackedExperts;
  const unpacking = unpacked && { ...constants, experts: { ...constants.experts, half: unpacked } };
  const price = (query: OperatorQuery): Result<Priced, NoOperatorBasis> =>
    unpacking !== undefined && query.op === "experts" && query.type === "f4e2m1" && device.flopsPerNs.f4e2m1 === undefined
      ? priceOperator(device, unpacking, { ...query, type: "bf16", weightType: "f4e2m1" }, added)
      : priceOperator(device, constants, query, added);
  return { source: `${sheet.name}: data sheet and constants of ${constants.family}`, price };
}

/** The same with the constants of an engine's own kernels, where they were measured. */
export function engineOperators(sheet: DeviceSheet, engine: string | undefined): OperatorModel {
  return physicsModel(sheet, kernelsOf(sheet, engine));
}

const BASIS: Basis = "data-sheet";
/** Added in quadrature for devices of a family that were not measured themselves. Source: H200 priced with the H100's constants and the reverse. */
const SIBLING_SPREAD = 0.25;
/**
 * Half-width where 4-bit floats are unpacked. Source: experts on the H200 take 2.6 times what is priced here in vLLM 0.19 (median of 204 rows of
 * aiconfigurator-ops), and about what is priced in TensorRT-LLM (gpt-oss-120b in aiconfigurator-silicon).
 */
const UNPACKED_FLOAT_SPREAD = 1.6;

function priceOperator(
  device: DeviceFigures,
  constants: PhysicsConstants,
  query: OperatorQuery,
  added: number,
): Result<Priced, NoOperatorBasis> {
  if (isLinkQuery(query)) {
    return err({ code: "no-basis", missing: "a network model: a device's sheet prices no collectives and transfers" });
  }
  const type = missingPeak(device, query);
  if (type !== undefined) return err({ code: "no-basis", missing: `the device's peak for ${type}` });
  const spread = spreadOf(constants, query);
  return ok({
    ns: operatorNs(device, constants, query),
    spread: added === 0 ? spread : Math.sqrt(spread * spread + added * added),
    basis: BASIS,
  });
}

function spreadOf(constants: PhysicsConstants, query: ComputeQuery): number {
  switch (query.op) {
    case "product":
    case "experts": {
      const { spread } = constants[query.op][productClass(query)];
      return unpacksFloats(query) && spread < UNPACKED_FLOAT_SPREAD ? UNPACKED_FLOAT_SPREAD : spread;
    }
    case "prefill-attention":
      return constants.prefillAttention.spread;
    case "decode-attention":
      return constants.decodeAttention.spread;
    case "latent-attention":
      return constants.latentAttention.spread;
    case "sparse-attention":
      return constants.sparseAttention.spread;
    case "stream":
      return constants.stream.spread;
  }
}
