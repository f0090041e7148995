import { setImmediate } from "node:timers/promises";
import { HeddleError } from "../../base/heddle-error.ts";
import { deploymentRuns, type EnsembleOptions, type EnsembleRun } from "../../simulate/deployment/deployment-ensemble.ts";
import type { DeploymentRun } from "../../simulate/deployment/deployment-run.ts";
import type { RunFigures } from "../../simulate/deployment/run-figures.ts";
import { withShareProgress } from "../share-progress.ts";

/** The runs of an ensemble with their progress on stderr: the outcome of the first, the figures of all. Errors: `interrupted`. */
export async function runEnsemble(
  run: DeploymentRun,
  options: EnsembleOptions,
): Promise<{ readonly first: EnsembleRun; readonly figures: readonly RunFigures[] }> {
  return withShareProgress("simulating", async ({ signal, onProgress }) => {
    let first: EnsembleRun | undefined;
    const figures: RunFigures[] = [];
    for (const one of deploymentRuns(run, options)) {
      first ??= one;
      figures.push(one.figures);
      onProgress(figures.length / options.runs, `${figures.length} of ${options.runs} runs`);
      // Lets a signal be heard.
      await setImmediate();
      if (signal.aborted) throw new HeddleError("interrupted", { detail: `after ${figures.length} of ${options.runs} runs` });
    }
    return { first: first!, figures };
  });
}
