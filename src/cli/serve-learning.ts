import { setTimeout as after } from "node:timers/promises";
import { must } from "../base/assert.ts";
import { toHeddleError } from "../base/heddle-error.ts";
import type { SpeedReading } from "../cost/speed-now.ts";
import type { ObservedRun } from "../execute/calibrate/calibration-store.ts";
import { withNeighbours } from "./live-observation.ts";
import { note } from "./output.ts";
import type { PlanInput } from "./plan-input.ts";
import type { ServingStack } from "./serving-stack.ts";
import { readProbe } from "./speed-now.ts";
import { learnFrom } from "./verify-run.ts";

/** Steps of a replica that make a lesson: fewer are kept until there are as many. A run of 20 s of `heddle verify` has some hundreds. */
const LESSON_STEPS = 200;
/** How often hosts are asked. Runs kept of a plan are few, so lessons stay some minutes of work. Units: ms. */
const ROUND_MS = 60_000;

/** Learns from what a fleet does while it serves, as `heddle verify` does from its runs. */
export interface ServeLearning {
  /** Asks the hosts once: status gets the speed, and replicas with enough steps a lesson. Errors: `file-unwritable`. */
  round(): Promise<void>;
  /** One last round, and no more. What cannot be written is said and left. */
  stop(): Promise<void>;
  readonly lessons: number;
}

/** `learn`: whether lessons are kept for later predictions; speeds are shown either way. */
export function startLearning(stack: ServingStack, input: PlanInput, { learn }: { readonly learn: boolean }): ServeLearning {
  const pending: ObservedRun[] = stack.plan.replicas.map(() => ({ stages: [], overheads: [] }));
  const ending = new AbortController();
  let lessons = 0;
  const round = async (): Promise<void> => {
    const seen = withNeighbours(await stack.fleet.observe(), input);
    const endedAtMs = Date.now();
    const due = seen.map((run, replica): ObservedRun => {
      const before = must(pending[replica], "a replica of the plan");
      const both = { stages: [...before.stages, ...run.stages], overheads: [...before.overheads, ...run.overheads] };
      const speed = speedOf(stack, input, replica, run);
      if (speed !== undefined) must(stack.fleet.status[replica], "a replica of the plan").speed = speed;
      const enough = both.stages.length >= LESSON_STEPS * must(stack.plan.replicas[replica], "a replica").stages.length;
      pending[replica] = enough ? { stages: [], overheads: [] } : both;
      return enough ? { ...both, endedAtMs } : { stages: [], overheads: [] };
    });
    const taught = due.filter(({ stages }) => stages.length > 0).length;
    if (!learn || taught === 0) return;
    await learnFrom(input, due);
    lessons += taught;
  };
  const told = async (): Promise<void> => {
    try {
      await round();
    } catch (thrown) {
      // Whatever went wrong, requests are still served.
      const { message, code } = toHeddleError(thrown);
      note(`what serving showed could not be kept: ${message} [${code}]`);
    }
  };
  const rounds = everyRound(told, ending.signal);
  return {
    round,
    get lessons() {
      return lessons;
    },
    stop: async () => {
      ending.abort();
      await rounds;
      await told();
      const text = learnedText(stack, lessons);
      if (text !== undefined) note(text);
    },
  };
}

async function everyRound(round: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await after(ROUND_MS, undefined, { signal, ref: false });
    } catch {
      return;
    }
    await round();
  }
}

/** Steps of one replica over what its cost model says of them and of what worked beside them. */
function speedOf({ costs }: ServingStack, input: PlanInput, replica: number, run: ObservedRun): SpeedReading | undefined {
  const alone = input.plan.replicas.map((_one, other) => (other === replica ? run : { stages: [], overheads: [] }));
  return readProbe({ ...input, costs }, alone);
}

/** What serving showed, for people; `undefined` where nothing ran. */
export function learnedText({ fleet }: Pick<ServingStack, "fleet">, lessons: number): string | undefined {
  const shown = fleet.status.flatMap(({ speed }, replica) => {
    if (speed === undefined) return [];
    const phases = (["decode", "prefill"] as const).flatMap((phase) =>
      speed[phase] === undefined ? [] : [`${phase} ${times(speed[phase])}`],
    );
    return [`replica ${replica} ${times(speed.timeRatio)}${phases.length === 0 ? "" : ` (${phases.join(", ")})`}`];
  });
  if (shown.length === 0) return undefined;
  const kept =
    lessons === 0
      ? ""
      : `; ${lessons} lesson${lessons === 1 ? "" : "s"} kept: the next prediction of this plan uses ${lessons === 1 ? "it" : "them"}`;
  return `steps took, against what was predicted, lately: ${shown.join(", ")}${kept}`;
}

function times(ratio: number): string {
  return `x ${ratio.toFixed(2)}`;
}

/** What predictions of a stack rest on. */
export function predictedText({ costs }: Pick<ServingStack, "costs">): string {
  const first = costs[0]?.correction;
  if (first === undefined) return "predictions rest on calibration alone; what serving shows corrects later ones";
  const { runs, decodeFactor, prefillFactor, systematic } = first;
  const factors = `decode ${times(decodeFactor)}, prefill ${times(prefillFactor)}`;
  return `predictions rest on calibration, corrected by ${runs} live run${runs === 1 ? "" : "s"}: ${factors}, ±${(systematic * 100).toFixed(0)} %`;
}
