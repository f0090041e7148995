import { HeddleError } from "../base/heddle-error.ts";
import { fieldPath, firstIssue } from "../rack/schema-parts.ts";
import type { Plan } from "./plan.ts";
import { checkPlan, checkPlanLayers, type PlanFault } from "./plan-check.ts";
import { planSchema } from "./plan-schema.ts";

/** Longest plan file read, in characters. */
export const PLAN_TEXT_MAX = 4_194_304;

export interface ReadPlanOptions {
  /** Layers of the model the plan is for, where it is at hand: the stages must cover exactly these. */
  readonly layers?: number;
}

/**
 * Reads a plan file (JSON).
 *
 * Errors: `plan-invalid` naming the field; never anything else, whatever the text.
 */
export function readPlan(text: string, options: ReadPlanOptions = {}): Plan {
  if (text.length > PLAN_TEXT_MAX) throw invalid("the whole file", `${text.length} characters, at most ${PLAN_TEXT_MAX} are read`);
  const checked = planSchema.safeParse(parse(text));
  if (!checked.success) {
    const { path, message } = firstIssue(checked.error);
    throw invalid(fieldPath(path), message);
  }
  const plan: Plan = checked.data;
  const fault = checkPlan(plan) ?? (options.layers === undefined ? undefined : checkPlanLayers(plan, options.layers));
  if (fault !== undefined) throw planFault(fault);
  return plan;
}

/** Writes a plan as JSON; `readPlan` of it gives an equal plan. */
export function writePlan(plan: Plan): string {
  return `${JSON.stringify(plan, null, 2)}\n`;
}

/** A broken relation as the error a user sees. */
export function planFault(fault: PlanFault): HeddleError {
  return invalid(fieldPath(fault.path), fault.message);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw invalid("the text", thrown instanceof Error ? thrown.message : "is not JSON", thrown);
  }
}

function invalid(field: string, problem: string, cause?: unknown): HeddleError {
  return new HeddleError("plan-invalid", { where: field, detail: problem, cause });
}
