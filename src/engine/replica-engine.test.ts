// Goal: the replica engine keeps its promises in scenarios written by hand. Method: an executor without tensors (test/support/replica-rig.ts) that
// knows what every lane and slot holds and checks each task against it.
import { describe, expect, it } from "vitest";
import { ReplicaRig, submission, TEST_POLICY, tokenOf } from "../../test/support/replica-rig.ts";
import { createReplicaEngine } from "./replica-engine.ts";

const expected = (request: number, count: number): number[] => Array.from({ length: count }, (_, index) => tokenOf(request, index));

describe("a request alone", () => {
  it("is prefilled in chunks, decoded one token a step, and ends with its length", () => {
    const rig = new ReplicaRig();
    rig.submit(1, { promptTokens: 300, maxNewTokens: 3 });
    rig.drain();
    const rows = rig.started.flatMap(({ step }) => step.rows.map(({ phase, start, count, sample }) => [phase, start, count, sample]));
    expect(rows).toEqual([
      ["prefill", 0, 128, false],
      ["prefill", 128, 128, false],
      ["prefill", 256, 44, true],
      ["decode", 300, 1, true],
      ["decode", 301, 1, true],
    ]);
    expect(rig.tokens(1)).toEqual(expected(1, 3));
    expect(rig.ends(1)).toEqual([{ type: "finished", request: 1, attempt: 0, reason: "length", generated: 3 }]);
    expect(rig.started.at(-1)?.step).toEqual({ closes: [0], opens: [], rows: [], seals: [] });
  });

  it("ends at a stop token without delivering it", () => {
    const rig = new ReplicaRig();
    rig.stopAfter.set(1, 2);
    rig.submit(1, { promptTokens: 10, maxNewTokens: 9 });
    rig.drain();
    expect(rig.tokens(1)).toEqual(expected(1, 2));
    expect(rig.ends(1)).toMatchObject([{ type: "finished", reason: "stop", generated: 2 }]);
  });

  it("goes on at the index of an earlier attempt", () => {
    const rig = new ReplicaRig();
    rig.submit(1, { promptTokens: 20, delivered: 5, maxNewTokens: 2, attempt: 3 });
    rig.drain();
    expect(rig.sent.filter((message) => message.type === "token")).toMatchObject([
      { index: 5, attempt: 3 },
      { index: 6, attempt: 3 },
    ]);
    expect(rig.ends(1)).toMatchObject([{ generated: 7 }]);
  });

  it("is refused where prompt and output do not fit", () => {
    const rig = new ReplicaRig({ contextLimit: 100 });
    rig.submit(1, { promptTokens: 97, maxNewTokens: 4 });
    expect(rig.ends(1)).toEqual([{ type: "failed", request: 1, attempt: 0, code: "prompt-too-long" }]);
    rig.submit(2, { promptTokens: 96, maxNewTokens: 4 });
    rig.drain();
    expect(rig.tokens(2)).toHaveLength(4);
  });
});

describe("prefix reuse", () => {
  it("gathers what an equal prefix sealed and says how many tokens that saved", () => {
    const rig = new ReplicaRig({}, { shared: 4 });
    rig.submit(1, { promptTokens: 300, maxNewTokens: 1 });
    rig.drain();
    rig.submit(2, { promptTokens: 290, maxNewTokens: 1 });
    rig.drain();
    expect(rig.cachedTokens(1)).toBe(0);
    expect(rig.cachedTokens(2)).toBe(256);
  });

  it("leaves at least one token to compute", () => {
    const rig = new ReplicaRig({}, { shared: 4 });
    rig.submit(1, { promptTokens: 256, maxNewTokens: 1 });
    rig.drain();
    rig.submit(2, { promptTokens: 256, maxNewTokens: 1 });
    rig.drain();
    expect(rig.cachedTokens(2)).toBe(248);
  });

  it("seals nothing without a prefix cache", () => {
    const rig = new ReplicaRig({ policy: { ...TEST_POLICY, prefixCache: false } }, { shared: 4 });
    rig.submit(1, { promptTokens: 300 });
    rig.drain();
    expect(rig.started.every(({ step }) => step.seals.length === 0)).toBe(true);
  });

  it("keeps blocks of decode steps only where their key can be asked for", () => {
    for (const sealDecoded of [false, true]) {
      const rig = new ReplicaRig({ sealDecoded });
      rig.submit(1, { promptTokens: 70, maxNewTokens: 130 });
      rig.drain();
      expect(rig.started.flatMap(({ step }) => step.seals)).toHaveLength(sealDecoded ? 3 : 1);
    }
  });

  it("keeps the beginning of a sequence that is longer than the store", () => {
    const rig = new ReplicaRig({ sealedSlots: 2 });
    rig.submit(1, { promptTokens: 400, maxNewTokens: 1 });
    rig.drain();
    rig.submit(1, { promptTokens: 400, maxNewTokens: 1, attempt: 1 });
    rig.drain();
    expect(rig.sent.filter((message) => message.type === "started")).toMatchObject([{ cachedTokens: 0 }, { cachedTokens: 128 }]);
  });

  it("takes the executor's word for a block's key and counts where the request said otherwise", () => {
    const rig = new ReplicaRig();
    const RUN = [...Array.from({ length: 7 }, (_, part) => `part ${part}`), "made"];
    const submit = (request: number, key: string) => {
      const message = submission(request, { promptTokens: 70, maxNewTokens: 1, keys: [key] });
      return rig.engine.step({ type: "message", message }, 0);
    };
    submit(1, "asked for");
    rig.engine.step({ type: "task-finished", task: 0, stageNs: [1], samples: [], sealedKeys: [RUN] }, 1);
    expect(rig.engine.snapshot().counts.keyMismatches).toBe(1);
    rig.engine.step({ type: "task-finished", task: 1, stageNs: [1], samples: [{ token: 1, stop: false }], sealedKeys: [] }, 2);
    rig.engine.step({ type: "task-finished", task: 2, stageNs: [1], samples: [], sealedKeys: [] }, 2);
    expect(submit(2, "asked for")).toContainEqual({ type: "send", message: { type: "started", request: 2, attempt: 0, cachedTokens: 0 } });
    expect(submit(3, "made")).toEqual([]);
    const ended = rig.engine.step({ type: "task-finished", task: 3, stageNs: [1], samples: [], sealedKeys: [RUN] }, 3);
    expect(ended).toContainEqual({ type: "send", message: { type: "started", request: 3, attempt: 0, cachedTokens: 64 } });
  });

  it("drops what two requests sealed at once", () => {
    const rig = new ReplicaRig({}, { shared: 4 });
    rig.submit(1, { promptTokens: 64, maxNewTokens: 2 });
    rig.submit(2, { promptTokens: 64, maxNewTokens: 2 });
    rig.drain();
    expect(rig.engine.snapshot().slots.evictable.size).toBe(1);
  });

  it("goes on inside a block, by eights, where prompts end or part ways there", () => {
    const rig = new ReplicaRig({}, { shared: 9 + 3 / 8 });
    rig.submit(1, { promptTokens: 632 });
    rig.drain();
    rig.submit(2, { promptTokens: 640 });
    rig.drain();
    rig.submit(3, { promptTokens: 606 });
    rig.drain();
    rig.submit(4, { promptTokens: 600 });
    rig.drain();
    expect([1, 2, 3, 4].map((request) => rig.cachedTokens(request))).toEqual([0, 600, 600, 592]);
    expect(rig.started.flatMap(({ step }) => step.seals).map(({ block, tokens }) => `${block}: ${tokens}`)).toEqual([
      ...Array.from({ length: 9 }, (_, block) => `${block}: 64`),
      "9: 56",
      "9: 64",
    ]);
  });

  it("keeps no incomplete block beside the longer one that continues it", () => {
    const rig = new ReplicaRig({}, { shared: 4 });
    for (const [request, promptTokens] of [72, 90, 130].entries()) {
      rig.submit(request, { promptTokens, maxNewTokens: 1 });
      rig.drain();
      const { slots } = rig.engine.snapshot();
      expect(slots.keys.filter((keys) => keys !== undefined).map((keys) => keys.length)).toEqual(
        promptTokens === 130 ? [8, 8] : [8, (promptTokens - 66) >> 3 || 1],
      );
    }
  });

  it("keeps incomplete blocks only as far as prefill made them, where decode steps have numerics of their own", () => {
    const rig = new ReplicaRig({ sealDecoded: false });
    rig.submit(1, { promptTokens: 40, maxNewTokens: 60 });
    rig.drain();
    expect(rig.started.flatMap(({ step }) => step.seals)).toMatchObject([{ block: 0, tokens: 40 }]);
  });
});

describe("several requests", () => {
  it("decodes all streams together and admits while they run", () => {
    const rig = new ReplicaRig();
    for (let request = 1; request <= 3; request++) rig.submit(request, { promptTokens: 40, maxNewTokens: 20 });
    rig.drain();
    expect(Math.max(...rig.started.map(({ step }) => step.rows.filter((row) => row.phase === "decode").length))).toBe(3);
    for (let request = 1; request <= 3; request++) expect(rig.tokens(request)).toEqual(expected(request, 20));
  });

  it("cuts chunks so that running streams are not held up beyond the stretch", () => {
    const rig = new ReplicaRig();
    rig.submit(1, { promptTokens: 10, maxNewTokens: 40 });
    rig.finishOne();
    rig.submit(2, { promptTokens: 300, maxNewTokens: 1 });
    rig.drain();
    const beside = rig.started.filter(({ step }) => step.rows.some((row) => row.phase === "decode") && step.rows.length > 1);
    expect(beside.length).toBeGreaterThan(1);
    // One stream costs 1.1 ms a step; 2.2 ms leave room for 110 prompt tokens.
    for (const { step } of beside) expect(step.rows.find((row) => row.phase === "prefill")!.count).toBeLessThanOrEqual(110);
  });

  it("serves higher priority first, then age", () => {
    const rig = new ReplicaRig({ maxSequences: 1 });
    rig.submit(1, { promptTokens: 10, maxNewTokens: 1 });
    rig.submit(2, { promptTokens: 10, maxNewTokens: 1 });
    rig.submit(3, { promptTokens: 10, maxNewTokens: 1, priority: 1 });
    rig.drain();
    expect(rig.started.flatMap(({ step }) => step.opens.map((open) => open.request))).toEqual([1, 3, 2]);
  });

  it("keeps as many tasks in flight as there are stages, over different sequences", () => {
    const rig = new ReplicaRig(
      { stages: 2 },
      {
        cost: {
          stageNs: (_stage, shape) => 1 + 100 * shape.decodeContexts.length,
          handOverNs: () => 0,
          spread: { systematic: 0, noise: 0 },
        },
      },
    );
    for (let request = 1; request <= 4; request++) rig.submit(request, { promptTokens: 10, maxNewTokens: 6 });
    let overlapped = 0;
    do {
      if (rig.inFlight.length === 2) overlapped++;
    } while (rig.finishOne());
    expect(overlapped).toBeGreaterThan(4);
    for (let request = 1; request <= 4; request++) expect(rig.tokens(request)).toEqual(expected(request, 6));
  });
});

describe("memory pressure", () => {
  it("preempts the newest and computes it again without a token twice", () => {
    const rig = new ReplicaRig({ workingPages: 8, sealedSlots: 0, contextLimit: 512 });
    for (let request = 1; request <= 3; request++) rig.submit(request, { promptTokens: 60, maxNewTokens: 200 });
    rig.drain();
    expect(rig.engine.snapshot().counts.preemptions).toBeGreaterThan(0);
    for (let request = 1; request <= 3; request++) expect(rig.tokens(request)).toEqual(expected(request, 200));
    expect(rig.sent.findIndex((message) => message.type === "finished")).toBe(
      rig.sent.findIndex((message) => message.type === "finished" && message.request === 1),
    );
  });

  it("moves a lone sequence out of a lane that is too high for it", () => {
    const rig = new ReplicaRig({ workingPages: 4, contextLimit: 256, sealedSlots: 8 });
    rig.submit(1, { promptTokens: 30, maxNewTokens: 3 });
    rig.submit(2, { promptTokens: 30, maxNewTokens: 220 });
    rig.drain();
    expect(rig.tokens(2)).toEqual(expected(2, 220));
    expect(rig.engine.snapshot().counts.policyFallbacks).toBe(0);
  });
});

describe("what ends early", () => {
  it("discards rows in flight of a cancelled request and gives its lane back", () => {
    const rig = new ReplicaRig();
    rig.submit(1, { promptTokens: 60, maxNewTokens: 50 });
    rig.finishOne();
    rig.cancel(1);
    expect(rig.ends(1)).toEqual([]);
    rig.drain();
    expect(rig.tokens(1)).toHaveLength(1);
    expect(rig.ends(1)).toMatchObject([{ type: "finished", reason: "cancelled", generated: 1 }]);
    expect(rig.engine.snapshot().lanes.pages.every((pages) => pages === 0)).toBe(true);
    rig.cancel(1);
    expect(rig.ends(1)).toHaveLength(1);
  });

  it("takes a waiting request off the queue", () => {
    const rig = new ReplicaRig({ maxSequences: 1 });
    rig.submit(1, { promptTokens: 10, maxNewTokens: 3 });
    rig.submit(2, { promptTokens: 10, maxNewTokens: 3 });
    rig.cancel(2);
    rig.drain();
    expect(rig.ends(2)).toMatchObject([{ reason: "cancelled", generated: 0 }]);
    expect(rig.started.flatMap(({ step }) => step.opens)).toHaveLength(1);
  });

  it("answers the requests of a failed task and leaks nothing", () => {
    const rig = new ReplicaRig({}, { shared: 2 });
    rig.submit(1, { promptTokens: 200, maxNewTokens: 5 });
    rig.drain();
    rig.submit(2, { promptTokens: 200, maxNewTokens: 5 });
    rig.failOne();
    expect(rig.ends(2)).toEqual([{ type: "failed", request: 2, attempt: 0, code: "device-failed" }]);
    rig.drain();
    expect([...rig.engine.snapshot().slots.leases].every((leases) => leases === 0)).toBe(true);
    rig.submit(2, { promptTokens: 200, maxNewTokens: 5, attempt: 1 });
    rig.drain();
    expect(rig.tokens(2)).toEqual(expected(2, 5));
  });

  it("finishes what runs and refuses the rest while draining", () => {
    const rig = new ReplicaRig();
    rig.submit(1, { promptTokens: 10, maxNewTokens: 3 });
    rig.step({ type: "message", message: { type: "drain" } });
    rig.submit(2, { promptTokens: 10, maxNewTokens: 3 });
    rig.drain();
    expect(rig.tokens(1)).toHaveLength(3);
    expect(rig.ends(2)).toMatchObject([{ code: "draining" }]);
  });
});

describe("reports", () => {
  it("come at most once an interval, with a timer for what came between", () => {
    const rig = new ReplicaRig();
    rig.submit(1, { promptTokens: 300, maxNewTokens: 3 });
    rig.drain();
    expect(rig.sent.filter((message) => message.type === "report")).toHaveLength(1);
    expect(rig.timerAt).toBe(50_000_000);
    rig.now = 50_000_000;
    rig.step({ type: "timer" });
    const last = rig.sent.at(-1);
    expect(last).toMatchObject({ type: "report", running: 0, waiting: 0, freePages: 32, prefillBacklogTokens: 0 });
    expect(last?.type === "report" && last.sealed).toHaveLength(4);
  });
});

describe("state", () => {
  it("goes on alike from a snapshot", () => {
    const rig = new ReplicaRig();
    for (let request = 1; request <= 3; request++) rig.submit(request, { promptTokens: 150, maxNewTokens: 8 });
    for (let i = 0; i < 3; i++) rig.finishOne();
    const twin = createReplicaEngine(rig.config, rig.deciders, rig.engine.snapshot());
    const event = { type: "message", message: { type: "cancel", request: 2 } } as const;
    expect(twin.step(event, rig.now)).toEqual(rig.engine.step(event, rig.now));
    expect(twin.snapshot()).toEqual(rig.engine.snapshot());
  });

  it("asserts what an executor promises", () => {
    const rig = new ReplicaRig();
    expect(() => rig.step({ type: "task-finished", task: 7, stageNs: [1], samples: [], sealedKeys: [] })).toThrow("a task ends once");
    rig.submit(1, { promptTokens: 10 });
    expect(() => rig.step({ type: "task-finished", task: 0, stageNs: [1], samples: [], sealedKeys: [] })).toThrow("one sample");
  });
});
