import type { PeakType } from "../../rack/peak-type.ts";
import type { CommandName } from "./options/read/read-package.ts";

/** What a deployment can be written for. */
export type EmitTarget = "vllm" | "sglang" | "trtllm" | "kubernetes" | "dynamo" | "llm-d";
export const EMIT_TARGETS: readonly EmitTarget[] = ["vllm", "sglang", "trtllm", "kubernetes", "dynamo", "llm-d"];

/** Something of a deployment that a target has no word for. Nothing is left out instead. */
export interface Inexpressible {
  readonly code: "emit-inexpressible";
  /** Pool, or `deployment`. */
  readonly where: string;
  readonly field: string;
  readonly detail: string;
}

/** What a deployment does not say and a launch needs. */
export interface EmitOptions {
  /** What the engine loads, and the type its weights are stored in; the deployment's model, of unknown type, where absent. */
  readonly checkpoint?: { readonly name?: string; readonly weights?: PeakType; readonly experts?: PeakType };
  /** Devices in a machine; needed where a replica has more than one. */
  readonly devicesPerNode?: number;
  /** How draft tokens are made; needed where a pool speculates. */
  readonly speculation?: "mtp";
  /** Name of the accelerator among Kubernetes' resources, such as `nvidia.com/gpu`. */
  readonly acceleratorResource?: string;
  /** Container image of the engine; the one its project publishes for the version of the option list where absent. */
  readonly image?: string;
  /** Container image of the router; needed where a manifest has one. */
  readonly routerImage?: string;
}

export interface EmittedFile {
  readonly name: string;
  readonly text: string;
}

/** Arguments of one command, to be held against the command's own parser. */
export interface EmittedCommand {
  readonly pool: string;
  readonly command: CommandName;
  /** Arguments without dashes that come first. */
  readonly positional: number;
  readonly args: readonly string[];
}

export interface Emitted {
  readonly target: EmitTarget;
  readonly files: readonly EmittedFile[];
  readonly commands: readonly EmittedCommand[];
  /** Kubernetes objects of the files, to be held against their schema. */
  readonly objects: readonly KubernetesObject[];
  /** Settings whose meaning differs from the deployment's, and facts that no argument sets. */
  readonly notes: readonly string[];
}

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly [field: string]: unknown;
}
