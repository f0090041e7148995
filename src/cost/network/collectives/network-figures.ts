/** Library that runs a collective: engines replace NCCL's all-reduce below a size by kernels of their own. */
export type CollectiveLibrary = "nccl" | "vllm" | "sglang" | "trtllm";

/** Constants of a family of devices that tuning tables are given for. */
export type NetworkGeneration = "ampere" | "hopper" | "blackwell";

/** What the collective model has to know of the links of a system. All rates are one direction, one device. */
export interface NetworkFigures {
  /** System, for reports, such as `8 x h100-sxm`. */
  readonly name: string;
  /** Which family's protocol constants hold; absent: those of the nearest rate, with a wider interval. */
  readonly generation?: NetworkGeneration;
  /** Links between the devices of a node or scale-up domain. */
  readonly scaleUp: {
    /** Data-sheet rate, all links of a device together. Units: bytes/s. */
    readonly bytesPerSecond: number;
    /** Devices in the domain. */
    readonly devices: number;
    /** A switch that adds up what passes (NVLink SHARP). */
    readonly reducesInSwitch: boolean;
    /** Links of PCIe instead of NVLink: other latencies, no one-shot kernels. */
    readonly throughHost?: boolean;
  };
  /** Links between nodes. Absent: no collective leaves a node. */
  readonly scaleOut?: {
    /** Data-sheet rate of one device's network card. Units: bytes/s. */
    readonly bytesPerSecond: number;
    /** The rate is what the slowest device's card was measured to move with all of them busy: no share of a data sheet's rate is taken off it. */
    readonly measured?: boolean;
    /** One message, one way. Absent: NCCL's constant. Units: ns. */
    readonly latencyNs?: number;
  };
  readonly library: CollectiveLibrary;
  /** Version of the library, where its kernels changed (SGLang); absent: not known, with a wider interval there. */
  readonly libraryVersion?: string;
}
