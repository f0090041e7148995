// Goal: a run's ledgers together reproduce every node's command hash, and an altered event is the first divergence. Method: ledgers of simulated runs
// with lost hosts and lossy networks; each kind of event altered in turn; a ledger whose end is lost.
import { describe, expect, test } from "vitest";
import { must } from "../../src/base/assert.ts";
import type { Ledger, RecordedEvent } from "../../src/engine/ledger.ts";
import { readLedger } from "../../src/engine/ledger-reader.ts";
import { replayLedger } from "../../src/engine/replay.ts";
import { createRunRecorder, engineOfRun, ledgerOf } from "../../src/simulate/check/replay-checker.ts";
import { recordedRun } from "../../src/simulate/recorded/recorded-run.ts";
import type { RunInput } from "../../src/simulate/run/run-input.ts";
import { virtualRun } from "../../src/simulate/run/virtual-run.ts";
import { type Phase, scenario } from "./scenario.ts";

function ledgersOf(input: RunInput): Map<string, Ledger> {
  const recorder = createRunRecorder(input);
  virtualRun({ ...input, watchers: [recorder.watcher] });
  return new Map([...recorder.records].map(([name, record]) => [name, readLedger(ledgerOf(record))]));
}

const PHASES: readonly Phase[] = ["steady", "memory pressure", "host loss", "lossy network", "cancel storm", "hostile policy"];

describe("the whole run again", () => {
  test.each(PHASES)("%s gives every node's hash", (phase) => {
    const input = scenario(phase, 11);
    const ledgers = ledgersOf(input);
    const result = recordedRun([...ledgers.values()].reverse(), engineOfRun(input));
    expect(result.firstDivergence).toBeUndefined();
    expect(result.unverified).toBe(0);
    for (const { name, events, hash } of result.nodes) {
      const alone = replayLedger(must(ledgers.get(name), "a ledger of each node"), engineOfRun(input));
      expect({ name, events, hash }).toEqual({ name, events: alone.events, hash: alone.hash });
    }
    expect(result.nodes.length).toBeGreaterThan(2);
  });
});

describe("an altered event", () => {
  const input = scenario("steady", 11);
  const ledgers = ledgersOf(input);
  type Altered = RecordedEvent;

  /** Alters the first event of a node that `alter` changes, from the 20th on, and gives its index with the divergence found. */
  function alterOne(name: string, alter: (event: Altered) => Altered | undefined) {
    let at = -1;
    const altered = [...ledgers].map(([node, ledger]) => {
      if (node !== name) return ledger;
      const events = ledger.events.map((one) => {
        const changed = at < 0 && one.index >= 20 ? alter(one.event) : undefined;
        if (changed === undefined) return one;
        at = one.index;
        return { ...one, event: changed };
      });
      return { ...ledger, events };
    });
    expect(at, "nothing was altered").toBeGreaterThanOrEqual(0);
    const { firstDivergence } = recordedRun(altered, engineOfRun(input));
    return { altered: { node: name, index: at }, found: firstDivergence };
  }

  test.each<[string, string, (event: Altered) => Altered | undefined, RegExp]>([
    [
      "an arrival",
      "fleet",
      (event) => (event.type === "request-arrived" ? { ...event, promptTokens: event.promptTokens + 1 } : undefined),
      /commands something else/,
    ],
    [
      "a token that came",
      "fleet",
      (event) =>
        event.type === "message" && event.message.type === "token"
          ? ({ ...event, message: { ...event.message, request: event.message.request + 1 } } as Altered)
          : undefined,
      /another message than the token/,
    ],
    [
      "a submission that came",
      "0.1",
      (event) =>
        event.type === "message" && event.message.type === "submit"
          ? ({ ...event, message: { ...event.message, maxNewTokens: 999 } } as Altered)
          : undefined,
      /another message than the submit/,
    ],
    [
      "the task that ended",
      "0.1",
      (event) => (event.type === "task-finished" && "task" in event ? { ...event, task: event.task + 1000 } : undefined),
      /does not run/,
    ],
    [
      "a sample",
      "0.1",
      (event) =>
        event.type === "task-finished" && "samples" in event && event.samples.length > 0
          ? { ...event, samples: event.samples.map((sample) => ({ ...sample, stop: !sample.stop })) }
          : undefined,
      /commands something else/,
    ],
    [
      "a number of sealed blocks",
      "0.1",
      (event) =>
        event.type === "task-finished" && "sealedKeys" in event ? { ...event, sealedKeys: [...event.sealedKeys, ["more"]] } : undefined,
      /seals/,
    ],
  ])("%s is the first divergence", (_what, name, alter, reason) => {
    const { altered, found } = alterOne(name, alter);
    expect(found).toMatchObject(altered);
    expect(found?.reason).toMatch(reason);
  });

  test("an event that is left out is noticed", () => {
    const shortened = [...ledgers].map(([name, ledger]) =>
      name === "0.1"
        ? {
            ...ledger,
            events: ledger.events.filter(({ event }) => event.type !== "task-finished" || !("task" in event) || event.task !== 3),
          }
        : ledger,
    );
    expect(recordedRun(shortened, engineOfRun(input)).firstDivergence).toBeDefined();
  });

  test("messages of a ledger whose end is lost are taken as they came, and counted", () => {
    const cut = [...ledgers].map(([name, ledger]) => (name === "0.1" ? { ...ledger, events: ledger.events.slice(0, 40) } : ledger));
    const result = recordedRun(cut, engineOfRun(input));
    expect(result.firstDivergence).toBeUndefined();
    expect(result.unverified).toBeGreaterThan(0);
  });
});
