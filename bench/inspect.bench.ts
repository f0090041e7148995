/** `heddle inspect` on an ONNX file of 300 MB: time and peak memory of the command, with weights in the file and with weights that are not there. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bench, BenchReport, Figure } from "./bench.ts";
import { type LargeOnnx, writeLargeOnnx } from "./large-onnx.ts";

const LAYERS = 10;
/** 10 · 2,740² · 4 bytes: 300 MB. */
const WIDTH = 2740;
const ROUNDS = 3;
/** Weights are not read, so that what is left is the runtime's own memory; a reader that loads them needs 2 times their bytes and more. */
const MEMORY_MAX = 0.5;
const SECONDS_MAX = 10;
const NANOSECONDS = 1e9;

const MAIN = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));
/** Says the peak of the command's memory when it ends, in KiB. */
const WATCH = "data:text/javascript,process.on('exit',()=>process.stderr.write('\\npeak '+process.resourceUsage().maxRSS+'\\n'))";

interface Measured {
  readonly seconds: number;
  readonly peakBytes: number;
  readonly parameters: number;
}

export const bench: Bench = {
  name: "inspect",
  run: async ({ note }): Promise<BenchReport> => {
    const folder = mkdtempSync(join(tmpdir(), "heddle-inspect-bench-"));
    try {
      const figures: Figure[] = [];
      for (const data of ["inline", "external"] as const) {
        const path = join(folder, `${data}.onnx`);
        const parameters = writeLargeOnnx(path, { layers: LAYERS, width: WIDTH, data });
        const rounds = Array.from({ length: ROUNDS }, () => measure(path));
        note(
          `${data}: ${rounds.map(({ seconds, peakBytes }) => `${seconds.toFixed(2)} s, ${(peakBytes / 1e6).toFixed(0)} MB`).join("; ")}`,
        );
        figures.push(...figuresOf(data, rounds, { parameters, fileBytes: statSync(path).size }));
      }
      return { setup: [`${LAYERS} products of ${WIDTH} x ${WIDTH} f32, the command as a process of its own, worst of ${ROUNDS}`], figures };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function figuresOf(data: LargeOnnx["data"], rounds: readonly Measured[], of: { parameters: number; fileBytes: number }): readonly Figure[] {
  const worst = (field: keyof Measured): number => Math.max(...rounds.map((round) => round[field]));
  const dataBytes = of.parameters * Float32Array.BYTES_PER_ELEMENT;
  return [
    { name: `${data}: file`, value: of.fileBytes / 1e6, unit: "MB" },
    { name: `${data}: time`, value: worst("seconds"), unit: "s", floor: { max: SECONDS_MAX } },
    { name: `${data}: peak memory over weights`, value: worst("peakBytes") / dataBytes, unit: "x", floor: { max: MEMORY_MAX } },
    { name: `${data}: peak memory`, value: worst("peakBytes") / 1e6, unit: "MB" },
    {
      name: `${data}: parameters told over those written`,
      value: worst("parameters") / of.parameters,
      unit: "x",
      floor: { min: 1, max: 1 },
    },
  ];
}

function measure(path: string): Measured {
  const start = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", WATCH, MAIN, "inspect", path, "--json"], {
    encoding: "utf8",
  });
  const seconds = Number(process.hrtime.bigint() - start) / NANOSECONDS;
  const [, peak] = /^peak (\d+)$/m.exec(stderr) ?? [];
  if (status !== 0 || peak === undefined) throw new Error(`heddle inspect ended with ${status}: ${stderr}`);
  const found = JSON.parse(stdout) as { readonly parameters: { readonly total: number } };
  return { seconds, peakBytes: Number(peak) * 1024, parameters: found.parameters.total };
}
