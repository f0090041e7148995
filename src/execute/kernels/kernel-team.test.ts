// Goal: the threads of a step do its phases in order and each chunk once, end with their owner, and a fault of any ends the step with one error.
// Method: rows rounded to int8 by the built kernels, each phase from what the one before wrote; an address outside the memory as fault; owners that end
// without a word.
import { spawnSync } from "node:child_process";
import { afterEach, describe, expect, it, vi } from "vitest";
import { FAILED, OWNED, PHASE_COUNT, PHASE_STRIDE, PHASE_TABLE, THREAD_ROOM, THREAD_ROOM_STRIDE, WAKE_COUNT } from "./kernel-control.ts";
import { kernelModule, kernelRefusal } from "./kernel-module.ts";
import { createKernelTeam, type KernelTeam } from "./kernel-team.ts";
import { type SharedMemory, webAssembly } from "./web-assembly.ts";

const TABLE = OWNED;
const ROOM = OWNED + 4096;
/** Floats of the first phase, 32 a row. */
const GIVEN = 2 * OWNED;
/** What phases write: 160 bytes a row, 32 integers, their scale and scale times their sum, each four times. */
const WRITTEN = 3 * OWNED;
const ROWS = 64;
const COLUMNS = 32;
const ROW_BYTES = 160;
/** Of the last copy of the scale, which the first of the sum follows. */
const SCALE_AND_SUM = 140;
/** Words of a record; `kernel-program.ts` says what they are. */
const WORDS = 8;
const QUANTISE = 1;
/** Kernels keep sums in a unit of their own: so small, two of them are still floats. */
const SMALL = 2 ** -64;

const teams: KernelTeam[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const team of teams.splice(0)) await team.release();
});

/** A team whose first phase rounds rows, and whose later ones round each row's scale and sum, which leaves the sum in proportion. */
async function rounders(threads: number, phases: number): Promise<{ team: KernelTeam; memory: SharedMemory; words: Int32Array }> {
  const memory = new webAssembly.Memory({ initial: 4, maximum: 4, shared: true });
  const words = new Int32Array(memory.buffer);
  words[PHASE_COUNT >> 2] = phases;
  words[PHASE_TABLE >> 2] = TABLE;
  words[PHASE_STRIDE >> 2] = 4 * WORDS;
  words[THREAD_ROOM >> 2] = ROOM;
  words[THREAD_ROOM_STRIDE >> 2] = 1024;
  for (let phase = 0; phase < phases; phase++) {
    const to = WRITTEN + phase * ROWS * ROW_BYTES;
    const [from, bytes, width] = phase === 0 ? [GIVEN, 4 * COLUMNS, COLUMNS] : [to - ROWS * ROW_BYTES + SCALE_AND_SUM, ROW_BYTES, 2];
    words.set([ROWS, QUANTISE, from, bytes, width, COLUMNS, to], (TABLE >> 2) + WORDS * phase);
  }
  const team = await createKernelTeam({ threads, memory });
  teams.push(team);
  return { team, memory, words };
}

describe("a team of kernel threads", () => {
  it.each([1, 2, 4])("does all of every step, %i threads", async (threads) => {
    const phases = 2;
    const { team, memory } = await rounders(threads, phases);
    const given = new Float32Array(memory.buffer, GIVEN, ROWS * COLUMNS);
    const last = new Float32Array(memory.buffer, WRITTEN + (phases - 1) * ROWS * ROW_BYTES, (ROWS * ROW_BYTES) / 4);
    let first: number | undefined;
    for (let step = 1; step <= 200; step++) {
      given.forEach((_, i) => {
        given[i] = SMALL * step * (1 + Math.floor(i / COLUMNS));
      });
      team.run();
      const sums = Array.from({ length: ROWS }, (_, row) => last[(row * ROW_BYTES + SCALE_AND_SUM) / 4 + 1]! / (step * (1 + row)));
      first ??= sums[0]!;
      expect(first).toBeGreaterThan(0);
      for (const sum of sums) expect(Math.abs(sum / first - 1)).toBeLessThan(1e-5);
    }
  });

  it("a helper that fails ends the step and all later ones with one error", async () => {
    const { team, words } = await rounders(2, 1);
    words[(TABLE >> 2) + 2] = 2 ** 30;
    // The owner opens the step and takes no part, so the helper meets the fault.
    team.exports.begin();
    Atomics.add(words, WAKE_COUNT >> 2, 1);
    Atomics.notify(words, WAKE_COUNT >> 2);
    while (Atomics.load(words, FAILED >> 2) === 0) Atomics.wait(words, FAILED >> 2, 0, 10);
    words[(TABLE >> 2) + 2] = GIVEN;
    const failed = expect.objectContaining({
      code: "device-failed",
      detail: expect.stringMatching(/^thread 1: RuntimeError: memory access/),
    });
    expect(() => team.run()).toThrowError(failed);
    expect(() => team.run()).toThrowError(failed);
  });

  it("a fault on the owner's thread is that error too", async () => {
    const { team, words } = await rounders(1, 1);
    words[(TABLE >> 2) + 2] = 2 ** 30;
    expect(() => team.run()).toThrowError(
      expect.objectContaining({ code: "device-failed", detail: expect.stringMatching(/^thread 0: RuntimeError: memory access/) }),
    );
  });

  const program = `
    const { webAssembly } = await import("./dist/src/execute/kernels/web-assembly.js");
    const { createKernelTeam } = await import("./dist/src/execute/kernels/kernel-team.js");
    const team = await createKernelTeam({ threads: 3, memory: new webAssembly.Memory({ initial: 1, maximum: 1, shared: true }) });
    team.run();
    process.stdout.write("ran\\n");`;
  it.each([
    ["ends without release", program, 0],
    ["exits", `${program} process.exit(7);`, 7],
    ["throws", `${program} throw new Error("planted");`, 1],
    [
      "is a worker that ends, is ended or throws",
      `const { Worker } = await import("node:worker_threads");
       const { once } = await import("node:events");
       const run = (more) => new Worker(new URL("data:text/javascript," + encodeURIComponent(${JSON.stringify(program)}.replaceAll("./dist", ${JSON.stringify(`file://${process.cwd()}/dist`)}) + more)), { execArgv: [] });
       await once(run(""), "exit");
       const kept = run("setInterval(() => 1, 1000); (await import('node:worker_threads')).parentPort.postMessage(1)");
       await once(kept, "message");
       await kept.terminate();
       const [error] = await once(run("throw new Error('planted')"), "error");
       process.exitCode = error.message === "planted" ? 3 : 4;`,
      3,
    ],
  ])("helpers end where their owner %s", (_name, text, status) => {
    const ended = spawnSync(process.execPath, ["--input-type=module", "-e", text], { encoding: "utf8", timeout: 60_000 });
    expect(ended.stdout).toMatch(/^(ran\n)+$/);
    expect(ended.status).toBe(status);
  });
});

describe("what kernels need", () => {
  it("is here", () => {
    expect(kernelRefusal()).toBeUndefined();
  });

  it("is named where it is missing", () => {
    expect(kernelRefusal(new URL("file:///nowhere/decode.wasm"))).toBe("/nowhere/decode.wasm is missing; run `npm run build`");
    vi.spyOn(webAssembly, "validate").mockReturnValue(false);
    expect(kernelRefusal()).toMatch(/^WebAssembly of this runtime \(V8 .+\) has no relaxed SIMD; Node 20.19 and later do$/);
    expect(() => kernelModule()).toThrowError(expect.objectContaining({ code: "plan-invalid" }));
    vi.stubGlobal("SharedArrayBuffer", undefined);
    expect(kernelRefusal()).toMatch(/^this runtime has no SharedArrayBuffer/);
    vi.unstubAllGlobals();
  });
});
