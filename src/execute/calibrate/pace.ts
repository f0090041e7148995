import { quantile } from "../../base/statistics.ts";
import type { OnnxRuntime } from "../drivers/shared/onnx-session.ts";
import { operatorBench } from "./operator-bench.ts";

/** Measures how fast one device works in a given span of wall time, to compare it alone with it beside others. */
export interface PaceJob {
  readonly threads: number;
  /** Unix time at which all parties start. Units: ms. */
  readonly startAtMs: number;
  readonly durationMs: number;
}

/** A decode-like product, bound by memory, and a prefill-like one, bound by arithmetic; shapes of the default model. */
const MIX = [
  { format: "int8-row", m: 1, n: 3072, k: 576 },
  { format: "int4", m: 1, n: 3072, k: 576 },
  { format: "int8-row", m: 64, n: 3072, k: 576 },
  { format: "f32", m: 16, n: 576, k: 1536 },
] as const;

/** Median time of the mix within the span. Units: ns. */
export async function measurePace(runtime: OnnxRuntime, job: PaceJob, signal: AbortSignal): Promise<{ readonly nsPerRun: number }> {
  const bench = operatorBench(runtime, job.threads);
  const mix = MIX.filter(({ format }) => runtime.formats.includes(format));
  const once = async (): Promise<number> => {
    let ns = 0;
    for (const question of mix) ns += await bench.product(question);
    return ns;
  };
  try {
    await once();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, job.startAtMs - Date.now())));
    const end = performance.now() + job.durationMs;
    const times: number[] = [];
    while (performance.now() < end || times.length === 0) {
      signal.throwIfAborted();
      times.push(await once());
    }
    return { nsPerRun: quantile(times, 0.5) };
  } finally {
    await bench.release();
  }
}
