// Goal: operations of ATen operators are those that PyTorch's own counter counts. Method: every operator of exported models against the stored
// counts of torch.utils.flop_counter, one by one; hand-made counts for what the counter does not have.
import { describe, expect, it } from "vitest";
import { type Pt2Sample, pt2Sample, pt2Samples } from "../../../test/support/pt2-samples.ts";
import { bytesOf } from "../../base/bytes.ts";
import { constant, evaluate, textOf } from "../../graph/ir/expression.ts";
import type { Graph, Operator } from "../../graph/ir/graph.ts";
import { readTorchExport } from "../../graph/torch-export/read-torch-export.ts";
import { inspectGraph } from "../inspect-graph.ts";
import { flopsOf } from "./rule-table.ts";

/** The samples with branches have operators of other domains. */
const SAMPLES = pt2Samples().filter(({ file }) => !file.startsWith("choice"));

/** Products that PyTorch's counter has no row for, and operators without a rule here, which do no products. */
const UNCOUNTED = ["mv", "dot", "addmv", "take_along_dim", "hstack", "pixel_shuffle", "im2col", "glu"];

/** Operators whose count is another one than PyTorch's; operators without a rule among them. */
function differences(sample: Pt2Sample): readonly string[] {
  const { graph } = readTorchExport(bytesOf(sample.bytes));
  return graph.operators.flatMap((operator) => {
    if (UNCOUNTED.includes(operator.type)) return [];
    const flops = flopsOf(graph, operator);
    const counted = flops === undefined ? undefined : evaluate(flops, sample.sizes);
    const expected = sample.flops[operator.name] ?? 0;
    return counted === expected ? [] : [`${operator.name}: ${counted} and not ${expected}`];
  });
}

describe("operations of ATen operators", () => {
  it.each(SAMPLES.map((sample) => [sample.file, sample] as const))("%s: each operator as PyTorch counts it", (_, sample) => {
    expect(Object.keys(sample.flops).length).toBeGreaterThan(1);
    expect(differences(sample)).toEqual([]);
  });

  it("sees a count that is wrong", () => {
    const [sample] = SAMPLES;
    const [name, count] = Object.entries(sample!.flops)[0]!;
    expect(differences({ ...sample!, flops: { ...sample!.flops, [name]: count + 2 } })).toHaveLength(1);
  });

  it.each<[string, readonly (readonly number[])[], readonly number[], Operator["attributes"], string | undefined]>([
    ["addmm", [[5], [3, 4], [4, 5]], [3, 5], {}, "120"],
    ["matmul", [[7, 3, 4], [4]], [7, 3], {}, "168"],
    [
      "scaled_dot_product_attention",
      [
        [2, 4, 3, 8],
        [2, 1, 6, 8],
        [2, 1, 6, 5],
      ],
      [2, 4, 3, 5],
      {},
      "3744",
    ],
    [
      "conv_transpose1d",
      [
        [2, 6, 10],
        [6, 4, 3],
      ],
      [2, 4, 12],
      {},
      "2880",
    ],
    [
      "einsum",
      [
        [2, 3, 4],
        [3, 2],
      ],
      [3, 4],
      { equation: "etd,te->td" },
      "48",
    ],
    [
      "einsum",
      [
        [2, 3],
        [3, 2],
        [2, 2],
      ],
      [2, 2],
      { equation: "ab,bc,cd->ad" },
      undefined,
    ],
    ["lstm", [[5, 2, 3], [1, 2, 4], [1, 2, 4], [16, 3], [16, 4], [16], [16]], [5, 2, 4], {}, "2240"],
    ["gelu_", [[5, 2]], [5, 2], {}, "0"],
    ["_fft_r2c", [[5, 2]], [5, 2], {}, undefined],
  ])("%s", (type, inputs, output, attributes, expected) => {
    const tensors = [...inputs, output].map((shape, at) => ({
      name: `t${at}`,
      type: "f32" as const,
      shape: shape.map(constant),
      origin: at < inputs.length ? ("input" as const) : ("activation" as const),
    }));
    const operator: Operator = {
      name: "one",
      type,
      domain: "aten",
      inputs: inputs.map((_, at) => at),
      outputs: [inputs.length],
      attributes,
      accesses: [],
      scope: "",
    };
    const graph: Graph = { name: "", source: "", tensors, operators: [operator], states: [], inputs: [], outputs: [inputs.length] };
    const flops = flopsOf(graph, operator);
    expect(flops && textOf(flops)).toBe(expected);
  });
});

describe("branches of exported models", () => {
  it.each(["choice-written.pt2", "choice-core.pt2"])(
    "%s: the branch that does most counts, as PyTorch counts it when it is taken",
    (file) => {
      const sample = pt2Samples().find((each) => each.file === file)!;
      const { graph } = readTorchExport(bytesOf(sample.bytes));
      const { phases, unknownWork } = inspectGraph(graph, { name: file, sizes: sample.sizes });
      expect(unknownWork).toEqual([{ domain: "samples", type: "scaled", reason: "no rule", count: 1 }]);
      expect(phases[0]!.total.flops).toBe(Object.values(sample.flops).reduce((sum, count) => sum + count, 0));
    },
  );
});

describe("bytes of states in exported models", () => {
  // Both caches of 3 sequences, 2 heads, 24 places, width 8; 5 tokens are written.
  const whole = 2 * 3 * 2 * 24 * 8 * 4;
  const written = 2 * 3 * 2 * 5 * 8 * 4;
  it.each<[string, number]>([
    ["decoder-written.pt2", whole],
    // Core operators spread the heads to those of the queries first; what is read then is the spread view.
    ["decoder-core.pt2", 2 * whole],
    ["decoder-given-cache-core.pt2", 2 * whole],
  ])("%s: caches are read whole, written in part", (file, read) => {
    const { graph } = readTorchExport(bytesOf(pt2Sample(file)));
    const { phases, unknownWork } = inspectGraph(graph, { name: file, sizes: { s23: 3, s27: 5 } });
    expect(unknownWork).toEqual([]);
    expect(phases[0]!.total.stateBytes).toBe(read + written);
  });
});
