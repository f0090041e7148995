import { assert } from "../../base/assert.ts";

/** A path over which state is moved, and what a move costs beside its bytes. */
export interface TransferPath {
  /** Rate of the path as sold: the narrower of its links, all cards together. Units: bytes/s. */
  readonly bytesPerSecond: number;
  /** Part of it that large transfers reach. */
  readonly share: number;
  /** Posting, and the way of the first byte. Units: ns. */
  readonly postNs: number;
  readonly latencyNs: number;
  /** For each contiguous piece. Units: ns. */
  readonly descriptorNs: number;
  /** What the hosts sustain however many cards they have. Units: bytes/s. */
  readonly hostBytesPerSecond?: number;
}

/**
 * Time of one transfer alone on its path. Under contention its bytes are a flow (`simulate/flows`) and the rest is waited before it starts.
 *
 * Units: ns.
 */
export function transferNs(path: TransferPath, { bytes, descriptors }: { readonly bytes: number; readonly descriptors: number }): number {
  return path.postNs + path.latencyNs + descriptors * path.descriptorNs + (bytes / sustainedRate(path)) * 1e9;
}

/** What large transfers reach. Units: bytes/s. */
export function sustainedRate({ bytesPerSecond, share, hostBytesPerSecond = Number.POSITIVE_INFINITY }: TransferPath): number {
  return Math.min(bytesPerSecond * share, hostBytesPerSecond);
}

export interface KvShape {
  readonly tokens: number;
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly elementBytes: number;
  /** Tensor parallelism: beyond `kvHeads` heads are copied to every rank, and each copy moves. */
  readonly tensor: number;
}

/** Bytes of K and V of a prompt over all ranks. */
export function kvBytes({ tokens, layers, kvHeads, headDim, elementBytes, tensor }: KvShape): number {
  return tokens * layers * Math.max(kvHeads, tensor) * headDim * 2 * elementBytes;
}

export interface HandOver {
  /** All layers computed and moved. Units: ns. */
  readonly finishNs: number;
  /** Of that, after the last layer was computed. */
  readonly exposedNs: number;
}

/**
 * Layer-wise hand-over of state: a layer moves as soon as it is computed and the layers before it have moved.
 *
 * Model: a flow shop of two machines: finish = max over layers l of (computed[l] + sum of moves from l on). Units: ns, `computedNs` rising.
 */
export function layerwiseHandOver(computedNs: ArrayLike<number>, moveNs: ArrayLike<number>): HandOver {
  const layers = computedNs.length;
  assert(layers > 0 && moveNs.length === layers, "each layer has a time of computing and of moving", { layers, moves: moveNs.length });
  let finishNs = 0;
  let rest = 0;
  for (let l = layers - 1; l >= 0; l--) {
    assert(l === 0 || computedNs[l]! >= computedNs[l - 1]!, "layers are computed in order", { layer: l });
    rest += moveNs[l]!;
    finishNs = Math.max(finishNs, computedNs[l]! + rest);
  }
  return { finishNs, exposedNs: finishNs - computedNs[layers - 1]! };
}

/** The same where all layers take equally long: the first layer's compute and all moves, or all compute and the last move. */
export function evenHandOver(computeNs: number, moveNs: number, layers: number): HandOver {
  assert(layers >= 1 && computeNs >= 0 && moveNs >= 0, "a hand-over has layers and times that are not negative", {
    layers,
    computeNs,
    moveNs,
  });
  const finishNs = Math.max(computeNs / layers + moveNs, computeNs + moveNs / layers);
  return { finishNs, exposedNs: finishNs - computeNs };
}
