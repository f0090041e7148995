import { err, ok, type Result } from "../../base/result.ts";
import type { NoOperatorBasis } from "../operator/operator-model.ts";
import type { PointToPointQuery } from "../operator/operator-query.ts";
import type { Priced } from "../priced.ts";
import type { NetworkFigures } from "./collectives/network-figures.ts";
import { RATE_SHARE } from "./rate-share.ts";

/**
 * Time to post a message between two devices and to see its end. Units: ns.
 *
 * Source: microsoft/vidur@7d47513 send_recv, medians at 2 KiB: 8 us (8 x A100) and 5 us (8 x H100) inside a node, 24 and 17 us between nodes.
 */
const LATENCY_NS = { inside: 6500, across: 20_000 } as const;
const SPREAD = 0.4;

/** One message between two devices: latency and bytes at the rate of the narrower link. Errors: `no-basis`. */
export function pricePointToPoint(figures: NetworkFigures, { bytes, sameNode }: PointToPointQuery): Result<Priced, NoOperatorBasis> {
  if (!(bytes >= 0 && bytes < Number.POSITIVE_INFINITY)) return err({ code: "no-basis", missing: `a message of ${bytes} bytes` });
  if (sameNode) {
    const share = figures.scaleUp.throughHost === true ? RATE_SHARE.pcie : RATE_SHARE.nvlink;
    return ok({ ns: LATENCY_NS.inside + (bytes / (figures.scaleUp.bytesPerSecond * share)) * 1e9, spread: SPREAD, basis: "data-sheet" });
  }
  if (figures.scaleOut === undefined) return err({ code: "no-basis", missing: `the network between nodes of ${figures.name}` });
  const latency = Math.max(LATENCY_NS.across, figures.scaleOut.latencyNs ?? 0);
  const rate = figures.scaleOut.bytesPerSecond * (figures.scaleOut.measured === true ? 1 : RATE_SHARE.network);
  return ok({ ns: latency + (bytes / rate) * 1e9, spread: SPREAD, basis: "data-sheet" });
}
