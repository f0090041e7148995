import { HeddleError } from "../base/heddle-error.ts";
import type { SimulateDeploymentOptions } from "./deployment/simulate-deployment.ts";
import { optionText } from "./given-options.ts";
import { readTextFile } from "./read-file.ts";

interface SimulateOptions extends SimulateDeploymentOptions {
  readonly rack?: string;
}

/** Options that only a deployment takes. */
const OF_DEPLOYMENTS = [
  "slo",
  "scale",
  "lengths",
  "tokenizer",
  "adapters",
  "images",
  "operators",
  "measureAt",
  "timeline",
  "html",
] as const;

export async function simulate(path: string, options: SimulateOptions): Promise<void> {
  if (!isPlan(readTextFile(path))) {
    if (options.rack !== undefined)
      throw new HeddleError("usage", { where: "--rack", detail: "goes with a plan; a deployment names its devices" });
    const { simulateDeployment } = await import("./deployment/simulate-deployment.ts");
    return simulateDeployment(path, options);
  }
  for (const option of OF_DEPLOYMENTS) {
    if (options[option] !== undefined)
      throw new HeddleError("usage", { where: optionText(option), detail: "goes with a deployment; this is a plan" });
  }
  const { simulatePlan } = await import("./simulate-plan.ts");
  await simulatePlan(path, options);
}

/** Whether a file is a plan: JSON with the field that every plan has and no deployment knows. */
function isPlan(text: string): boolean {
  return text.trimStart().startsWith("{") && text.includes('"rackFingerprint"');
}
