import { loadGraph } from "../../../src/sdk/load-graph.ts";
import { tensor } from "../../../src/sdk/tensor.ts";
import type { DeviceCase } from "../device-case.ts";
import { cores, rackOf } from "../racks.ts";
import { samplePath } from "../sample-file.ts";

const MODEL = "rapidocr-onnxruntime--ch_PP-OCRv4_rec_infer.onnx";
const LINES = 12;
const [HEIGHT, WIDTH] = [48, 320];

/** A weak device beside a strong one: what it is given last must not keep all waiting. */
export const weak: DeviceCase = {
  name: "weak",
  what: `PP-OCRv4's recogniser, ${LINES} lines at once, ONNX Runtime on core 0 and its WebAssembly build on core 1`,
  claim: "keeps",
  emulated: false,
  models: [MODEL],
  mix: rackOf(cores("ort", "ort", [0]), cores("ort-wasm", "ort-wasm", [1])),
  singles: [
    { name: "ort, 1 thread", rack: rackOf(cores("ort", "ort", [0])) },
    { name: "ort-wasm, 1 thread", rack: rackOf(cores("ort-wasm", "ort-wasm", [1])) },
  ],
  prepare: async () => {
    const model = await loadGraph(samplePath(MODEL), { name: "recogniser" });
    const lines = Array.from({ length: LINES }, (_, line) => {
      const values = Float32Array.from({ length: 3 * HEIGHT * WIDTH }, (_unused, i) => Math.sin(line + i / 29) / 2);
      return { x: tensor(values, [1, 3, HEIGHT, WIDTH]) };
    });
    return async (rack) => (await Promise.all(lines.map((line) => rack.run(model, line)))).flatMap((outputs) => Object.values(outputs));
  },
};
