/** What a micro-batch takes of a layer: attention, the way to the feed-forwards, those, and the way back. Units: ns. */
export interface LapParts {
  readonly attentionNs: number;
  readonly dispatchNs: number;
  readonly ffnNs: number;
  readonly combineNs: number;
}

/** How micro-batches go round between attention and feed-forwards in one layer. */
export interface Lap extends LapParts {
  readonly microBatches: number;
  /** Micro-batches from which on the slowest part never waits: (sum of the parts) / slowest. */
  readonly microBatchesNeeded: number;
  /** The links are hidden: there are that many, and neither way is the slowest part. */
  readonly hidden: boolean;
  readonly slowest: "attention" | "FFN" | "link";
}

/**
 * Time of all layers for `m` equal micro-batches that go round between attention devices, a link, FFN devices and a link back.
 *
 * Model: each part serves one micro-batch at a time, in turn; a micro-batch's next layer begins when it is back. With S the sum of the parts and B the slowest,
 * a layer takes max(m B, S), and the first and last micro-batch add what they wait for at the ends: S + (m - 1) B + (layers - 1) max(m B, S). Exact for equal
 * laps (a test runs them event by event). Where m B >= S it is S + B (m layers - 1), the published form; communication is hidden where besides B is no link.
 * Units: ns.
 * Source: Zhu et al. 2025 (MegaScale-Infer), arXiv:2504.02263, section 4.1, equations 1 to 5: T = (Ta + Te + 2 Tc) + Tf (m L - 1), Tf = max(Ta, Te), Tc < Tf,
 * m Tf >= 2 (Tf + Tc).
 */
export function pingPongNs(parts: LapParts, microBatches: number, layers: number): number {
  const { attentionNs, dispatchNs, ffnNs, combineNs } = parts;
  const sum = attentionNs + dispatchNs + ffnNs + combineNs;
  const slowest = Math.max(attentionNs, dispatchNs, ffnNs, combineNs);
  return sum + (microBatches - 1) * slowest + (layers - 1) * Math.max(microBatches * slowest, sum);
}

/** A lap with what it says of its own balance. */
export function lapOf(parts: LapParts, microBatches: number): Lap {
  const { attentionNs, dispatchNs, ffnNs, combineNs } = parts;
  const link = Math.max(dispatchNs, combineNs);
  const computes = Math.max(attentionNs, ffnNs);
  const slowest = Math.max(link, computes);
  const needed = slowest === 0 ? 1 : (attentionNs + dispatchNs + ffnNs + combineNs) / slowest;
  return {
    ...parts,
    microBatches,
    microBatchesNeeded: needed,
    hidden: link < computes && microBatches >= needed,
    slowest: link >= computes ? "link" : attentionNs >= ffnNs ? "attention" : "FFN",
  };
}
