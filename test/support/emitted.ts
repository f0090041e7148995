import type { Deployment } from "../../src/plan/deployment/deployment.ts";
import { emitDeployment } from "../../src/plan/emit/emit.ts";
import type { EmitOptions, EmitTarget, Emitted } from "../../src/plan/emit/emit-types.ts";

/** What targets are told beside a deployment, all images named. */
export const EMIT_OPTIONS: EmitOptions = {
  checkpoint: {},
  devicesPerNode: 8,
  acceleratorResource: "nvidia.com/gpu",
  routerImage: "registry.local/router:1",
  image: "registry.local/engine:1",
};

/** What is written for a target. Errors: a `TypeError` where it is refused. */
export function emitted(target: EmitTarget, deployment: Deployment, options: EmitOptions = EMIT_OPTIONS): Emitted {
  const result = emitDeployment(target, deployment, options);
  if (!result.ok) throw new TypeError(JSON.stringify(result.error));
  return result.value;
}

/** What a target cannot express; nothing where it is written. */
export function missing(
  target: EmitTarget,
  deployment: Deployment,
  options: EmitOptions = EMIT_OPTIONS,
): readonly { readonly field: string; readonly detail: string }[] {
  const result = emitDeployment(target, deployment, options);
  return result.ok ? [] : result.error.map(({ field, detail }) => ({ field, detail }));
}
