// Goal: threads that share a step by claims do every chunk once and no phase before its time, however late any of them is. Method: the claims, compiled
// with pauses between their reads and writes, four threads, many short steps of changing size; the same with faults planted, which must show.
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import asc from "assemblyscript/asc";
import { expect, it } from "vitest";
import { CONSTANTS, OWNED, PHASE_COUNT, PHASE_STRIDE, PHASE_TABLE } from "./kernel-control.ts";
import { type SharedMemory, type WasmModule, webAssembly } from "./web-assembly.ts";

const THREADS = 4;
/** A sound run does them all; a faulty one ends with the first fault it shows, mostly within some hundred. */
const STEPS_SOUND = 600;
const STEPS_FAULTY = 100_000;
const PHASES = 5;
const CHUNKS = 6;
const TABLE = OWNED + 64;
/** Bytes a descriptor: [chunks, chunks done, times each was done]. */
const STRIDE = 4 * (2 + CHUNKS);
/** Steps that do not end show a fault too: sound ones end within some ms. Units: ms. */
const PATIENCE_SOUND = 60_000;
const PATIENCE_FAULTY = 15_000;

type Edit = readonly [from: string, to: string];

/** Where another thread may get ahead; threads that find nothing go to sleep soon. */
const PAUSES: readonly Edit[] = [
  [`import {`, `import { pause } from "./pause";\nimport {`],
  [`const phase = phaseOf(word);`, `pause(${OWNED + 4}); const phase = phaseOf(word);`],
  [`if (atomic.cmpxchg`, `pause(${OWNED + 4});\n if (atomic.cmpxchg`],
  [
    `if (atomic.add<i32>(FINISHED_CHUNKS, 1) + 1 < chunks) return;`,
    `const left = atomic.add<i32>(FINISHED_CHUNKS, 1) + 1 < chunks; pause(${OWNED + 4}); if (left) return;`,
  ],
  ["LOOKS_BEFORE_SLEEP: i32 = 40_000", "LOOKS_BEFORE_SLEEP: i32 = 3"],
];

/** The claims with some of their text replaced, and the test's work on top. */
async function compile(edits: readonly Edit[]): Promise<WasmModule> {
  const folder = join(import.meta.dirname, "wasm");
  let code: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      "claim-race.ts",
      ...["--runtime", "stub", "--noAssert", "-O1", "--enable", "simd,relaxed-simd,threads", "--memoryBase", `${CONSTANTS}`],
      ...["--importMemory", "--sharedMemory", "--maximumMemory", "4", "--outFile", "race.wasm"],
    ],
    {
      readFile: (name) => {
        const path = join(folder, name);
        if (!existsSync(path)) return null;
        const text = readFileSync(path, "utf8");
        return name.endsWith("claim.ts") ? edited(text, edits) : text;
      },
      writeFile: (_name, contents) => {
        code = contents as Uint8Array;
      },
    },
  );
  expect(error, stderr.toString()).toBeNull();
  return new webAssembly.Module(code!);
}

function edited(text: string, edits: readonly Edit[]): string {
  return edits.reduce((current, [from, to]) => {
    expect(current.split(from), `the claims hold once: ${from}`).toHaveLength(2);
    return current.replace(from, to);
  }, text);
}

/** A thread: the first one owns the steps and checks each, the others come and go. */
const PROGRAM = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { module, memory, thread, steps, PHASES, CHUNKS, TABLE, STRIDE, OWNED, PHASE_COUNT } = workerData;
  const { begin, step, seed } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  const words = new Int32Array(memory.buffer);
  seed(thread * 7919 + 1);
  if (thread > 0) for (;;) step();
  let chance = 1;
  const below = (most) => (chance = Math.imul(chance, 1103515245) + 12345 & 0x7fffffff) % most;
  let wrong = 0;
  for (let count = 0; count < steps && wrong + words[OWNED >> 2] === 0; count++) {
    words[PHASE_COUNT >> 2] = 1 + below(PHASES);
    for (let phase = 0; phase < PHASES; phase++) {
      words.fill(0, TABLE + phase * STRIDE >> 2, TABLE + (phase + 1) * STRIDE >> 2);
      words[TABLE + phase * STRIDE >> 2] = below(CHUNKS + 1);
    }
    begin();
    step();
    for (let phase = 0; phase < PHASES; phase++) {
      const at = TABLE + phase * STRIDE >> 2;
      const chunks = phase < words[PHASE_COUNT >> 2] ? words[at] : 0;
      for (let chunk = 0; chunk < CHUNKS; chunk++) if (words[at + 2 + chunk] !== (chunk < chunks ? 1 : 0)) wrong++;
    }
  }
  parentPort.postMessage(wrong + words[OWNED >> 2]);`;

/** How many chunks were done too early, not once, or in no phase; "stuck" where steps do not end in time. */
async function race(module: WasmModule, { steps, patience }: { steps: number; patience: number }): Promise<number | "stuck"> {
  const memory: SharedMemory = new webAssembly.Memory({ initial: 4, maximum: 4, shared: true });
  const words = new Int32Array(memory.buffer);
  words[PHASE_TABLE >> 2] = TABLE;
  words[PHASE_STRIDE >> 2] = STRIDE;
  const facts = { module, memory, steps, PHASES, CHUNKS, TABLE, STRIDE, OWNED, PHASE_COUNT };
  const workers = Array.from({ length: THREADS }, (_, thread) => new Worker(PROGRAM, { eval: true, workerData: { ...facts, thread } }));
  const late = AbortSignal.timeout(patience);
  try {
    const [wrong] = (await once(workers[0]!, "message", { signal: late })) as [number];
    return wrong;
  } catch (error) {
    if (!late.aborted) throw error;
    return "stuck";
  } finally {
    for (const worker of workers) await worker.terminate();
  }
}

it("late threads do no harm", async () => {
  expect(await race(await compile(PAUSES), { steps: STEPS_SOUND, patience: PATIENCE_SOUND })).toBe(0);
});

const CLAIM = "if (atomic.cmpxchg<u64>(CLAIM_WORD, word, word + 1) == word) return word;";
const faults: [string, readonly Edit[]][] = [
  ["claims whatever is next", [...PAUSES.slice(0, 2), [CLAIM, "atomic.add<u64>(CLAIM_WORD, 1); return word;"]]],
  [
    "takes the next step's number of phases for that of the step it knows",
    [...PAUSES, ["if (phase < 0)", "if (phase >= load<i32>(PHASE_COUNT))"], ["phase < phases ? <u64>(phase + 1) : 0", "<u64>(phase + 1)"]],
  ],
  [
    "counts a phase's chunks after it may be over",
    [...PAUSES, ["if (left) return;", "if (atomic.load<i32>(FINISHED_CHUNKS) < load<i32>(phaseAt(phase))) return;"]],
  ],
  ["opens a phase before the last chunk is done", [...PAUSES, ["+ 1 < chunks", "+ 2 < chunks"]]],
];
it.each(faults)("a thread that %s is found", async (_name, edits) => {
  expect(await race(await compile(edits), { steps: STEPS_FAULTY, patience: PATIENCE_FAULTY })).not.toBe(0);
});
