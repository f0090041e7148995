import { loadGraph } from "../../../src/sdk/load-graph.ts";
import { tensor } from "../../../src/sdk/tensor.ts";
import type { DeviceCase } from "../device-case.ts";
import { cores, rackOf } from "../racks.ts";
import { samplePath } from "../sample-file.ts";

const MODEL = "magika--model.onnx";
const FILES = 48;
/** Bytes the model looks at: of the beginning and of the end. */
const BYTES = 2048;

/** Small requests in which a second thread finds next to nothing to do, and a second device does. */
export const files: DeviceCase = {
  name: "files",
  what: `Magika, what kind of file ${FILES} files are, at once, ONNX Runtime on each core`,
  claim: "gains",
  emulated: false,
  models: [MODEL],
  mix: rackOf(cores("core-0", "ort", [0]), cores("core-1", "ort", [1])),
  singles: [
    { name: "ort, 1 thread", rack: rackOf(cores("core-0", "ort", [0])) },
    { name: "ort, 2 threads", rack: rackOf(cores("both", "ort", [0, 1])) },
  ],
  prepare: async () => {
    const model = await loadGraph(samplePath(MODEL), { name: "magika" });
    const [bytes] = model.inputs;
    const requests = Array.from({ length: FILES }, (_, file) => {
      const values = Array.from({ length: BYTES }, (_unused, i) => (file * 17 + i * 31) % 256);
      return { [bytes!.name]: tensor(values, [1, BYTES], bytes!.type) };
    });
    return async (rack) =>
      (await Promise.all(requests.map((request) => rack.run(model, request)))).flatMap((outputs) => Object.values(outputs));
  },
};
