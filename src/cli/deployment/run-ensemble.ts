import { deploymentRuns, type EnsembleOptions, type EnsembleRun } from "../../simulate/deployment/deployment-ensemble.ts";
import type { DeploymentRun } from "../../simulate/deployment/deployment-run.ts";
import type { RunFigures } from "../../simulate/deployment/run-figures.ts";
import { withShownProgress } from "../share-progress.ts";

/** The runs of an ensemble with their progress on stderr: the outcome of the first, the figures of all. */
export async function runEnsemble(
  run: DeploymentRun,
  options: EnsembleOptions,
): Promise<{ readonly first: EnsembleRun; readonly figures: readonly RunFigures[] }> {
  return withShownProgress("simulating", async (onProgress) => {
    let first: EnsembleRun | undefined;
    const figures: RunFigures[] = [];
    for (const one of deploymentRuns(run, options)) {
      first ??= one;
      figures.push(one.figures);
      onProgress(figures.length / options.runs, `${figures.length} of ${options.runs} runs`);
    }
    return { first: first!, figures };
  });
}
