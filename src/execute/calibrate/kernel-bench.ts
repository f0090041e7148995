import { must } from "../../base/assert.ts";
import { BLOCK_TOKENS, pagesFor } from "../../state/block.ts";
import type { DecodeKernels, KernelStage, ProbeShape } from "../drivers/shared/decode-kernels.ts";
import type { KernelStepQuestion, ShapeSource } from "./calibration-shapes.ts";
import { madeDecoder } from "./made-decoder.ts";

/** Shortest time worth reading a clock for; quicker work is done several times. Units: ns. */
const SPAN_NS = 300_000;
const RUNS_MAX = 256;
/** Largest step that is asked for. */
const SEQUENCES_MAX = 16;
const CONTEXT_MAX = 2048;
const PAGES_EACH = pagesFor(CONTEXT_MAX + 1);

/** Times a product of one shape over numbers of rows. */
export interface KernelProductBench {
  product(rows: number): Promise<number>;
  release(): Promise<void>;
}

/** Errors: those of the kernels. */
export async function kernelProductBench(kernels: DecodeKernels, shape: ProbeShape): Promise<KernelProductBench> {
  const probe = await kernels.probe(shape);
  return {
    product: async (rows) => timeOf(() => probe.run(rows)) / probe.products,
    release: () => probe.release(),
  };
}

/** Times decode steps of stages of few layers, without a head. */
export interface KernelStepBench {
  step(layers: number, question: KernelStepQuestion): Promise<number>;
  release(): Promise<void>;
}

/** Loads stages of each number of layers. Errors: those of the kernels. */
export async function kernelStepBench(
  kernels: DecodeKernels,
  { threads, shapes, layers }: { readonly threads: number; readonly shapes: ShapeSource; readonly layers: readonly number[] },
): Promise<KernelStepBench> {
  const stages = new Map<number, KernelStage>();
  const release = async (): Promise<void> => {
    for (const made of stages.values()) await made.release();
  };
  try {
    for (const count of layers) stages.set(count, await loadStage(kernels, { threads, shapes, layers: count }));
  } catch (thrown) {
    await release();
    throw thrown;
  }
  const x = new Float32Array(SEQUENCES_MAX * shapes.width);
  return {
    step: async (count, { sequences, context }) => {
      const stage = must(stages.get(count), "a stage that was loaded");
      const rows = Array.from({ length: sequences }, (_, row) => {
        return {
          position: context,
          count: 1,
          pages: Array.from({ length: pagesFor(context + 1) }, (_page, page) => row * PAGES_EACH + page),
        };
      });
      const own = x.subarray(0, sequences * shapes.width);
      return timeOf(() => {
        smallValues(own);
        stage.step(rows, own);
      });
    },
    release,
  };
}

async function loadStage(
  kernels: DecodeKernels,
  { threads, shapes, layers }: { readonly threads: number; readonly shapes: ShapeSource; readonly layers: number },
): Promise<KernelStage> {
  const request = { fromLayer: 0, toLayer: layers, threads, contextLimit: PAGES_EACH * BLOCK_TOKENS };
  const limits = { pageCapacity: SEQUENCES_MAX * PAGES_EACH, maxRows: SEQUENCES_MAX };
  // The model has one layer more, so that the stage is not the last and has no head.
  const stage = await kernels.load(madeDecoder(shapes, layers + 1), { ...request, ...limits });
  fillPages(stage, shapes);
  return stage;
}

function fillPages({ pages }: KernelStage, { kvHeads, headDim }: ShapeSource): void {
  const page = new Float32Array(kvHeads * BLOCK_TOKENS * headDim);
  smallValues(page);
  for (let buffer = 0; buffer < pages.buffers; buffer++) {
    for (let at = 0; at < SEQUENCES_MAX * PAGES_EACH; at++) pages.put(buffer, at, page);
  }
}

/**
 * Time of one run; the mean of several where one is too short to be read well, the quicker of two where it is long: a run of many products seldom escapes
 * other processes, as the short ones do by which graphs are timed, and the two are compared. Units: ns.
 */
function timeOf(run: () => void): number {
  run();
  const first = spanNs(run, 1);
  const runs = Math.min(RUNS_MAX, Math.ceil(SPAN_NS / Math.max(1, first)));
  return runs === 1 ? Math.min(first, spanNs(run, 1)) : spanNs(run, runs) / runs;
}

function spanNs(run: () => void, runs: number): number {
  const start = performance.now();
  for (let done = 0; done < runs; done++) run();
  return (performance.now() - start) * 1e6;
}

/** Small values of both signs: zeros and denormals would be quicker or slower than what is served, and untouched memory quicker. */
function smallValues(data: Float32Array): void {
  for (let index = 0; index < data.length; index++) data[index] = ((index * 7919) % 2003) / 1000 - 1;
}
