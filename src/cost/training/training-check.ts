import { HeddleError } from "../../base/heddle-error.ts";
import { microBatches, type TrainingRun } from "./training-run.ts";

/** Refuses runs that cannot be cut as written. Errors: `training-invalid` naming the field. */
export function checkTraining(run: TrainingRun): void {
  const { model, parallel } = run;
  const whole: readonly [string, number][] = [
    ["model.layers", model.layers],
    ["model.width", model.width],
    ["model.heads", model.heads],
    ["model.kvHeads", model.kvHeads],
    ["model.headDim", model.headDim],
    ["model.inner", model.inner],
    ["model.vocabulary", model.vocabulary],
    ["sequence", run.sequence],
    ["microBatch", run.microBatch],
    ["globalBatch", run.globalBatch],
    ["parallel.tensor", parallel.tensor],
    ["parallel.pipeline", parallel.pipeline],
    ["parallel.interleave", parallel.interleave],
    ["parallel.data", parallel.data],
    ["parallel.context", parallel.context],
    ["parallel.expert", parallel.expert],
  ];
  for (const [field, value] of whole)
    if (!(Number.isInteger(value) && value >= 1)) fail(field, `is ${value}, must be a whole number from 1`);
  const stages = parallel.pipeline * parallel.interleave;
  need(model.layers % stages === 0, "parallel.pipeline", `${model.layers} layers cannot be cut in ${stages} equal parts`);
  need(parallel.interleave === 1 || parallel.pipeline > 1, "parallel.interleave", "needs more than one stage");
  need(model.heads % parallel.tensor === 0, "parallel.tensor", `${model.heads} heads cannot be divided by ${parallel.tensor}`);
  need(
    model.kvHeads % parallel.tensor === 0 || parallel.tensor % model.kvHeads === 0,
    "parallel.tensor",
    `${model.kvHeads} key heads and ${parallel.tensor} ranks do not divide one another`,
  );
  need(model.heads % model.kvHeads === 0, "model.kvHeads", `${model.heads} heads are no multiple of ${model.kvHeads}`);
  need(run.sequence % parallel.context === 0, "parallel.context", `${run.sequence} tokens cannot be divided by ${parallel.context}`);
  need(Number.isInteger(microBatches(run)), "globalBatch", `${run.globalBatch} is no multiple of microBatch x data`);
  need(
    parallel.interleave === 1 || microBatches(run) % parallel.pipeline === 0,
    "parallel.interleave",
    `the interleaved schedule needs micro-batches (${microBatches(run)}) that are a multiple of the stages (${parallel.pipeline})`,
  );
  need(!parallel.sequence || parallel.tensor > 1, "parallel.sequence", "divides over tensor-parallel ranks, of which there is one");
  need(
    run.zero < 2 || parallel.pipeline === 1,
    "zero",
    "gradients or weights divided over data-parallel ranks with a pipeline are not modelled",
  );
  checkExperts(run);
}

function checkExperts({ model, parallel }: TrainingRun): void {
  if (model.experts === undefined) {
    need(parallel.expert === 1, "parallel.expert", "the model has no experts");
    return;
  }
  const { count, active, inner } = model.experts;
  for (const [field, value] of [
    ["count", count],
    ["active", active],
    ["inner", inner],
  ] as const)
    need(Number.isInteger(value) && value >= 1, `model.experts.${field}`, `is ${value}, must be a whole number from 1`);
  need(active <= count, "model.experts.active", `${active} of ${count} experts`);
  need(count % parallel.expert === 0, "parallel.expert", `${count} experts cannot be divided by ${parallel.expert}`);
  const ranks = parallel.tensor * parallel.context * parallel.data;
  need(ranks % parallel.expert === 0, "parallel.expert", `${parallel.expert} does not divide the ${ranks} ranks of a stage`);
}

function need(holds: boolean, field: string, problem: string): void {
  if (!holds) fail(field, problem);
}

function fail(field: string, problem: string): never {
  throw new HeddleError("training-invalid", { where: field, detail: problem });
}
