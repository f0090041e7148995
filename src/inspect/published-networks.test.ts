/**
 * Goal: published networks cost what is published. Method: their graphs from the papers' tables, against the parameters and multiply-adds that
 * torchvision lists for its weights (docs, "Table of all available classification weights"): at 224 x 224, norms' running means left out.
 */
import { expect, test } from "vitest";
import { mobilenetV2, resnet50 } from "../../test/support/vision-models.ts";
import { bytesOf } from "../base/bytes.ts";
import { readOnnx } from "../graph/onnx/read-onnx.ts";
import { inspectGraph } from "./inspect-graph.ts";

test.each([
  { name: "ResNet-50", file: resnet50, parameters: 25_557_032, gigaMultiplyAdds: 4.09 },
  { name: "MobileNetV2", file: mobilenetV2, parameters: 3_504_872, gigaMultiplyAdds: 0.3 },
])("$name", ({ name, file, parameters, gigaMultiplyAdds }) => {
  const { graph } = readOnnx(bytesOf(file()));
  const found = inspectGraph(graph, { name, sizes: { batch: 2 } });
  expect(found.sizes!.map(({ symbol, value }) => [symbol, value])).toEqual([
    ["batch", 2],
    ["height", 224],
    ["width", 224],
  ]);
  const norms = graph.operators.filter(({ type }) => type === "BatchNormalization");
  const running = norms.reduce((sum, { inputs }) => sum + 2 * graph.tensors[inputs[1]!]!.shape![0]!.terms[0]!.coefficient, 0);
  expect(found.parameters.total - running).toBe(parameters);
  expect(Number((found.phases[0]!.total.flops / 2 / 2 / 1e9).toFixed(2))).toBe(gigaMultiplyAdds);
  expect(found.unknownWork).toEqual([]);
});
