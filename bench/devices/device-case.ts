import type { Rack } from "../../src/rack/rack.ts";
import type { OpenRack, Tensor } from "../../src/sdk/sdk-types.ts";

/** A model and a rack: whether the rack's own choice of devices does better than the best of its devices alone. */
export interface DeviceCase {
  readonly name: string;
  /** What runs on what, for people. */
  readonly what: string;
  /** `gains`: the mix is to win clearly; `keeps`: it has nothing to win, and is to lose next to nothing. */
  readonly claim: "gains" | "keeps";
  /** A device of the rack is emulated: no figure is one of the device it is named after. */
  readonly emulated: boolean;
  /** Files of the sample folder. */
  readonly models: readonly string[];
  readonly mix: Rack;
  readonly singles: readonly Single[];
  /** Loads models and makes inputs, once for all racks. */
  prepare(): Promise<Batch>;
}

export interface Single {
  readonly name: string;
  readonly rack: Rack;
}

/** Runs everything once and waits for it. Gives what was computed, always in one order, where it is to be compared between devices. */
export type Batch = (rack: OpenRack) => Promise<readonly Tensor[] | undefined>;
