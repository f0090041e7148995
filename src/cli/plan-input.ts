import { HeddleError } from "../base/heddle-error.ts";
import { loadCachedRack } from "../execute/discover/rack-cache.ts";
import { openDecoderModel } from "../execute/model-store/open-model.ts";
import { namingFile } from "../execute/naming-file.ts";
import type { DecoderModel } from "../graph/decoder/model.ts";
import type { Plan } from "../plan/plan.ts";
import { readPlan } from "../plan/plan-file.ts";
import type { Rack } from "../rack/rack.ts";
import { parseTextFile } from "./read-file.ts";
import { readRackFile } from "./read-rack-file.ts";

/** A plan with what it was made of. */
export interface PlanInput {
  readonly plan: Plan;
  readonly rack: Rack;
  readonly model: DecoderModel;
}

/** Reads a plan file, its model and its rack. Errors: `file-unreadable`, `plan-invalid`, `rack-invalid`, those of the model's reader. */
export function openPlan(path: string, rackPath: string | undefined): PlanInput {
  const plan = parseTextFile(path, readPlan);
  const rack = rackOfPlan(plan, rackPath);
  const model = openDecoderModel(plan.model.path);
  namingFile(path, () => readPlan(JSON.stringify(plan), { layers: model.spec.layers }));
  return { plan, rack, model };
}

/** The rack a plan was made for. Errors: `rack-invalid` where it is unknown or another one. */
function rackOfPlan(plan: Plan, path: string | undefined): Rack {
  const rack = path === undefined ? loadCachedRack(plan.rackFingerprint) : readRackFile(path);
  if (rack === undefined) {
    throw new HeddleError("rack-invalid", {
      where: plan.rackFingerprint,
      detail: "the plan's rack is not in the cache; give its file with --rack",
    });
  }
  if (rack.fingerprint === plan.rackFingerprint) return rack;
  throw new HeddleError("rack-invalid", {
    where: path === undefined ? "fingerprint" : `${path}, fingerprint`,
    detail: `${rack.fingerprint}, but the plan was made for ${plan.rackFingerprint}`,
  });
}
