import type { Result } from "../../base/result.ts";
import type { FrontTime } from "../../cost/iteration/engines/front-time.ts";
import type { IterationCost } from "../../cost/iteration/iteration-cost.ts";
import type {
  EncoderSide,
  EngineSettings,
  FfnSide,
  Parallelism,
  PoolRole,
  Precision,
  PromptHolds,
  RoutingName,
} from "../deployment/deployment.ts";
import type { LoraSettings } from "../deployment/lora.ts";
import type { WorkloadProfile } from "./workload-profile.ts";

/** What is to be kept: of each measure, the percentile has to lie at or below its target. */
export interface SloTarget {
  /** Queued to first token, at the client where replicas have a `front`. Units: ns. */
  readonly ttftNs: number;
  /** Between further tokens, over each request's life. Units: ns. */
  readonly tpotNs: number;
  /** Ratio, such as 0.9. */
  readonly percentile: number;
}

/** Devices that can be had: of which kind, how many, at which price. */
export interface FleetDevices {
  readonly device: string;
  readonly count: number;
  /** Of one device. Units: US dollars an hour. */
  readonly dollarsPerHour: number;
}

/** A fleet that may be bought or rented; one with several kinds of devices is mixed. */
export interface FleetOffer {
  readonly name: string;
  readonly devices: readonly FleetDevices[];
}

/** A replica that might be built. */
export interface ReplicaDesign {
  readonly device: string;
  readonly role: Extract<PoolRole, "both" | "prefill" | "decode" | "encode">;
  readonly parallel: Parallelism;
  readonly precision: Precision;
  readonly engine: EngineSettings;
  readonly lora?: LoraSettings;
  /** Feed-forwards and experts on devices of their own; `device` and `parallel` are then attention's. */
  readonly ffn?: FfnSide;
  /** It encodes images of prompts: beside all else, or nothing but them in role `encode`. */
  readonly encoder?: EncoderSide;
  /** What was made of images comes from replicas of role `encode`. */
  readonly imagesApart?: true;
}

/** What a replica of a design can do. Limits are over all its data-parallel ranks. */
export interface ReplicaModel {
  readonly cost: IterationCost;
  /** Of both sides, where feed-forwards are on devices of their own. */
  readonly devices: number;
  readonly kvTokens: number;
  /** Of the KV of one token, over all devices that hold a part of it. Units: bytes. */
  readonly kvBytesPerToken: number;
  /** What KV of a request comes at over the fabric, or leaves at what was made of its images, alone; absent: there is none. */
  readonly kvBytesPerSecond?: number;
  /** Of what is made of a token of an image, where it encodes. Units: bytes. */
  readonly imageBytesPerToken?: number;
  /** An iteration is formed while the one before it runs: who arrives joins the one after; absent: the next. */
  readonly stepsAhead?: 0 | 1;
  /** Prompts have iterations of their own, which decodes wait for; absent: they share iterations with decodes. */
  readonly promptsApart?: boolean;
  /** What a client waits for the engine's front end: part of TTFT; absent: it is taken at the engine. */
  readonly front?: Pick<FrontTime, "ns" | "nsInFlight">;
}

/** Factors on figures of devices; 1 where absent. What-ifs of one figure are made of these. */
export interface FigureFactors {
  readonly compute?: number;
  readonly memoryBandwidth?: number;
  readonly memoryCapacity?: number;
  readonly scaleUp?: number;
  readonly network?: number;
  /** On the bandwidth of `ffn.link`, where designs have one. */
  readonly ffnLink?: number;
  /** On the rates of all links of the fabric, where there is one. */
  readonly fabric?: number;
}

/** Why a design cannot be built or priced. */
export interface DesignFault {
  readonly code: "does-not-fit" | "cut-invalid" | "no-basis";
  readonly detail: string;
}

/** Prices designs: the only thing the search knows of models and devices. Pure; equal questions get equal answers. */
export type DesignPricer = (design: ReplicaDesign, factors: FigureFactors) => Result<ReplicaModel, DesignFault>;

/** How KV goes from prefill to decode replicas, or tokens between both sides of one. */
export interface TransferLink {
  readonly bandwidthBytesPerSecond: number;
  readonly latencyNs: number;
}

/** With a fabric the bandwidth is what one transfer reaches at most, or absent. */
export interface KvLink extends Pick<TransferLink, "latencyNs"> {
  readonly bandwidthBytesPerSecond?: number;
}

/** How feed-forwards on devices of their own are tried: every device of an offer beside every other, and every cut that devices have room for. */
export interface FfnChoices {
  readonly tensor: readonly number[];
  readonly expert: readonly number[];
  readonly microBatches: readonly number[];
  /** What one device of either side sends or receives; absent: the cards of the devices' sheets. */
  readonly link?: TransferLink;
}

/** Values that are tried, all combined. */
export interface DesignChoices {
  readonly precisions: readonly Precision[];
  readonly tensor: readonly number[];
  readonly pipeline: readonly number[];
  readonly data: readonly number[];
  /** Whether the model has experts to spread. */
  readonly experts: boolean;
  readonly maxBatchedTokens: readonly number[];
  /** Replicas do not reach over more devices than this. */
  readonly devicesMax: number;
  /** Settings that are not searched. */
  readonly engine: EngineSettings;
  /** Adapters that replicas serve. */
  readonly lora?: LoraSettings;
  readonly split: boolean;
  /** Requests have images: encoded by the replicas that compute prompts, each way of sharing an encoder tried, and on replicas of their own (`apart`). */
  readonly images?: { readonly apart: boolean };
  /** Absent: attention and feed-forwards stay together. Needs `experts`. */
  readonly ffn?: FfnChoices;
  /** Settings that hold prompts back, each tried beside none, where they mean something; absent: none. */
  readonly holds?: readonly PromptHolds[];
}

/** Equal replicas that are to be built. */
export interface PlannedReplicas {
  readonly design: ReplicaDesign;
  readonly replicas: number;
}

export interface SloProblem {
  readonly model: string;
  readonly target: SloTarget;
  readonly workload: WorkloadProfile;
  readonly fleets: readonly FleetOffer[];
  readonly choices: DesignChoices;
  readonly price: DesignPricer;
  readonly factors: FigureFactors;
  /** Needed where roles are split. */
  readonly transfer?: KvLink;
  /** Path of the fabric that fleets stand on, and whether it has machines for replicas of these designs. */
  readonly fabric?: { readonly path: string; fits(pools: readonly PlannedReplicas[]): boolean };
  /** Units: US dollars an hour. */
  readonly budget?: number;
  readonly routing: RoutingName;
}
