import { NONE, type Task } from "./dataflow-state.ts";
import { type Flow, valueBy } from "./flow.ts";

/** Steps a submission may spend on ranks of tasks submitted before: keeps its cost flat. */
const STEPS_MAX = 64;

/**
 * Upward ranks: a task's own time and the longest path of what is known to depend on it. Exact within a batch, whose reverse order is a reverse
 * topological one; towards older tasks as far as a bounded number of steps goes.
 */
export function raiseRanks(flow: Flow, batch: readonly Task[]): void {
  const older: Task[] = [];
  const oldest = batch[0]?.order ?? 0;
  for (let i = batch.length - 1; i >= 0; i--) raiseProducers(flow, batch[i]!, { older, oldest });
  for (let steps = 0; steps < STEPS_MAX && steps < older.length; steps++) {
    raiseProducers(flow, older[steps]!, { older, oldest: Infinity });
  }
}

function raiseProducers(flow: Flow, task: Task, into: { readonly older: Task[]; readonly oldest: number }): void {
  for (const { input } of task.uses) {
    if (input === NONE) continue;
    const { made, producer } = valueBy(flow, input);
    if (made || producer === NONE) continue;
    const before = flow.state.tasks.get(producer);
    if (before === undefined || before.ownNs + task.rankNs <= before.rankNs) continue;
    before.rankNs = before.ownNs + task.rankNs;
    if (before.order < into.oldest) into.older.push(before);
  }
}
