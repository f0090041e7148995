/**
 * Goal: whatever an ONNX file says, inspecting it ends in figures that are numbers or in a coded error, soon and in bounded memory. Method: seeded
 * damage to small models, hostile files made here, and every rule on random operators; a failure names its seed.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type Prng, seededPrng } from "../../src/base/prng.ts";
import { constant, subtract, symbol } from "../../src/graph/ir/expression.ts";
import type { AttributeValue, Graph, Operator, Tensor } from "../../src/graph/ir/graph.ts";
import {
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  TensorProto_DataType as Type,
} from "../../src/graph/onnx/generated/onnx_pb.ts";
import { readOnnx } from "../../src/graph/onnx/read-onnx.ts";
import { MICROSOFT_FLOPS } from "../../src/inspect/flops/microsoft.ts";
import { ONNX_FLOPS } from "../../src/inspect/flops/onnx.ts";
import { inspectGraph } from "../../src/inspect/inspect-graph.ts";
import { storedInGraph } from "../../src/inspect/stored-weights.ts";
import { countBy, guardedBytes, mutate, outcomeOf } from "../support/mutate.ts";
import { info, node, quantisedModel, tinyOnnxFiles } from "../support/tiny-onnx.ts";
import { outcomesOf } from "./seeded-outcomes.ts";

const CASES = 900;
const ALLOWED = ["onnx-invalid", "onnx-unsupported"];
const WINDOWS_BYTES = 64 << 20;
/** A model of this many operators is inspected in far less; what takes longer does not end. */
const PATIENCE_MS = 60_000;

/** Figures are numbers from 0 on, and add up. */
function check(graph: Graph): void {
  const found = inspectGraph(graph, { name: "fuzz", sizes: {} });
  const { total } = found.phases[0]!;
  const figures = found.groups.flatMap(({ figures: own, operators }) => [...own, ...operators.flatMap((each) => each.figures)]);
  for (const { flops, bytes } of [total, ...figures]) {
    expect(flops).toBeGreaterThanOrEqual(0);
    expect(bytes).toBeGreaterThanOrEqual(0);
  }
  expect(Number.isFinite(total.flops) && Number.isFinite(total.bytes)).toBe(true);
  expect(JSON.stringify(found).length).toBeLessThan(4_000_000);
  expect(storedInGraph(graph).parameters).toBeGreaterThanOrEqual(0);
}

const files = { ...tinyOnnxFiles(), quantised: quantisedModel() };

for (const [index, [name, file]] of Object.entries(files).entries()) {
  test(`${name}: ${CASES} damaged files`, { timeout: PATIENCE_MS }, () => {
    check(readOnnx(guardedBytes(file, WINDOWS_BYTES)).graph);
    const outcomes = outcomesOf({ first: 50_000_000 + 1_000_000 * index, count: CASES, allowed: ALLOWED }, (prng) => {
      const damaged = mutate(prng, file, file.length);
      check(readOnnx(guardedBytes(damaged, 4 * file.length + WINDOWS_BYTES)).graph);
    });
    const counts = countBy(outcomes);
    expect(counts["onnx-invalid"]).toBeGreaterThan(CASES / 20);
    expect(counts["valid"]).toBeGreaterThan(0);
  });
}

function model(graph: Partial<Parameters<typeof create<typeof GraphProtoSchema>>[1]>): Uint8Array {
  const opsetImport = [
    { domain: "", version: 17n },
    { domain: "com.microsoft", version: 1n },
  ];
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, opsetImport, graph: graph as GraphProto }));
}

const HUGE = 9_007_199_254_740_991;
const sum = (letter: string, terms: number): string => Array.from({ length: terms }, (_, n) => `${letter}${n}`).join("+");

const HOSTILE: Readonly<Record<string, () => Uint8Array>> = {
  "sizes whose product no number holds": () =>
    model({
      input: [info("x", Type.FLOAT, new Array<number>(60).fill(HUGE))],
      node: [node("Add", ["x", "x"], ["y"])],
      output: [info("y", Type.FLOAT)],
    }),
  "products of long sums": () =>
    model({
      input: [
        info("x", Type.FLOAT, ["a", sum("b", 40), sum("c", 40), sum("d", 40)]),
        info("z", Type.FLOAT, ["a", sum("b", 40), sum("d", 40), "e"]),
      ],
      node: [node("MatMul", ["x", "z"], ["y"])],
      output: [info("y", Type.FLOAT)],
    }),
  "a state of long sums": () =>
    model({
      input: [info("past_key_values.0.key", Type.FLOAT, [sum("a", 60), sum("b", 60), sum("c", 60), sum("d", 60)])],
      node: [node("Neg", ["past_key_values.0.key"], ["present.0.key"])],
      output: [info("present.0.key", Type.FLOAT)],
    }),
  "a name of a hundred thousand scopes": () => {
    const deep = node("Relu", ["x"], ["y"]);
    deep.name = "/a1".repeat(100_000);
    return model({ input: [info("x", Type.FLOAT, [1])], node: [deep], output: [info("y", Type.FLOAT)] });
  },
  "a thousand parts of a thousand sizes": () => {
    const steps = Array.from({ length: 1000 }, (_, n) => {
      const step = node("Concat", [n === 0 ? "x" : `y${n - 1}`, "x"], [`y${n}`], { axis: 0 });
      step.name = `/layers.${n}/part/Concat`;
      return step;
    });
    return model({ input: [info("x", Type.FLOAT, ["n"])], node: steps, output: [info("y999", Type.FLOAT)] });
  },
  "choices within choices": () => {
    const choice = (depth: number): GraphProto => {
      const out = `out${depth}`;
      const inner = depth === 0 ? [node("Relu", ["x"], [out])] : [node("If", ["which"], [out], branches(depth - 1))];
      return create(GraphProtoSchema, { name: out, node: inner, output: [info(out, Type.FLOAT)] });
    };
    const branches = (depth: number): Record<string, GraphProto> => ({ then_branch: choice(depth), else_branch: choice(depth) });
    return model({
      input: [info("x", Type.FLOAT, [4]), info("which", Type.BOOL, [])],
      node: [node("If", ["which"], ["y"], branches(9))],
      output: [info("y", Type.FLOAT)],
    });
  },
  "nodes that read from one another in a circle": () =>
    model({
      input: [info("x", Type.FLOAT, [4])],
      node: [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"])],
      output: [info("b", Type.FLOAT)],
    }),
};

test.each(Object.entries(HOSTILE))("%s: figures or a coded error", { timeout: PATIENCE_MS }, (_, make) => {
  const file = make();
  expect(["valid", ...ALLOWED]).toContain(
    outcomeOf(() => check(readOnnx(guardedBytes(file, 4 * file.length + WINDOWS_BYTES)).graph), ALLOWED),
  );
});

test("no rule fails, whatever it is given", { timeout: PATIENCE_MS }, () => {
  const failures = new Map<string, string>();
  const prng = seededPrng(91);
  for (const [domain, rules] of Object.entries({ onnx: ONNX_FLOPS, "com.microsoft": MICROSOFT_FLOPS })) {
    for (const type of Object.keys(rules)) {
      for (let i = 0; i < 25; i++) {
        try {
          check(randomOperator(prng, { domain, type }));
        } catch (cause) {
          failures.set(`${domain} ${type}`, `${cause} ${(cause as Error).stack?.split("\n").slice(1, 8).join("\n")}`);
        }
      }
    }
  }
  expect([...failures]).toEqual([]);
});

const ATTRIBUTES =
  "axis transA transB transBatchA group num_heads kv_num_heads q_num_heads K bits k expert_weight_bits unidirectional".split(" ");
const MORE = "is_causal local_window_size onesided past_present_share_buffer qkv_hidden_sizes hidden_size".split(" ");

function randomOperator(prng: Prng, kind: { readonly domain: string; readonly type: string }): Graph {
  const pick = <T>(list: readonly T[]): T => list[prng.nextBelow(list.length)]!;
  const sizes = [0, 1, 3, 8, HUGE].map(constant);
  const open = [symbol("n"), symbol("context"), subtract(symbol("n"), constant(900)), subtract(symbol("context"), symbol("tokens"))];
  const tensors: Tensor[] = [];
  const tensor = (origin: Tensor["origin"]): number | undefined => {
    if (prng.nextBelow(6) === 0) return undefined;
    const fixed = origin === "weight";
    const shape = Array.from({ length: prng.nextBelow(6) }, () => pick(fixed ? sizes.slice(0, 4) : [...sizes, ...open]));
    const isKnown = fixed || prng.nextBelow(8) > 0;
    return (
      tensors.push({ name: `t${tensors.length}`, type: pick(["f32", "u8", "i4", "f16"]), shape: isKnown ? shape : undefined, origin }) - 1
    );
  };
  const inputs = Array.from({ length: prng.nextBelow(10) }, () => tensor(pick(["input", "input", "weight"])));
  const outputs = Array.from({ length: 1 + prng.nextBelow(3) }, () => tensor("activation"));
  const attributes: Record<string, AttributeValue> = { equation: pick(["ij,jk->ik", "...a,a", "->", "iij->j", "a,b,c->", "ij,jk"]) };
  for (const name of [...ATTRIBUTES, ...MORE]) {
    if (prng.nextBelow(2) === 0) attributes[name] = pick<AttributeValue>([-1, 0, 1, 2, 3, 1e9, 0.5, "x", [1, 2], []]);
  }
  const operator: Operator = { name: "", ...kind, inputs, outputs, attributes, accesses: [], scope: "" };
  const given = inputs.filter((id) => id !== undefined && tensors[id]!.origin === "input") as number[];
  return { name: "random", source: "test", tensors, operators: [operator], states: [], inputs: given, outputs: [] };
}

test("varints and lengths without end", () => {
  const bombs: readonly (readonly number[])[] = [
    [0x3a, ...new Array<number>(9).fill(0xff), 0x01],
    [0x3a, 0x05, 0x0a, 0xff, 0xff, 0xff, 0xff],
    new Array<number>(100).fill(0x80),
    [0x3a, 0x04, 0x2a, 0x02, 0x08, 0x80],
  ];
  for (const bytes of bombs) {
    expect(outcomeOf(() => check(readOnnx(guardedBytes(Uint8Array.from(bytes), WINDOWS_BYTES)).graph), ALLOWED)).toBe("onnx-invalid");
  }
});
