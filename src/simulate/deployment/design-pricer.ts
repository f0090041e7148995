import { err, ok } from "../../base/result.ts";
import { ONE_DEVICE } from "../../cost/iteration/cut.ts";
import { decoderBlocks, hasExperts } from "../../cost/iteration/decoder-blocks.ts";
import { encoderModel } from "../../cost/iteration/encoder/encoder-model.ts";
import { frontTimeOf, type MeasuredAt } from "../../cost/iteration/engines/front-time.ts";
import { type IterationFault, iterationFaultText } from "../../cost/iteration/iteration-fault.ts";
import { sequenceBytes } from "../../cost/iteration/kv-bytes.ts";
import type { OperatorModel } from "../../cost/operator/operator-model.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import type { Pool } from "../../plan/deployment/deployment.ts";
import { devicesOf } from "../../plan/slo/fleet-plan.ts";
import type { DesignFault, DesignPricer, FigureFactors, ReplicaDesign } from "../../plan/slo/slo-problem.ts";
import { rulesOf } from "../../policy/serving/scheduling-rules.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { scaleSheet } from "../../rack/catalog/scale-sheet.ts";
import type { AdapterMix } from "./adapter-mix.ts";
import { IMAGE_ELEMENT_BYTES } from "./deployment-run.ts";
import { type DesignFabric, designPlace } from "./design-fabric.ts";
import { iterationsCost, pricePool } from "./price-pool.ts";

/** Operators of a device as it is (`before`) or with figures changed (`after`), where its data sheet's are not taken. */
export type OperatorsOf = (before: DeviceSheet, after: DeviceSheet) => OperatorModel | undefined;

export interface PricerOptions {
  readonly operatorsOf?: OperatorsOf;
  /** Where times to first token are taken; absent: at the engine. */
  readonly measuredAt?: MeasuredAt;
  /** Adapters of the workload's requests; absent: they have none. */
  readonly mix?: AdapterMix | undefined;
  /** The fabric that designs stand on; absent: cards reach one another at their own rate. */
  readonly fabric?: DesignFabric;
}

/**
 * Prices replicas for a search as `pricePool` prices pools for a simulation, so that both speak of the same replicas.
 *
 * Complexity: the cost of iterations is made once for each device, cut and formats; settings and roles share it.
 */
export function designPricer(
  architecture: SequenceModel,
  sheets: ReadonlyMap<string, DeviceSheet>,
  { operatorsOf = () => undefined, measuredAt = "engine", mix, fabric }: PricerOptions = {},
): DesignPricer {
  const operators = new Map<string, { readonly operators?: OperatorModel }>();
  const scaled = new Map<string, DeviceSheet>();
  const costs = new Map<string, ReturnType<typeof iterationsCost>>();
  const model = decoderBlocks(architecture);
  const encoder = architecture.images && encoderModel(architecture);
  return (design, factors) => {
    const changes = Object.values(factors).some((factor) => factor !== 1);
    const partsOf = (device: string) => {
      const key = `${device} ${JSON.stringify(factors)}`;
      const before = sheets.get(device)!;
      const sheet = remembered(scaled, key, () => (changes ? scaleSheet(before, factors) : before));
      return { sheet, ...remembered(operators, key, () => operatorsPart(operatorsOf(before, sheet))) };
    };
    const pool = poolOf(design, factors);
    const ffnParts = design.ffn && partsOf(design.ffn.device);
    const own = partsOf(design.device);
    const place =
      fabric && designPlace(fabric, pool, { sheet: own.sheet, ...(ffnParts && { ffn: ffnParts }), factor: factors.fabric ?? 1 });
    if (place?.ok === false) return place;
    const stands = place && { fabric: place.value.fabric };
    const kvBytesPerSecond = place?.value.kvBytesPerSecond;
    const imagesApart = design.imagesApart === true;
    const parts = { architecture, ...stands, ...(mix && { mix }), ...own, ...(ffnParts && { ffn: ffnParts }), imagesApart };
    const cost = remembered(costs, costKey(design, factors), () => iterationsCost(pool, parts));
    if (!cost.ok) return err(designFault(cost.error));
    const priced = pricePool(pool, 0, { ...parts, cost: cost.value });
    if (!priced.ok) return err(designFault(priced.error));
    if (!model.ok) return err(designFault(model.error));
    const { budget, ffn } = priced.value;
    const { stepsAhead, mixing } = rulesOf(design.engine.name, design.engine);
    const front = measuredAt === "client" ? frontTimeOf(design.engine.name, { mixture: hasExperts(architecture) }) : undefined;
    return ok({
      cost: cost.value,
      devices: devicesOf(design.parallel) + (ffn?.devices ?? 0),
      kvTokens: budget.kvBlocks * design.engine.blockTokens,
      kvBytesPerToken: sequenceBytes(model.value, ONE_DEVICE, design.precision).perToken,
      ...(kvBytesPerSecond === undefined ? {} : { kvBytesPerSecond }),
      ...(encoder?.ok === true && { imageBytesPerToken: encoder.value.tokenElements * IMAGE_ELEMENT_BYTES }),
      stepsAhead,
      promptsApart: mixing === "prefill-first",
      ...(front === undefined ? {} : { front }),
    });
  };
}

function operatorsPart(operators: OperatorModel | undefined): { readonly operators?: OperatorModel } {
  return operators === undefined ? {} : { operators };
}

function poolOf({ device, role, parallel, precision, engine, lora, ffn, encoder }: ReplicaDesign, { ffnLink = 1 }: FigureFactors): Pool {
  const pool = { name: device, role, device, replicas: 1, parallel, precision, engine, ...(lora && { lora }), ...(encoder && { encoder }) };
  if (ffn?.link === undefined) return { ...pool, ...(ffn && { ffn }) };
  const link = { ...ffn.link, bandwidthBytesPerSecond: ffn.link.bandwidthBytesPerSecond * ffnLink };
  return { ...pool, ffn: { ...ffn, link } };
}

/** What the cost of iterations depends on. */
function costKey({ device, role, parallel, precision, engine, lora, ffn, encoder }: ReplicaDesign, factors: FigureFactors): string {
  return JSON.stringify([device, role === "encode", parallel, precision, engine.name, lora, ffn, encoder, factors]);
}

function remembered<T>(known: Map<string, T>, key: string, make: () => T): T {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  return made;
}

function designFault(fault: IterationFault): DesignFault {
  return { code: fault.code, detail: iterationFaultText(fault) };
}
