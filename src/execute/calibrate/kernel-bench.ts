import { BLOCK_TOKENS, pagesFor } from "../../state/block.ts";
import type { DecodeKernels, KernelStage } from "../drivers/shared/decode-kernels.ts";
import type { KernelProductQuestion, KernelStepQuestion, ShapeSource } from "./calibration-shapes.ts";
import { madeDecoder } from "./made-decoder.ts";

/** Shortest time worth reading a clock for; quicker work is done several times. Units: ns. */
const SPAN_NS = 300_000;
const RUNS_MAX = 256;
/** Largest step that is asked for. */
const SEQUENCES_MAX = 16;
const CONTEXT_MAX = 2048;

/** Times the decode kernels with one number of threads. What is loaded is kept, so that questions may come in any order. */
export interface KernelBench {
  product(question: KernelProductQuestion): Promise<number>;
  /** A decode step of a stage of that many layers, without a head. */
  step(layers: number, question: KernelStepQuestion): Promise<number>;
  release(): Promise<void>;
}

export function kernelBench(
  kernels: DecodeKernels,
  { threads, shapes }: { readonly threads: number; readonly shapes: ShapeSource },
): KernelBench {
  const probes = new Map<string, ReturnType<DecodeKernels["probe"]>>();
  const stages = new Map<number, Promise<KernelStage>>();
  const x = new Float32Array(SEQUENCES_MAX * shapes.width);
  const pagesEach = pagesFor(CONTEXT_MAX + 1);
  const load = async (layers: number): Promise<KernelStage> => {
    // One layer more than the stage has, so that it is not the last and has no head.
    const request = { fromLayer: 0, toLayer: layers, threads, contextLimit: pagesEach * BLOCK_TOKENS };
    const limits = { pageCapacity: SEQUENCES_MAX * pagesEach, maxRows: SEQUENCES_MAX };
    const stage = await kernels.load(madeDecoder(shapes, layers + 1), { ...request, ...limits });
    stage.pages.forEach(smallValues);
    return stage;
  };
  return {
    product: async ({ bits, m, n, k }) => {
      const key = `${bits} ${n} ${k}`;
      const made = probes.get(key) ?? kernels.probe({ n, k, threads, bits, maxRows: SEQUENCES_MAX });
      probes.set(key, made);
      const probe = await made;
      return timeOf(() => probe.run(m));
    },
    step: async (layers, { sequences, context }) => {
      const made = stages.get(layers) ?? load(layers);
      stages.set(layers, made);
      const stage = await made;
      const rows = Array.from({ length: sequences }, (_, row) => {
        return { position: context, pages: Array.from({ length: pagesFor(context + 1) }, (_page, page) => row * pagesEach + page) };
      });
      const own = x.subarray(0, sequences * shapes.width);
      return timeOf(() => {
        smallValues(own);
        stage.decode(rows, own);
      });
    },
    release: async () => {
      for (const made of [...probes.values(), ...stages.values()]) await (await made).release();
    },
  };
}

/** Time of one run; the mean of several where one is too short to be read well. Units: ns. */
function timeOf(run: () => void): number {
  run();
  const first = spanNs(run, 1);
  const runs = Math.min(RUNS_MAX, Math.ceil(SPAN_NS / Math.max(1, first)));
  return runs === 1 ? first : spanNs(run, runs) / runs;
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
