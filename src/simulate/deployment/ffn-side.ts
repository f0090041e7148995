import { assert } from "../../base/assert.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { devicesOf } from "../../cost/iteration/cut.ts";
import type { ExplainedCost } from "../../cost/iteration/iteration-cost-of.ts";
import type { IterationFault } from "../../cost/iteration/iteration-fault.ts";
import { ffnWeights } from "../../cost/iteration/kv-budget.ts";
import { ffnCut, splitFfnCost } from "../../cost/iteration/split-ffn/split-ffn-cost.ts";
import { collectiveModel } from "../../cost/network/collectives/collective-model.ts";
import type { NetworkFigures } from "../../cost/network/collectives/network-figures.ts";
import { pricePointToPoint } from "../../cost/network/point-to-point.ts";
import { sheetNetwork } from "../../cost/network/sheet-network.ts";
import type { OperatorModel } from "../../cost/operator/operator-model.ts";
import { engineOperators } from "../../cost/operator/physics/physics-model.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import type { FfnSide, Pool } from "../../plan/deployment/deployment.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { fabricNetwork, sideFlowRate, withCards } from "./fabric-network.ts";
import type { FabricPlace } from "./fabric-place.ts";

/** The devices of a pool's FFN side. */
export interface FfnParts {
  readonly sheet: DeviceSheet;
  readonly operators?: OperatorModel;
}

/** A side that is priced: its devices a replica, and the weights on each. */
export interface PricedFfn {
  readonly sheet: DeviceSheet;
  readonly devices: number;
  readonly weightBytes: number;
}

export interface SplitParts {
  readonly architecture: SequenceModel;
  readonly sheet: DeviceSheet;
  readonly operators?: OperatorModel;
  readonly ffn?: FfnParts;
  /** Where the pool stands on the deployment's fabric; absent: cards, or the link of the FFN side, reach across at their own rate. */
  readonly fabric?: FabricPlace;
}

type Library = Parameters<typeof sheetNetwork>[1];

/** What iterations of a replica cost whose feed-forwards are on devices of their own. Errors: `cut-invalid`, `no-basis`. */
export function splitCost(
  pool: Pool & { readonly ffn: FfnSide },
  parts: SplitParts,
  library: Library,
): Result<ExplainedCost, IterationFault> {
  const { engine, parallel, precision, speculation, ffn } = pool;
  const { architecture, sheet } = parts;
  assert(parts.ffn !== undefined, "a pool with an FFN side is priced with its devices", pool.name);
  const networks = [sheet, parts.ffn.sheet].map((one) => (one.perNode === undefined ? undefined : sheetNetwork(one, library)));
  const linkNs = linkOf(ffn, networks, { sheets: [sheet, parts.ffn.sheet], parallel, fabric: parts.fabric });
  if (!linkNs.ok) return linkNs;
  const network = (i: 0 | 1) => {
    const figures = networks[i];
    if (figures === undefined) return {};
    return { network: parts.fabric === undefined ? collectiveModel(figures) : fabricNetwork(figures, sidePlace(parts.fabric, i)) };
  };
  return splitFfnCost({
    architecture,
    sheet,
    parallel,
    precision,
    operators: parts.operators ?? engineOperators(sheet, engine.name),
    engine: engine.name,
    ...network(0),
    ...(speculation === undefined ? {} : { speculation }),
    ffn: {
      sheet: parts.ffn.sheet,
      operators: parts.ffn.operators ?? engineOperators(parts.ffn.sheet, engine.name),
      ...network(1),
      ...ffn.parallel,
      microBatches: ffn.microBatches,
      linkNs: linkNs.value,
    },
  });
}

type LinkNs = (attentionBytes: number, ffnBytes: number) => number;

/** A side's place on the fabric. What passes attention's cards is looked at with those of feed-forwards as they are. */
function sidePlace({ cards, ...fabric }: FabricPlace, side: 0 | 1): FabricPlace {
  return side === 1 ? { ...fabric, side: "ffn" } : { ...fabric, ...(cards !== undefined && { cards }) };
}

interface LinkParts {
  readonly sheets: readonly DeviceSheet[];
  readonly parallel: Pool["parallel"];
  readonly fabric: FabricPlace | undefined;
}

/**
 * The link as given, or the cards of both sheets, of which the one that takes longer decides. On a fabric no device sends or receives more than its share of the
 * links, at which the last of its flows ends: each carries as much as any other. Errors: `no-basis`.
 */
function linkOf(
  { link, parallel: ffn }: FfnSide,
  networks: readonly (NetworkFigures | undefined)[],
  { sheets, parallel, fabric }: LinkParts,
): Result<LinkNs, IterationFault> {
  const flow = fabric === undefined ? Number.POSITIVE_INFINITY : sideFlowRate(fabric);
  if (!(flow > 0)) return err({ code: "no-basis", missing: `a way between the machines of ${fabric!.topology.name}` });
  // Each device has a flow to every one of the other side.
  const shares = [flow * ffn.tensor * ffn.expert, flow * devicesOf(parallel)] as const;
  if (link !== undefined) {
    const [perByte, ffnPerByte] = shares.map((share) => 1e9 / Math.min(link.bandwidthBytesPerSecond, share)) as [number, number];
    return ok((attentionBytes, ffnBytes) => link.latencyNs + Math.max(attentionBytes * perByte, ffnBytes * ffnPerByte));
  }
  for (const [i, network] of networks.entries()) {
    if (network?.scaleOut === undefined)
      return err({
        code: "no-basis",
        missing: `the network card of ${sheets[i]!.name} and the devices of its node; ffn.link says what a device sends`,
      });
  }
  const [own, theirs] = networks.map((network, i) => withCards(network!, shares[i]!)) as [NetworkFigures, NetworkFigures];
  const ns = (network: NetworkFigures, bytes: number): number => {
    const priced = pricePointToPoint(network, { op: "point-to-point", bytes, sameNode: false });
    if (!priced.ok) throw new HeddleError("no-basis", { where: network.name, detail: priced.error.missing });
    return priced.value.ns;
  };
  return ok((attentionBytes, ffnBytes) => Math.max(ns(own, attentionBytes), ns(theirs, ffnBytes)));
}

/** Whether the feed-forwards have room. Errors: `cut-invalid`; `does-not-fit`. */
export function pricedFfn(pool: Pool & { readonly ffn: FfnSide }, parts: SplitParts): Result<PricedFfn, IterationFault> {
  const { engine, parallel, precision, ffn } = pool;
  const { sheet } = parts.ffn!;
  const groupTokens = engine.maxBatchedTokens * parallel.data;
  const weights = ffnWeights({ architecture: parts.architecture, sheet, parallel: ffnCut(ffn.parallel), precision, engine, groupTokens });
  if (!weights.ok) return weights;
  return ok({ sheet, devices: ffn.parallel.tensor * ffn.parallel.expert, weightBytes: weights.value });
}
