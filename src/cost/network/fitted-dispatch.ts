import type { DispatchQuery } from "../operator/operator-query.ts";
import type { CrossingConstants, LocalConstants } from "./dispatch-model.ts";

type Mode = DispatchQuery["mode"];
type Direction = DispatchQuery["direction"];

/**
 * Constants of DeepEP inside a node, by generation.
 *
 * Source: fitted by scripts/fit-dispatch.ts on ai-dynamo/aiconfigurator@095f58a (Apache-2.0), comm/sglang/0.5.12 of H100 and B200 SXM, on four of 18
 * shapes (isFittedShape).
 */
export const LOCAL_DISPATCH: Readonly<Record<"hopper" | "blackwell", Readonly<Record<Mode, Readonly<Record<Direction, LocalConstants>>>>>> =
  {
    hopper: {
      normal: {
        dispatch: { baseNs: 24600, widthNs: 332, partRate: 26.4, linkShare: 1.48, copyBytes: 3520, expertNs: 0, reads: 1.09 },
        combine: { baseNs: 25100, widthNs: 3210, partRate: 21.5, linkShare: 0.979, copyBytes: 485, expertNs: 0, reads: 1.21 },
      },
      "low-latency": {
        dispatch: { baseNs: 7490, widthNs: 180, partRate: 3, linkShare: 0.613, copyBytes: 213, expertNs: 1630, reads: 0 },
        combine: { baseNs: 9610, widthNs: 239, partRate: 50, linkShare: 0.504, copyBytes: 195, expertNs: 419, reads: 0 },
      },
    },
    blackwell: {
      normal: {
        dispatch: { baseNs: 33200, widthNs: 479, partRate: 28.8, linkShare: 0.764, copyBytes: 4740, expertNs: 0, reads: 1.07 },
        combine: { baseNs: 33300, widthNs: 3230, partRate: 29.4, linkShare: 0.742, copyBytes: 3500, expertNs: 0, reads: 1.84 },
      },
      "low-latency": {
        dispatch: { baseNs: 11300, widthNs: 295, partRate: 3, linkShare: 0.614, copyBytes: 80.3, expertNs: 2990, reads: 0 },
        combine: { baseNs: 13900, widthNs: 372, partRate: 50, linkShare: 0.692, copyBytes: 207, expertNs: 1030, reads: 0 },
      },
    },
  };

/**
 * Constants of DeepEP between nodes of 8 H100 with 8 cards of 50 GB/s.
 *
 * Source: as above, comm/sglang/0.5.6.post2: normal mode fitted on 2 nodes, low latency on 2 and 4.
 */
export const CROSSING_DISPATCH: Readonly<Record<Mode, Readonly<Record<Direction, CrossingConstants>>>> = {
  normal: {
    dispatch: { baseNs: 62400, doublingNs: 30000, partRate: 11.7, cardShare: 0.94 },
    combine: { baseNs: 91600, doublingNs: 30000, partRate: 8.8, cardShare: 0.94 },
  },
  "low-latency": {
    dispatch: { baseNs: 20500, doublingNs: 4830, partRate: 0, cardShare: 0.977 },
    combine: { baseNs: 24800, doublingNs: 1740, partRate: 0, cardShare: 0.94 },
  },
};
