/** Goal: measurements of one machine never run at once. Method: one that lasts until it is told to end, in a cache of its own. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { rackOfCpus } from "../../../test/support/decode-on-rack.ts";
import { discoverRack } from "../discover/discover-rack.ts";
import { describeMachine } from "../discover/machine.ts";
import { saveCachedRack } from "../discover/rack-cache.ts";
import { whileMeasuring } from "./while-measuring.ts";

const home = mkdtempSync(join(tmpdir(), "heddle-measuring-"));
beforeAll(() => vi.stubEnv("HEDDLE_HOME", home));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

const { signal } = new AbortController();

/** A measurement that runs until `end` is called. */
async function running(): Promise<{ end: () => Promise<void> }> {
  let finish = (): void => {};
  let begun = (): void => {};
  const until = new Promise<void>((resolve) => (finish = resolve));
  const first = new Promise<void>((resolve) => (begun = resolve));
  const measured = whileMeasuring({ signal }, () => {
    begun();
    return until;
  });
  await first;
  return {
    end: () => {
      finish();
      return measured;
    },
  };
}

it("waits, saying for whom, and measures when the other has ended", async () => {
  const other = await running();
  const order: string[] = [];
  const texts = new Set<string>();
  const waiting = whileMeasuring({ signal, onProgress: (_, text) => texts.add(text) }, async () => void order.push("second"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  order.push("first");
  await other.end();
  await waiting;
  expect(order).toEqual(["first", "second"]);
  expect([...texts]).toEqual([`waiting for process ${process.pid}, which measures this machine`]);
  expect(readdirSync(home)).toEqual([]);
});

it("ends its wait when it is interrupted, and after the longest wait", async () => {
  const other = await running();
  const never = (): Promise<never> => Promise.reject(new Error("it measured"));
  const controller = new AbortController();
  const waiting = whileMeasuring({ signal: controller.signal, onProgress: () => controller.abort() }, never);
  await expect(waiting).rejects.toMatchObject({ code: "interrupted" });
  await expect(whileMeasuring({ signal, waitMaxMs: 0 }, never)).rejects.toMatchObject({ code: "machine-busy" });
  await other.end();
});

it("takes the rack that another process has measured meanwhile", async () => {
  const other = await running();
  const texts: string[] = [];
  const waiting = discoverRack({ onProgress: ({ text }) => texts.push(text) });
  const measured = { ...rackOfCpus(1), fingerprint: describeMachine().fingerprint };
  saveCachedRack(measured);
  await other.end();
  expect(await waiting).toEqual(measured);
  expect(texts.length).toBeGreaterThan(0);
  expect(texts.every((text) => text.startsWith("waiting for process"))).toBe(true);
});
