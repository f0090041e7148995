import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import type { Formats } from "../cut.ts";
import type { EngineOverheads } from "../engine-overheads.ts";
import { isBlackwell } from "./served-properties.ts";

/** Constants of an engine that are fitted on served models, and what its front end adds to the first token. */
export interface EngineConstants {
  readonly overheads: EngineOverheads;
  /** Factor on products and experts in 8 bits on devices of the Blackwell family. */
  readonly blackwellEight: number;
  /** From a client's request until the engine has it, and back: tokenising, HTTP. Units: ns. */
  readonly frontNs: number;
  /** What each client in flight adds to that: requests that come together pass the front end one by one. Units: ns. */
  readonly frontClientNs: number;
  /** What the first token of a mixture of experts waits longer, whatever its prompt's length. Units: ns. */
  readonly frontMixtureNs: number;
  /** What it waits longer where the benchmark is none whose client is known: others go through a front end of their own. Units: ns. */
  readonly frontOtherNs: number;
  /** What the first prompts of an engine that nothing has warmed wait for kernels to be compiled. Units: ns. */
  readonly compileNs: number;
}

/** Whose first token a front end's time is of. */
export interface FrontOf {
  readonly clients: number;
  /** Whether the model has experts. */
  readonly mixture: boolean;
  /** Whether the benchmark's client speaks to the engine itself; absent: it does. */
  readonly direct?: boolean;
}

/** Time of an engine's front end before a first token. Units: ns. */
export function frontTimeNs(
  { frontNs, frontClientNs, frontMixtureNs, frontOtherNs }: EngineConstants,
  { clients, mixture, direct = true }: FrontOf,
): number {
  return frontNs + frontClientNs * clients + (mixture ? frontMixtureNs : 0) + (direct ? 0 : frontOtherNs);
}

/** What an engine adds to the operators of a device in given formats. */
export function overheadsOn({ overheads, blackwellEight }: EngineConstants, sheet: DeviceSheet, formats: Formats): EngineOverheads {
  if (!isBlackwell(sheet.id)) return overheads;
  const eight = (type: string): number => (type.startsWith("f8") ? blackwellEight : 1);
  return {
    ...overheads,
    computeFactor: overheads.computeFactor * eight(formats.weights),
    expertFactor: overheads.expertFactor * eight(formats.experts ?? formats.weights),
  };
}
