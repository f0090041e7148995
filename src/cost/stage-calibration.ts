import type { Nanoseconds } from "../base/units.ts";
import type { StageFormat } from "./stage-format.ts";

/** What a stage was when it was measured; a calibration prices only stages that agree. */
export interface StageIdentity {
  readonly rackFingerprint: string;
  readonly modelFingerprint: string;
  readonly fromLayer: number;
  readonly toLayer: number;
  readonly driver: string;
  readonly threads: number;
  readonly prefillFormat: StageFormat;
  readonly decodeFormat: StageFormat;
}

/** Measured times of one loaded stage, run as it is served; every figure is a median of repeated runs. */
export interface StageCalibration extends StageIdentity {
  /** Tokens in a page of KV: decode steps read whole pages, and a page that fills up is sealed by a copy. */
  readonly pageTokens: number;
  /** One decode step of `batch` rows, each with `context` tokens cached; contexts are rounded up to whole pages. */
  readonly decode: readonly { readonly batch: number; readonly context: number; readonly ns: Nanoseconds }[];
  /** One prefill chunk of `count` tokens after `context` cached ones, nothing sampled, nothing sealed. */
  readonly prefill: readonly { readonly count: number; readonly context: number; readonly ns: Nanoseconds }[];
  /**
   * Steps of `rows` decoding rows with one page each beside a chunk of `count` tokens with no past: both in one run. Empty for stages that run
   * them apart.
   */
  readonly mixed: readonly { readonly rows: number; readonly count: number; readonly ns: Nanoseconds }[];
  /** Extra time of a prefill chunk whose last row is sampled: the head. 0 for stages without it. */
  readonly sampleNs: Nanoseconds;
  /** Choosing a token from one row of logits, greedily. 0 for stages without the head. */
  readonly drawNs: Nanoseconds;
  /** Copying one full block into its slot, one sealed block into a lane, and one page of a prompt to where decode steps read it. */
  readonly sealNs: Nanoseconds;
  readonly gatherNs: Nanoseconds;
  readonly moveNs: Nanoseconds;
  /** Relative 90 % scatter of single runs about their median. */
  readonly noise: number;
  /** Relative difference between the rounds of the measurement: what the machine itself drifted meanwhile. */
  readonly drift: number;
}

/** Text that is equal for equal identities. */
export function stageKey(stage: StageIdentity): string {
  const { rackFingerprint, modelFingerprint, fromLayer, toLayer, driver, threads, prefillFormat, decodeFormat } = stage;
  return [rackFingerprint, modelFingerprint, `${fromLayer}-${toLayer}`, driver, `${threads}t`, prefillFormat, decodeFormat].join("/");
}

/** The two halves of a stage's work; each depends on its own weight format only. */
export type StepPart = "decode" | "prefill";

/** How far a calibration speaks of a stage: of the very stage, of other layers in the same format, of other formats, or not at all. */
export type Relation = "same" | "other-layers" | "other-format" | "none";

/** What a calibration says about one part of a stage. */
export function relationOf(measured: StageIdentity, stage: StageIdentity, part: StepPart): Relation {
  const sameMachine =
    measured.rackFingerprint === stage.rackFingerprint && measured.driver === stage.driver && measured.threads === stage.threads;
  if (!sameMachine || measured.modelFingerprint !== stage.modelFingerprint) return "none";
  const sameFormat = part === "decode" ? measured.decodeFormat === stage.decodeFormat : measured.prefillFormat === stage.prefillFormat;
  if (!sameFormat) return "other-format";
  return measured.fromLayer === stage.fromLayer && measured.toLayer === stage.toLayer ? "same" : "other-layers";
}
