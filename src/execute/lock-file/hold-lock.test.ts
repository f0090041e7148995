/**
 * Goal: no two ever hold one lock, though its holders die at any moment. Method: one's attempt is stopped before each of its calls of the file system, where
 * another makes its own attempt whole, itself stopped by a third; and processes that fight for one lock and leave it behind as the dead do.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs, { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { letGo, tryHold } from "./hold-lock.ts";
import { lockWatch } from "./lock-death.ts";
import { here, readLock } from "./lock-owner.ts";

/** Runs before each call that changes or reads the file system, unless it is running. */
let beforeCall: (() => void) | undefined;
const CALLS = ["linkSync", "renameSync", "rmSync", "readFileSync", "writeFileSync"] as const;
const real = Object.fromEntries(CALLS.map((name) => [name, fs[name]]));
/** Built code imports them itself, so they are exchanged where everybody gets them. */
function exchange(calls: Readonly<Record<string, unknown>>): void {
  Object.assign(fs, calls);
  syncBuiltinESMExports();
}
exchange(
  Object.fromEntries(
    CALLS.map((name) => {
      const call = real[name] as (...given: unknown[]) => unknown;
      const stopped = (...given: unknown[]): unknown => {
        beforeCall?.();
        return call(...given);
      };
      return [name, stopped];
    }),
  ),
);

const folder = mkdtempSync(join(tmpdir(), "heddle-lock-"));
const path = join(folder, ".lock");
/** Above every process number that a system gives. */
const DEAD = 2 ** 22 + 1;
const left = (token: string): string => JSON.stringify({ token, pid: DEAD, place: here() });
const isDead = lockWatch(() => 0);

beforeEach(() => {
  beforeCall = undefined;
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
});
afterAll(() => {
  exchange(real);
  rmSync(folder, { recursive: true, force: true });
});

/** Runs `action` with `interruption` before its `at`-th call of the file system; says whether there were so many. */
function interrupted(at: number, action: () => void, interruption: () => void): boolean {
  const outer = beforeCall;
  let calls = 0;
  beforeCall = () => {
    if (calls++ !== at) return;
    const mine = beforeCall;
    beforeCall = undefined;
    interruption();
    beforeCall = mine;
  };
  try {
    action();
  } finally {
    beforeCall = outer;
  }
  return calls > at;
}

describe("a lock whose holder died", () => {
  it("is taken over by one of three that come at any moments of one another", () => {
    let orders = 0;
    let taken = 0;
    for (let first = 0, more = true; more; first++) {
      for (let second = 0, moreWithin = true; moreWithin; second++) {
        writeFileSync(path, left("gone"));
        const held: string[] = [];
        const attempt = (): void => {
          const token = tryHold(path, isDead);
          if (token !== undefined) held.push(token);
        };
        more = interrupted(first, attempt, () => {
          moreWithin = interrupted(second, attempt, attempt);
        });
        expect(held.length, `stopped before calls ${first} and ${second}`).toBeLessThanOrEqual(1);
        if (held.length === 1) expect(readLock(path)?.token).toBe(held[0]);
        orders += 1;
        taken += held.length;
        if (!more) break;
        for (const token of held) letGo(path, token);
        expect(readdirSync(folder)).toEqual(held.length === 1 ? [] : [".lock"]);
        rmSync(path, { force: true });
      }
    }
    expect(orders).toBeGreaterThan(100);
    expect(taken).toBeGreaterThan(orders / 2);
  });

  it("is taken over after those died who were taking it over", () => {
    writeFileSync(path, left("one"));
    writeFileSync(`${path}.one`, left("two"));
    writeFileSync(`${path}.two`, left("three"));
    const token = tryHold(path, isDead);
    expect(token).toBeDefined();
    expect(readdirSync(folder)).toEqual([".lock"]);
  });

  it("is not given back by who no longer has it", () => {
    const token = tryHold(path, isDead)!;
    writeFileSync(path, left("another"));
    letGo(path, token);
    expect(readLock(path)?.token).toBe("another");
  });
});

describe("a lock that says nothing of a process here", () => {
  it("is believed until its holder has been silent for a minute", () => {
    let nowMs = 0;
    const watch = lockWatch(() => nowMs);
    writeFileSync(path, JSON.stringify({ token: "far", pid: DEAD, place: "another machine" }));
    utimesSync(path, 1, 1);
    expect(tryHold(path, watch)).toBeUndefined();
    nowMs = 59_000;
    expect(tryHold(path, watch)).toBeUndefined();
    utimesSync(path, 2, 2);
    nowMs = 118_000;
    expect(tryHold(path, watch)).toBeUndefined();
    nowMs = 179_000;
    expect(tryHold(path, watch)).toBeDefined();
  });

  it("is believed for five seconds where it is empty", () => {
    let nowMs = 0;
    const watch = lockWatch(() => nowMs);
    writeFileSync(path, "");
    expect(tryHold(path, watch)).toBeUndefined();
    nowMs = 4_900;
    expect(tryHold(path, watch)).toBeUndefined();
    nowMs = 5_100;
    expect(tryHold(path, watch)).toBeDefined();
  });
});

const FIGHT = `
import { readFileSync, writeFileSync } from "node:fs";
import { tryHold, letGo } from "./dist/src/execute/lock-file/hold-lock.js";
import { lockWatch } from "./dist/src/execute/lock-file/lock-death.js";
import { here } from "./dist/src/execute/lock-file/lock-owner.js";
const [path, inside] = process.argv.slice(1);
const isDead = lockWatch(() => performance.now());
let together = 0, held = 0;
for (const end = Date.now() + 700; Date.now() < end; ) {
  const token = tryHold(path, isDead);
  if (token === undefined) continue;
  held += 1;
  writeFileSync(inside, token);
  for (let spin = 0; spin < 20; spin++) if (readFileSync(inside, "utf8") !== token) together += 1;
  if (held % 2 === 0) letGo(path, token);
  else writeFileSync(path, JSON.stringify({ token, pid: ${DEAD}, place: here() }));
}
console.log(JSON.stringify({ together, held }));
`;

it("is never held by two of four processes that leave it behind every second time", async () => {
  const fighters = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ["--input-type=module", "-e", FIGHT, path, join(folder, "inside")], { stdio: ["ignore", "pipe", "inherit"] }),
  );
  const results = await Promise.all(
    fighters.map(async (one) => {
      let text = "";
      one.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
      await once(one, "close");
      return JSON.parse(text) as { together: number; held: number };
    }),
  );
  expect(results.map(({ together }) => together)).toEqual([0, 0, 0, 0]);
  expect(results.reduce((sum, { held }) => sum + held, 0)).toBeGreaterThan(20);
  expect(readFileSync(join(folder, "inside"), "utf8")).not.toBe("");
});
