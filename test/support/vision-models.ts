/** Published convolutional networks as ONNX graphs, from the descriptions in their papers; weights have sizes and no values. */
import { createOnnxBuilder, type OnnxBuilder, type Value } from "../../src/graph/onnx/builder.ts";

interface Network {
  readonly builder: OnnxBuilder;
  /** A weight; its bytes are said to lie beside the file. */
  weight(dims: readonly number[]): Value;
}

interface Filter {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly group?: number;
}

function network(name: string): Network {
  const builder = createOnnxBuilder(name);
  let next = 0;
  return {
    builder,
    weight: (dims) => builder.weight(`w${next++}`, "float32", dims, new Uint8Array(dims.reduce((product, size) => product * size, 4))),
  };
}

/** A convolution that keeps the size but for its stride, and a batch norm with its four vectors. */
function normed({ builder, weight }: Network, x: Value, { inputs, outputs, kernel, stride = 1, group = 1 }: Filter): Value {
  const pad = (kernel - 1) / 2;
  const attributes = { strides: [stride, stride], pads: [pad, pad, pad, pad], group };
  const seen = builder.node("Conv", [x, weight([outputs, inputs / group, kernel, kernel])], { attributes });
  return builder.node("BatchNormalization", [seen, ...Array.from({ length: 4 }, () => weight([outputs]))]);
}

function classified({ builder, weight }: Network, x: Value, width: number): Uint8Array {
  const pooled = builder.node("Flatten", [builder.node("GlobalAveragePool", [x])]);
  const scores = builder.node("Gemm", [pooled, weight([1000, width]), weight([1000])], { attributes: { transB: 1 } });
  builder.output(scores, "float32", ["batch", 1000]);
  return builder.build().model;
}

/** He et al. 2015, arXiv 1512.03385, table 1, 50 layers; the stride in the 3 x 3 filter, as torchvision builds it. */
export function resnet50(): Uint8Array {
  const net = network("ResNet-50");
  const { builder } = net;
  const image = builder.input("image", "float32", ["batch", 3, "height", "width"]);
  let x = builder.node("Relu", [normed(net, image, { inputs: 3, outputs: 64, kernel: 7, stride: 2 })]);
  x = builder.node("MaxPool", [x], { attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] } });
  let inputs = 64;
  [3, 4, 6, 3].forEach((blocks, stage) => {
    const width = 64 * [1, 2, 4, 8][stage]!;
    for (let block = 0; block < blocks; block++) {
      const stride = block === 0 && stage > 0 ? 2 : 1;
      const a = builder.node("Relu", [normed(net, x, { inputs, outputs: width, kernel: 1 })]);
      const b = builder.node("Relu", [normed(net, a, { inputs: width, outputs: width, kernel: 3, stride })]);
      const c = normed(net, b, { inputs: width, outputs: 4 * width, kernel: 1 });
      const past = block === 0 ? normed(net, x, { inputs, outputs: 4 * width, kernel: 1, stride }) : x;
      x = builder.node("Relu", [builder.node("Add", [c, past])]);
      inputs = 4 * width;
    }
  });
  return classified(net, x, inputs);
}

/** Sandler et al. 2018, arXiv 1801.04381, table 2: expansion, channels, repeats, first stride. */
const MOBILE = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

export function mobilenetV2(): Uint8Array {
  const net = network("MobileNetV2");
  const { builder } = net;
  const clipped = (value: Value): Value => builder.node("Relu", [value]);
  const image = builder.input("image", "float32", ["batch", 3, "height", "width"]);
  let x = clipped(normed(net, image, { inputs: 3, outputs: 32, kernel: 3, stride: 2 }));
  let inputs = 32;
  for (const [expansion, outputs, repeats, first] of MOBILE) {
    for (let block = 0; block < repeats; block++) {
      const inner = inputs * expansion;
      const wide = expansion === 1 ? x : clipped(normed(net, x, { inputs, outputs: inner, kernel: 1 }));
      const stride = block === 0 ? first : 1;
      const deep = clipped(normed(net, wide, { inputs: inner, outputs: inner, kernel: 3, stride, group: inner }));
      const thin = normed(net, deep, { inputs: inner, outputs, kernel: 1 });
      x = stride === 1 && inputs === outputs ? builder.node("Add", [x, thin]) : thin;
      inputs = outputs;
    }
  }
  x = clipped(normed(net, x, { inputs, outputs: 1280, kernel: 1 }));
  return classified(net, x, 1280);
}
