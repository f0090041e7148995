import { err, ok, type Result } from "../../base/result.ts";
import type { Deployment } from "../deployment/deployment.ts";
import { assumedNotes, checkpointNote, scalingMissing } from "./assumed-fields.ts";
import type { EmitOptions, EmitTarget, Emitted, Inexpressible } from "./emit-types.ts";
import { emitCommands } from "./targets/commands.ts";
import { emitDynamo } from "./targets/dynamo.ts";
import { emitKubernetes } from "./targets/kubernetes.ts";
import { emitLlmD } from "./targets/llm-d.ts";

/**
 * Writes a deployment for another system: launch commands of an engine, or manifests.
 *
 * Errors: everything of the deployment that the target has no word for, all at once.
 */
export function emitDeployment(
  target: EmitTarget,
  deployment: Deployment,
  options: EmitOptions,
): Result<Emitted, readonly Inexpressible[]> {
  const { missing: ofTarget, ...emitted } = write(target, deployment, options);
  const missing = [...ofTarget, ...scalingMissing(deployment)];
  if (missing.length > 0) return err(missing);
  return ok({ ...emitted, notes: [...emitted.notes, ...checkpointNote(deployment, options), ...assumedNotes(deployment)] });
}

function write(target: EmitTarget, deployment: Deployment, options: EmitOptions): Emitted & { readonly missing: readonly Inexpressible[] } {
  if (target === "kubernetes") return emitKubernetes(deployment, options);
  if (target === "dynamo") return emitDynamo(deployment, options);
  if (target === "llm-d") return emitLlmD(deployment, options);
  return emitCommands(target, deployment, options);
}
