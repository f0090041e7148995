import { must } from "../../base/assert.ts";
import { HeddleError, toHeddleError } from "../../base/heddle-error.ts";
import { type PricedStepCost, stepCostFrom } from "../../cost/step-cost-from.ts";
import { createLedgerWriter } from "../../engine/ledger-writer.ts";
import { createReplicaEngine, type ReplicaEngine } from "../../engine/replica-engine.ts";
import { replicaConfigOf, sessionTimingOf } from "../../fleet/plan-config.ts";
import { createReplicaNode, type ReplicaNode } from "../../fleet/replica-node.ts";
import { chunkedPrefill } from "../../policy/policies/chunked-prefill.ts";
import { version } from "../../version.ts";
import { type LedgerFile, openLedgerFile } from "../ledger-files/ledger-file.ts";
import { createWallClock } from "../wall-clock.ts";
import type { FromHost, HostStart, ToHost } from "./host-protocol.ts";
import { numericsLabel } from "./numerics-label.ts";
import { createRecentSteps } from "./recent-steps.ts";
import { createReplicaExecutor, type ReplicaExecutor } from "./replica-executor.ts";
import { startStageWorkers } from "./stage-workers.ts";
import { createTaskBook } from "./task-book.ts";

/** Entry of the process that hosts one replica: its engine here, one worker thread a stage. It ends with its parent. */
let executor: ReplicaExecutor | undefined;
let ledger: LedgerFile | undefined;
let observe = (): void => undefined;

process.on("message", (message: ToHost) => {
  if (message.type === "start") begin(message.start).catch(fail);
  else if (message.type === "frame") executor?.frame(message.frame, message.work);
  else if (message.type === "observe") observe();
  else end();
});
process.on("disconnect", end);
process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);
// A terminal signals the whole group; the front end decides when its hosts end.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);

async function begin(start: HostStart): Promise<void> {
  const { plan, replica } = start;
  const facts = must(plan.replicas[replica], "a replica of the plan");
  const stages = await startStageWorkers(plan, replica, { onDone: (done) => executor?.done(done), onFailure: fail });
  const label = numericsLabel(plan, facts);
  const book = createTaskBook({ model: plan.model.fingerprint, label, stopIds: stages.stopIds });
  const clock = createWallClock();
  const cost = pricedCost(start);
  const node = makeNode(start, cost, clock.now());
  const recent = createRecentSteps(cost);
  observe = () => post({ type: "observed", now: clock.now(), steps: recent.take() });
  executor = createReplicaExecutor({ node, clock, book, stages, stageCount: facts.stages.length, recent, post, orphaned: end });
  post({ type: "ready" });
  executor.tick();
}

function pricedCost(start: HostStart): PricedStepCost {
  const cost = stepCostFrom(start.cost);
  if (!cost.ok) throw new HeddleError("plan-invalid", { where: cost.error.device, detail: `no calibration of its ${cost.error.missing}` });
  return cost.value;
}

function makeNode(start: HostStart, cost: PricedStepCost, now: number): ReplicaNode {
  const { plan, replica, incarnation } = start;
  const config = replicaConfigOf(plan, replica);
  const engine = createReplicaEngine(config, { batching: chunkedPrefill, cost });
  const timing = sessionTimingOf(plan.policy);
  const options = { incarnation, timing };
  if (start.ledger === undefined) return createReplicaNode(engine, options, now);
  return createReplicaNode(engine, { ...options, observer: ledgerOf(start, start.ledger, { engine, config }) }, now);
}

function ledgerOf(
  start: HostStart,
  place: NonNullable<HostStart["ledger"]>,
  made: { readonly engine: ReplicaEngine; readonly config: ReturnType<typeof replicaConfigOf> },
): ReturnType<typeof createLedgerWriter>["record"] {
  const { plan, replica, incarnation, cost } = start;
  ledger = openLedgerFile(place.folder, `replica-${replica}-${incarnation}`, {
    onLost: ({ where, detail }) => post({ type: "ledger-lost", where, detail }),
  });
  const identity = {
    heddle: version,
    node: { type: "replica", replica, incarnation, config: made.config, policy: chunkedPrefill.name },
    plan,
    costs: [cost],
    tokens: place.tokens,
  } as const;
  return createLedgerWriter(ledger, identity, { snapshot: () => made.engine.snapshot() }).record;
}

function post(message: FromHost): void {
  if (process.connected) process.send?.(message);
}

/** What its lanes hold is unknown after a failure, so the whole process goes; the fleet starts another. */
function fail(thrown: unknown): void {
  const { code, where, detail, message } = toHeddleError(thrown);
  const last: FromHost = { type: "fatal", code, where, detail: detail ?? message };
  if (process.connected && process.send !== undefined) process.send(last, end);
  else end();
}

/** Ends at once. An orderly exit would stop worker threads, and a native run that is stopped so aborts the process with a core dump. */
function end(): void {
  ledger?.flush();
  process.kill(process.pid, "SIGKILL");
}
