// Goal: engine and sessions work together as nodes: frames in, frames and outcomes out, silence noticed on both sides. Method: one fleet node and one
// replica node in the same time, frames carried by hand, tasks ended by hand.
import { describe, expect, it } from "vitest";
import { LINEAR_COST, runOf, TEST_POLICY, TEST_REPLICA } from "../../test/support/replica-rig.ts";
import { createFleetEngine } from "../engine/fleet-engine.ts";
import type { FleetEvent } from "../engine/fleet-engine-types.ts";
import { createReplicaEngine } from "../engine/replica-engine.ts";
import type { StepTask, TaskId } from "../engine/replica-engine-types.ts";
import { chunkedPrefill } from "../policy/policies/chunked-prefill.ts";
import { pricedRouting } from "../policy/policies/priced-routing.ts";
import { createFleetNode, type FleetNode } from "./fleet-node.ts";
import type { FleetNodeOutput, ReplicaNodeOutput } from "./node-types.ts";
import { createReplicaNode, type ReplicaNode } from "./replica-node.ts";
import type { SessionTiming } from "./session.ts";

const TIMING: SessionTiming = { ackDelayNs: 10, retransmitNs: 100, heartbeatNs: 200, timeoutNs: 1000 };

class Rack {
  readonly fleet: FleetNode;
  readonly seen: FleetEvent[] = [];
  readonly outcomes: FleetNodeOutput[] = [];
  readonly tasks: { readonly task: TaskId; readonly step: StepTask }[] = [];
  replica: ReplicaNode | undefined;
  incarnation = 0;
  orphaned = false;
  now = 0;
  /** Frames are dropped while set. */
  cut = false;
  #fleetWake = Number.MAX_SAFE_INTEGER;
  #replicaWake = Number.MAX_SAFE_INTEGER;

  constructor(timing = TIMING) {
    const config = {
      replicas: [{ maxSequences: 4, stages: 1 }],
      policy: TEST_POLICY,
      lookAhead: 1,
      restartDelayNs: 50,
      restartWindowNs: 1e9,
      restartsMax: 3,
      attemptsMax: 3,
    };
    const engine = createFleetEngine(config, { routing: pricedRouting, costs: [LINEAR_COST] });
    this.fleet = createFleetNode(engine, { timing, observer: (event) => this.seen.push(event) });
    this.event({ type: "start" });
  }

  event(event: Exclude<FleetEvent, { type: "message" }>): void {
    this.#fromFleet(this.fleet.handle({ type: "event", event }, this.now));
  }

  arrive(request: number): void {
    this.event({ type: "request-arrived", request, promptTokens: 60, maxNewTokens: 3, keys: [], parts: [], priority: 0 });
  }

  /** The host that was last ordered comes up. */
  bringUp(): void {
    const engine = createReplicaEngine(TEST_REPLICA, { batching: chunkedPrefill, cost: LINEAR_COST });
    this.replica = createReplicaNode(engine, { incarnation: this.incarnation, timing: TIMING }, this.now);
    this.#replicaWake = this.now;
    this.event({ type: "replica-up", replica: 0, incarnation: this.incarnation });
  }

  finishTask(): void {
    const { task, step } = this.tasks.shift()!;
    const samples = step.rows.filter((row) => row.sample).map(() => ({ token: 1, stop: false }));
    const sealedKeys = step.seals.map(({ block, tokens }) => runOf(0, block, tokens));
    const event = { type: "task-finished", task, stageNs: [1], samples, sealedKeys } as const;
    this.#fromReplica(this.replica!.handle({ type: "event", event }, this.now));
  }

  /** Lets time pass to `until`, waking the nodes when they asked to be. */
  pass(until: number): void {
    for (;;) {
      const next = Math.min(this.#fleetWake, this.replica === undefined ? Number.MAX_SAFE_INTEGER : this.#replicaWake);
      if (next > until) break;
      this.now = Math.max(this.now, next);
      if (this.#fleetWake <= this.now) {
        this.#fleetWake = Number.MAX_SAFE_INTEGER;
        this.#fromFleet(this.fleet.handle({ type: "tick" }, this.now));
      } else {
        this.#replicaWake = Number.MAX_SAFE_INTEGER;
        this.#fromReplica(this.replica!.handle({ type: "tick" }, this.now));
      }
    }
    this.now = until;
  }

  types(): string[] {
    return this.outcomes.map((outcome) => outcome.type);
  }

  #fromFleet(outputs: readonly FleetNodeOutput[]): void {
    for (const output of outputs) {
      if (output.type === "wake") this.#fleetWake = output.at;
      else if (output.type === "frame") {
        if (!this.cut && this.replica !== undefined)
          this.#fromReplica(this.replica.handle({ type: "frame", frame: output.frame }, this.now));
      } else {
        if (output.type === "start-replica") this.incarnation = output.incarnation;
        this.outcomes.push(output);
      }
    }
  }

  #fromReplica(outputs: readonly ReplicaNodeOutput[]): void {
    for (const output of outputs) {
      if (output.type === "wake") this.#replicaWake = output.at;
      else if (output.type === "start-task") this.tasks.push(output);
      else if (output.type === "orphaned") {
        this.orphaned = true;
        this.#replicaWake = Number.MAX_SAFE_INTEGER;
      } else if (!this.cut) this.#fromFleet(this.fleet.handle({ type: "frame", replica: 0, frame: output.frame }, this.now));
    }
  }
}

describe("nodes", () => {
  it("carry a request through to its end", () => {
    const rack = new Rack();
    rack.arrive(0);
    rack.bringUp();
    while (rack.tasks.length > 0) rack.finishTask();
    expect(rack.types()).toEqual(["start-replica", "deliver", "deliver", "deliver", "finish"]);
    expect(rack.seen.map((event) => event.type)).toContain("message");
  });

  it("stay in touch when idle", () => {
    const rack = new Rack();
    rack.bringUp();
    rack.pass(10_000);
    expect(rack.types()).toEqual(["start-replica"]);
    expect(rack.orphaned).toBe(false);
  });

  it("repeat what was lost", () => {
    const rack = new Rack();
    rack.bringUp();
    rack.cut = true;
    rack.arrive(0);
    expect(rack.tasks).toHaveLength(0);
    rack.cut = false;
    rack.pass(250);
    expect(rack.tasks).toHaveLength(1);
  });

  it("notice silence on both sides; a new life takes the work over and the old one is not listened to", () => {
    const rack = new Rack();
    rack.arrive(0);
    rack.bringUp();
    rack.finishTask();
    const old = rack.replica!;
    rack.cut = true;
    rack.pass(2_000);
    expect(rack.orphaned).toBe(true);
    expect(rack.outcomes.slice(2)).toMatchObject([
      { type: "kill-replica", incarnation: 1 },
      { type: "start-replica", incarnation: 2 },
    ]);
    rack.cut = false;
    rack.tasks.length = 0;
    rack.bringUp();
    const late = old.handle(
      { type: "event", event: { type: "task-finished", task: 1, stageNs: [1], samples: [{ token: 9, stop: false }], sealedKeys: [] } },
      rack.now,
    );
    for (const output of late) if (output.type === "frame") rack.fleet.handle({ type: "frame", replica: 0, frame: output.frame }, rack.now);
    while (rack.tasks.length > 0) rack.finishTask();
    expect(rack.outcomes.filter((outcome) => outcome.type === "deliver")).toMatchObject([
      { index: 0 },
      { index: 1, token: 1 },
      { index: 2, token: 1 },
    ]);
    expect(rack.types().at(-1)).toBe("finish");
  });

  it("give up waiting for a host that does not come up, and order another", () => {
    const rack = new Rack({ ...TIMING, startNs: 5_000 });
    rack.pass(4_999);
    expect(rack.types()).toEqual(["start-replica"]);
    rack.pass(5_000);
    expect(rack.outcomes.slice(1)).toMatchObject([
      { type: "kill-replica", incarnation: 1 },
      { type: "start-replica", incarnation: 2 },
    ]);
    rack.bringUp();
    rack.pass(20_000);
    expect(rack.incarnation).toBe(2);
  });

  it("do not listen to a host that comes up late, when another was started", () => {
    const rack = new Rack();
    rack.event({ type: "replica-down", replica: 0, incarnation: 1, detail: "never came" });
    rack.event({ type: "replica-up", replica: 0, incarnation: 1 });
    rack.arrive(0);
    rack.bringUp();
    expect(rack.incarnation).toBe(2);
    expect(rack.tasks).toHaveLength(1);
  });
});
