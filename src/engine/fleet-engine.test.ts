// Goal: the fleet engine admits, routes, delivers, resubmits and restarts as it should. Method: scenarios written by hand, event by event.
import { describe, expect, it } from "vitest";
import { keyOf, LINEAR_COST, TEST_POLICY } from "../../test/support/replica-rig.ts";
import { pricedRouting } from "../policy/policies/priced-routing.ts";
import type { RoutingPolicy } from "../policy/routing.ts";
import { createFleetEngine, type FleetEngine } from "./fleet-engine.ts";
import type { FleetCommand, FleetEvent } from "./fleet-engine-types.ts";
import type { FleetConfig } from "./fleet-state.ts";
import type { FromReplica, SubmitMessage } from "./messages.ts";

const CONFIG: FleetConfig = {
  replicas: [
    { maxSequences: 2, stages: 1, contextLimit: 1000 },
    { maxSequences: 2, stages: 1, contextLimit: 1000 },
  ],
  policy: { ...TEST_POLICY, queueLimit: 2 },
  lookAhead: 1,
  restartDelayNs: 100,
  restartWindowNs: 10_000,
  restartsMax: 2,
  attemptsMax: 3,
};

class FleetRig {
  readonly engine: FleetEngine;
  readonly commands: FleetCommand[] = [];
  now = 0;

  constructor(config: Partial<FleetConfig> = {}, routing: RoutingPolicy = pricedRouting) {
    const whole = { ...CONFIG, ...config };
    this.engine = createFleetEngine(whole, { routing, costs: whole.replicas.map(() => LINEAR_COST) });
    this.step({ type: "start" });
  }

  /** All replicas up in their first life. */
  up(): this {
    this.engine.snapshot().replicas.forEach((_, replica) => void this.step({ type: "replica-up", replica, incarnation: 1 }));
    return this;
  }

  step(event: FleetEvent): readonly FleetCommand[] {
    this.now++;
    const commands = this.engine.step(event, this.now);
    this.commands.push(...commands);
    return commands;
  }

  arrive(
    request: number,
    facts: { promptTokens?: number; maxNewTokens?: number; priority?: number; shared?: number } = {},
  ): readonly FleetCommand[] {
    const promptTokens = facts.promptTokens ?? 100;
    const keys = Array.from({ length: Math.floor(promptTokens / 64) }, (_, block) => keyOf(request, block, facts.shared ?? 0));
    return this.step({
      type: "request-arrived",
      request,
      promptTokens,
      maxNewTokens: facts.maxNewTokens ?? 10,
      keys,
      parts: [],
      priority: facts.priority ?? 0,
    });
  }

  say(replica: number, message: FromReplica, incarnation = 1): readonly FleetCommand[] {
    return this.step({ type: "message", replica, incarnation, message });
  }

  lose(replica: number, incarnation = 1): readonly FleetCommand[] {
    return this.step({ type: "replica-down", replica, incarnation, detail: "killed" });
  }
}

function submits(commands: readonly FleetCommand[]): { replica: number; message: SubmitMessage }[] {
  return commands.flatMap((command) =>
    command.type === "send" && command.message.type === "submit" ? [{ replica: command.replica, message: command.message }] : [],
  );
}

const token = (request: number, index: number, attempt = 0): FromReplica => ({ type: "token", request, attempt, index, token: 7 });

describe("admission", () => {
  it("starts every replica and holds requests until one is up", () => {
    const rig = new FleetRig();
    expect(rig.commands).toMatchObject([
      { type: "start-replica", replica: 0, incarnation: 1 },
      { type: "start-replica", replica: 1, incarnation: 1 },
    ]);
    expect(rig.arrive(0)).toEqual([]);
    expect(submits(rig.step({ type: "replica-up", replica: 1, incarnation: 1 }))).toMatchObject([
      { replica: 1, message: { request: 0, attempt: 0 } },
    ]);
  });

  it("fills the replicas and their look-ahead, then the queue, then refuses", () => {
    const rig = new FleetRig().up();
    for (let request = 0; request < 8; request++) rig.arrive(request);
    expect(
      submits(rig.commands)
        .map(({ replica }) => replica)
        .sort(),
    ).toEqual([0, 0, 0, 1, 1, 1]);
    expect(rig.arrive(8)).toEqual([{ type: "reject", request: 8, code: "queue-full" }]);
    const freed = rig.say(0, { type: "finished", request: 0, attempt: 0, reason: "stop", generated: 0 });
    expect(freed).toMatchObject([
      { type: "finish", request: 0 },
      { type: "send", replica: 0 },
    ]);
  });

  it("refuses what no replica can hold, and everything while draining", () => {
    const rig = new FleetRig().up();
    expect(rig.arrive(0, { promptTokens: 995 })).toEqual([{ type: "reject", request: 0, code: "prompt-too-long" }]);
    rig.step({ type: "drain" });
    expect(rig.arrive(1)).toEqual([{ type: "reject", request: 1, code: "draining" }]);
  });

  it("sends higher priority first, and lets nobody overtake on the only replica that fits", () => {
    const replicas = [
      { maxSequences: 1, stages: 1, contextLimit: 200 },
      { maxSequences: 1, stages: 1, contextLimit: 1000 },
    ];
    const rig = new FleetRig({ replicas, lookAhead: 0, policy: { ...TEST_POLICY, queueLimit: 9 } }).up();
    rig.arrive(0, { promptTokens: 500 });
    rig.arrive(1, { promptTokens: 500 });
    rig.arrive(2);
    rig.arrive(3);
    rig.arrive(4, { priority: 1 });
    expect(submits(rig.commands).map(({ replica, message }) => [message.request, replica])).toEqual([
      [0, 1],
      [2, 0],
    ]);
    const next = rig.say(0, { type: "finished", request: 2, attempt: 0, reason: "stop", generated: 0 });
    expect(submits(next)).toMatchObject([{ replica: 0, message: { request: 4 } }]);
    const large = rig.say(1, { type: "finished", request: 0, attempt: 0, reason: "stop", generated: 0 });
    expect(submits(large)).toMatchObject([{ replica: 1, message: { request: 1 } }]);
  });
});

describe("routing", () => {
  it("goes to the state where that is cheaper, also before a report has said so", () => {
    const rig = new FleetRig().up();
    rig.arrive(0, { promptTokens: 600, shared: 9 });
    rig.arrive(1, { promptTokens: 600 });
    expect(submits(rig.commands).map(({ replica }) => replica)).toEqual([0, 1]);
    rig.say(0, { type: "started", request: 0, attempt: 0, cachedTokens: 0 });
    rig.say(0, token(0, 0));
    rig.say(1, { type: "started", request: 1, attempt: 0, cachedTokens: 0 });
    rig.say(1, token(1, 0));
    expect(submits(rig.arrive(2, { promptTokens: 600, shared: 9 }))).toMatchObject([{ replica: 0 }]);
    expect(rig.engine.snapshot().lastRoute?.prices).toHaveLength(2);
  });

  it("forgets what was promised and never sealed, and what was evicted", () => {
    const rig = new FleetRig().up();
    rig.arrive(0, { promptTokens: 600 });
    rig.say(0, { type: "report", running: 1, waiting: 0, freePages: 1, prefillBacklogTokens: 0, sealed: ["a", "b"], evicted: [] });
    rig.say(0, { type: "report", running: 1, waiting: 0, freePages: 1, prefillBacklogTokens: 0, sealed: [], evicted: ["a"] });
    rig.say(0, { type: "finished", request: 0, attempt: 0, reason: "stop", generated: 0 });
    const [first] = rig.engine.snapshot().replicas;
    expect([...first!.believed.keys()]).toEqual(["b"]);
    expect(first!.promised.size).toBe(0);
  });

  it("stops believing a replica whose cache is not what it was said to be", () => {
    const rig = new FleetRig().up();
    for (let request = 0; request < 12; request++) {
      rig.arrive(request, { promptTokens: 900, shared: 14 });
      const replica = submits(rig.commands).at(-1)!.replica;
      rig.say(replica, { type: "started", request, attempt: 0, cachedTokens: 0 });
      rig.say(replica, {
        type: "report",
        running: 0,
        waiting: 0,
        freePages: 1,
        prefillBacklogTokens: 0,
        sealed: Array.from({ length: 14 }, (_, block) => keyOf(0, block, 14)),
        evicted: [],
      });
      rig.say(replica, { type: "finished", request, attempt: 0, reason: "stop", generated: 0 });
    }
    expect(rig.engine.snapshot().prediction.actualTokens).toBe(0);
    expect(new Set(submits(rig.commands).map(({ replica }) => replica)).size).toBe(1);
    const backlog = rig.arrive(20, { promptTokens: 900, shared: 14 });
    rig.say(submits(backlog)[0]!.replica, { type: "started", request: 20, attempt: 0, cachedTokens: 0 });
    expect(submits(rig.arrive(21, { promptTokens: 900, shared: 14 }))[0]!.replica).not.toBe(submits(backlog)[0]!.replica);
  });

  it("survives a policy that fails or names a replica there is not", () => {
    for (const price of [
      () => {
        throw new RangeError("wrong");
      },
      () => [{ replica: 9, totalNs: 0, backlogNs: 0, prefillNs: 0, decodeNs: 0, loadLeftNs: 0 }],
      () => [],
    ]) {
      const rig = new FleetRig({}, { name: "wrong", price }).up();
      for (let request = 0; request < 4; request++) rig.arrive(request);
      expect(submits(rig.commands).map(({ replica }) => replica)).toEqual([0, 1, 0, 1]);
      expect(rig.engine.snapshot().routingFallbacks).toBe(4);
    }
  });
});

describe("delivery", () => {
  it("hands tokens on once and ends with usage", () => {
    const rig = new FleetRig().up();
    rig.arrive(0);
    rig.say(0, { type: "started", request: 0, attempt: 0, cachedTokens: 64 });
    expect(rig.say(0, token(0, 0))).toEqual([{ type: "deliver", request: 0, index: 0, token: 7 }]);
    expect(rig.say(0, { type: "finished", request: 0, attempt: 0, reason: "length", generated: 1 })).toEqual([
      { type: "finish", request: 0, reason: "length", promptTokens: 100, generated: 1, cachedTokens: 64 },
    ]);
    expect(rig.say(0, token(0, 1))).toEqual([]);
  });

  it("cancels at the replica when the client goes or a stop string was found", () => {
    const rig = new FleetRig().up();
    rig.arrive(0);
    rig.arrive(1);
    rig.say(0, token(0, 0));
    expect(rig.step({ type: "request-cancelled", request: 0 })).toMatchObject([
      { type: "send", replica: 0, message: { type: "cancel", request: 0 } },
      { type: "finish", reason: "cancelled", generated: 1 },
    ]);
    rig.say(1, token(1, 0));
    rig.say(1, token(1, 1));
    expect(rig.step({ type: "request-stopped", request: 1, index: 1 })).toMatchObject([
      { type: "send" },
      { type: "finish", reason: "stop", generated: 1 },
    ]);
    expect(rig.step({ type: "request-cancelled", request: 1 })).toEqual([]);
  });

  it("asserts that no token is skipped", () => {
    const rig = new FleetRig().up();
    rig.arrive(0);
    expect(() => rig.say(0, token(0, 1))).toThrow("tokens come in order");
  });
});

describe("the loss of a host", () => {
  it("sends its requests on with what their clients have, and drops its late messages", () => {
    const rig = new FleetRig().up();
    rig.arrive(0);
    rig.say(0, token(0, 0));
    rig.say(0, token(0, 1));
    const commands = rig.lose(0);
    expect(commands[0]).toEqual({ type: "kill-replica", replica: 0, incarnation: 1 });
    expect(commands[1]).toMatchObject({ type: "start-replica", replica: 0, incarnation: 2 });
    expect(submits(commands)).toMatchObject([
      { replica: 1, message: { request: 0, attempt: 1, promptTokens: 102, delivered: 2, maxNewTokens: 8 } },
    ]);
    expect(submits(commands)[0]!.message.keys).toHaveLength(1);
    expect(rig.say(0, token(0, 2))).toEqual([]);
    expect(rig.say(1, token(0, 2))).toEqual([]);
    expect(rig.say(1, token(0, 2, 1))).toMatchObject([{ type: "deliver", index: 2 }]);
    expect(rig.lose(0)).toEqual([]);
  });

  it("ends a request whose last token was delivered before its end was heard of", () => {
    const rig = new FleetRig().up();
    rig.arrive(0, { maxNewTokens: 1 });
    rig.say(0, token(0, 0));
    expect(rig.lose(0)).toContainEqual(expect.objectContaining({ type: "finish", reason: "length", generated: 1 }));
  });

  it("waits longer before each restart, gives a host up that never delivers, and tells who waits", () => {
    const rig = new FleetRig({ replicas: [CONFIG.replicas[0]!] });
    rig.arrive(0);
    const delays: number[] = [];
    for (let incarnation = 1; incarnation <= 3; incarnation++) {
      rig.step({ type: "replica-up", replica: 0, incarnation });
      const before = rig.now + 1;
      for (const command of rig.lose(0, incarnation)) if (command.type === "start-replica") delays.push(command.at - before);
    }
    expect(delays).toEqual([100, 200]);
    expect(rig.commands.at(-1)).toEqual({ type: "reject", request: 0, code: "host-lost" });
    expect(rig.arrive(1)).toEqual([{ type: "reject", request: 1, code: "host-lost" }]);
  });

  it("never gives up hosts that deliver between their losses, nor requests that get on", () => {
    const rig = new FleetRig({ replicas: [CONFIG.replicas[0]!] });
    rig.arrive(0, { maxNewTokens: 50 });
    for (let incarnation = 1; incarnation <= 20; incarnation++) {
      rig.step({ type: "replica-up", replica: 0, incarnation });
      expect(rig.say(0, token(0, incarnation - 1, incarnation - 1), incarnation)).toHaveLength(1);
      expect(rig.lose(0, incarnation)).toContainEqual(expect.objectContaining({ type: "start-replica" }));
    }
  });

  it("gives a request up that fails without getting on", () => {
    const rig = new FleetRig().up();
    rig.arrive(0);
    for (let attempt = 0; attempt < 3; attempt++) {
      rig.say(submits(rig.commands).at(-1)!.replica, { type: "failed", request: 0, attempt, code: "device-failed" });
    }
    expect(rig.commands.at(-1)).toEqual({ type: "reject", request: 0, code: "device-failed" });
  });
});

describe("state", () => {
  it("goes on alike from a snapshot", () => {
    const rig = new FleetRig().up();
    for (let request = 0; request < 7; request++) rig.arrive(request, { shared: request % 2 });
    const twin = createFleetEngine(CONFIG, { routing: pricedRouting, costs: [LINEAR_COST, LINEAR_COST] }, rig.engine.snapshot());
    const event: FleetEvent = { type: "replica-down", replica: 1, incarnation: 1, detail: "" };
    expect(twin.step(event, 99)).toEqual(rig.engine.step(event, 99));
    expect(twin.snapshot()).toEqual(rig.engine.snapshot());
  });
});
