import { defineGraph } from "../../../src/sdk/define-graph.ts";
import type { Input } from "../../../src/sdk/sdk-types.ts";
import { tensor } from "../../../src/sdk/tensor.ts";
import type { DeviceCase } from "../device-case.ts";
import { cores, rackOf } from "../racks.ts";

const RUNS = 200;
const WIDTH = 64;

/** A chain of runs that take next to nothing: a second device could only be handed what the first one has. */
export const tiny: DeviceCase = {
  name: "tiny",
  what: `a product of 64 x 64, ${RUNS} times one after another, ONNX Runtime on each core`,
  claim: "keeps",
  emulated: false,
  models: [],
  mix: rackOf(cores("core-0", "ort", [0]), cores("core-1", "ort", [1])),
  singles: [
    { name: "ort, 1 thread", rack: rackOf(cores("core-0", "ort", [0])) },
    { name: "ort, 2 threads", rack: rackOf(cores("both", "ort", [0, 1])) },
  ],
  prepare: async () => {
    const weights = Float32Array.from({ length: WIDTH * WIDTH }, (_, i) => ((i * 37) % 64) / 64 / WIDTH);
    const graph = defineGraph("tiny", (make) => {
      const x = make.input("x", "f32", [1, WIDTH]);
      make.output("y", make.op("MatMul", [x, make.weight("w", tensor(weights, [WIDTH, WIDTH]))]));
    });
    const first = tensor(new Float32Array(WIDTH).fill(1), [1, WIDTH]);
    return async (rack) => {
      let x: Input = first;
      for (let i = 0; i < RUNS; i++) {
        const before: Input = x;
        const y = rack.submit(graph, { x }).output("y");
        if ("run" in before) before.release();
        x = y;
      }
      const last = "run" in x ? await x.read() : x;
      if ("run" in x) x.release();
      return [last];
    };
  },
};
