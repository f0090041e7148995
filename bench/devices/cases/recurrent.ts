import { loadGraph } from "../../../src/sdk/load-graph.ts";
import { tensor } from "../../../src/sdk/tensor.ts";
import type { DeviceCase } from "../device-case.ts";
import { cores, rackOf } from "../racks.ts";
import { samplePath } from "../sample-file.ts";

const MODEL = "text2tashkeel--bilstm.int8.onnx";
const TEXTS = 24;
const CHARACTERS = 128;

/** A network whose steps wait for one another: a second thread finds little to do, a second device does. */
export const recurrent: DeviceCase = {
  name: "recurrent",
  what: `a bidirectional LSTM that vowels Arabic (int8), ${TEXTS} texts of ${CHARACTERS} characters at once, ONNX Runtime on each core`,
  claim: "gains",
  emulated: false,
  models: [MODEL],
  mix: rackOf(cores("core-0", "ort", [0]), cores("core-1", "ort", [1])),
  singles: [
    { name: "ort, 1 thread", rack: rackOf(cores("core-0", "ort", [0])) },
    { name: "ort, 2 threads", rack: rackOf(cores("both", "ort", [0, 1])) },
  ],
  prepare: async () => {
    const model = await loadGraph(samplePath(MODEL), { name: "bilstm" });
    const [characters] = model.inputs;
    const texts = Array.from({ length: TEXTS }, (_, text) => {
      const ids = Array.from({ length: CHARACTERS }, (_unused, i) => 1 + ((text * 5 + i * 11) % 30));
      return { [characters!.name]: tensor(ids, [1, CHARACTERS], characters!.type) };
    });
    return async (rack) => {
      await Promise.all(texts.map((text) => rack.run(model, text)));
    };
  },
};
