import type { Deployment, Pool } from "../../deployment/deployment.ts";
import type { EncoderWays } from "../engines/engine-arguments.ts";
import type { EmitEngine } from "../engines/engine-writer.ts";
import { objectName } from "./objects.ts";

/** Addresses of all pods of a role that serve. */
export type PodAddresses = (role: Pool["role"]) => readonly string[];

/** Whether others name each pod of a pool: with encoders apart their readers (SGLang) or the proxy before all (vLLM) do, so pods keep names. */
export function isAddressed({ role, engine }: Pool, { pools }: Deployment): boolean {
  return pools.some((pool) => pool.role === "encode") && (role === "encode" || engine.name === "vllm");
}

/** Addresses of a pool's replicas: pods of a StatefulSet a pool, or the first pod of a StatefulSet a replica. */
export function podUrls(pool: Pool, { several, port }: { readonly several: boolean; readonly port: number }): string[] {
  const name = objectName(pool.name);
  return Array.from({ length: pool.replicas }, (_none, index) =>
    several ? `http://${name}-${index}-0.${name}-${index}:${port}` : `http://${name}-${index}.${name}:${port}`,
  );
}

/** How encoders and those that read what they make find one another. */
export function podEncoders(engine: EmitEngine, { pools }: Deployment, addresses: PodAddresses): { readonly encoders?: EncoderWays } {
  if (!pools.some(({ role }) => role === "encode") || engine === "trtllm") return {};
  return { encoders: engine === "vllm" ? { by: "path", path: SHARED_FOLDER } : { by: "address", urls: addresses("encode") } };
}

const SHARED_FOLDER = "/var/lib/encoder-outputs";
const SHARED_CLAIM = "encoder-outputs";

/** The claim's size and class are the cluster's. */
export const SHARED_CLAIM_NOTE = `the claim ${SHARED_CLAIM} (ReadWriteMany) is yours to make: what is made of images goes over it`;

export function sharedMount({ shares }: { readonly shares: boolean }): object[] {
  return shares ? [{ name: SHARED_CLAIM, mountPath: SHARED_FOLDER }] : [];
}

export function sharedVolume({ shares }: { readonly shares: boolean }): object[] {
  return shares ? [{ name: SHARED_CLAIM, persistentVolumeClaim: { claimName: SHARED_CLAIM } }] : [];
}
