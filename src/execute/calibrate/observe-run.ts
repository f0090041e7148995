import type { PricedStepCost } from "../../cost/step-cost-from.ts";
import type { Ledger } from "../../engine/ledger.ts";
import { replayLedger } from "../../engine/replay.ts";
import { engineOfLedger } from "../../engine/replay-engine.ts";
import type { ReplicaCommand, ReplicaEvent } from "../../engine/replica-engine-types.ts";
import { type ObservedStep, watchSteps } from "./watch-steps.ts";

/**
 * What a replica's ledger shows of its iterations: the time of each stage beside what the tables say, and the time an iteration took beyond its
 * stages. The ledger keeps events only, so they are fed to an engine once more to learn the commands.
 */
export function observeRun(ledger: Ledger, cost: PricedStepCost): readonly ObservedStep[] {
  const watch = watchSteps(cost);
  const observed: ObservedStep[] = [];
  replayLedger(ledger, (header, state) => {
    const engine = engineOfLedger(header, state);
    return {
      step: (given, now) => {
        const event = given as ReplicaEvent;
        if (event.type === "task-failed") watch.failed(event.task);
        if (event.type === "task-finished") {
          const step = watch.finished(event.task, event.stageNs, now);
          if (step !== undefined) observed.push(step);
        }
        const commands = engine.step(given, now);
        for (const command of commands as readonly ReplicaCommand[]) {
          if (command.type === "start-task") watch.started(command.task, command.step, now);
        }
        return commands;
      },
    };
  });
  return observed;
}
