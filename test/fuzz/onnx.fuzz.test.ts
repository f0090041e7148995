/**
 * Goal: a damaged ONNX file is a coded error or a valid graph, in bounded memory. Method: seeded damage to small models with bodies,
 * functions, states, weights and shape arithmetic; reads are counted, every shape is evaluated; a failure names its seed.
 */
import { expect, test } from "vitest";
import { seededPrng } from "../../src/base/prng.ts";
import { constant, subtract, symbol, textOf } from "../../src/graph/ir/expression.ts";
import type { AttributeValue, Graph } from "../../src/graph/ir/graph.ts";
import { readOnnx } from "../../src/graph/onnx/read-onnx.ts";
import type { Fact } from "../../src/graph/shapes/fact.ts";
import { RULES } from "../../src/graph/shapes/rule-table.ts";
import { countBy, guardedBytes, mutate, outcomeOf } from "../support/mutate.ts";
import { tinyOnnxFiles } from "../support/tiny-onnx.ts";
import { outcomesOf } from "./seeded-outcomes.ts";

const CASES = 800;
const ALLOWED = ["onnx-invalid", "onnx-unsupported"];
/** Windows are read again where data was jumped over. */
const WINDOWS_BYTES = 64 << 20;

function check(graph: Graph): void {
  const made = new Set(graph.tensors.flatMap(({ origin }, id) => (origin === "activation" ? [] : [id])));
  for (const { inputs, outputs, bodies } of graph.operators) {
    for (const id of inputs) expect(id === undefined || made.has(id)).toBe(true);
    for (const id of outputs) if (id !== undefined) made.add(id);
    for (const body of bodies ?? []) check(body.graph);
  }
  for (const size of graph.tensors.flatMap(({ shape }) => shape ?? [])) expect(textOf(size).length).toBeLessThan(10_000);
}

for (const [index, [name, file]] of Object.entries(tinyOnnxFiles()).entries()) {
  test(`${name}: ${CASES} damaged files`, () => {
    check(readOnnx(guardedBytes(file, WINDOWS_BYTES)).graph);
    const outcomes = outcomesOf({ first: 1_000_000 * (index + 1), count: CASES, allowed: ALLOWED }, (prng) => {
      const damaged = mutate(prng, file, file.length);
      check(readOnnx(guardedBytes(damaged, 4 * file.length + WINDOWS_BYTES)).graph);
    });
    const counts = countBy(outcomes);
    expect(counts["onnx-invalid"]).toBeGreaterThan(CASES / 10);
    expect(counts["valid"]).toBeGreaterThan(0);
  });
}

const HUGE: readonly (readonly [string, readonly number[]])[] = [
  ["a graph of 2^62 bytes", [0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f]],
  ["a number without end", new Array<number>(40).fill(0xff)],
  ["a group", [0x3b, 0x3c]],
  ["nothing", []],
];

test.each(HUGE)("%s is an invalid file", (_, bytes) => {
  expect(outcomeOf(() => readOnnx(guardedBytes(Uint8Array.from(bytes), WINDOWS_BYTES)), ALLOWED)).toBe("onnx-invalid");
});

test("graphs nested without end, and millions of empty nodes, are refused", () => {
  const wrap = (tag: number, inner: readonly number[]): number[] => {
    const length: number[] = [];
    let rest = inner.length;
    for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
    return [tag, ...length, rest, ...inner];
  };
  let graph: number[] = [];
  // graph (7 of model) { node (1) { attribute (5) { g (6) … } } }
  for (let depth = 0; depth < 200; depth++) graph = wrap(0x0a, wrap(0x2a, wrap(0x32, graph)));
  const deep = Uint8Array.from(wrap(0x3a, graph));
  expect(outcomeOf(() => readOnnx(guardedBytes(deep, WINDOWS_BYTES)), ALLOWED)).toBe("onnx-unsupported");
  const nodes = new Uint8Array(6_000_000);
  for (let i = 0; i < nodes.length; i += 2) nodes[i] = 0x0a;
  const many = new Uint8Array(nodes.length + 5);
  many.set([0x3a, 0x80, 0x9b, 0xee, 0x02]);
  many.set(nodes, 5);
  expect(outcomeOf(() => readOnnx(guardedBytes(many, WINDOWS_BYTES)), ALLOWED)).toBe("onnx-unsupported");
});

test("no rule fails, whatever it is given", () => {
  const failures = new Map<string, string>();
  const prng = seededPrng(77);
  const sizes = [constant(0), constant(1), constant(3), symbol("n"), symbol("m"), subtract(symbol("n"), constant(2)), constant(7e15)];
  const pick = <T>(list: readonly T[]): T => list[prng.nextBelow(list.length)]!;
  const fact = (): Fact | undefined => {
    const rank = prng.nextBelow(7);
    if (rank === 6) return undefined;
    const shape = prng.nextBelow(8) === 0 ? undefined : Array.from({ length: rank }, () => pick(sizes));
    const count = prng.nextBelow(5);
    const value =
      prng.nextBelow(3) === 0 ? Array.from({ length: count }, () => pick([...sizes, constant(-1), constant(0.5), undefined])) : undefined;
    return value === undefined ? { type: "f32", shape } : { type: "i64", shape: count === 1 ? [] : [constant(count)], value };
  };
  const names = [
    "axis",
    "axes",
    "perm",
    "kernel_shape",
    "strides",
    "pads",
    "num_heads",
    "kv_num_heads",
    "q_num_heads",
    "blocksize",
    "k",
    "to",
    "keepdims",
  ];
  for (const [domain, rules] of Object.entries(RULES)) {
    for (const [type, rule] of Object.entries(rules)) {
      for (let i = 0; i < 120; i++) {
        const attributes: Record<string, AttributeValue> = { equation: pick(["ij,jk->ik", "...a,a", "->", "iij->j"]) };
        for (const name of names)
          if (prng.nextBelow(2) === 0)
            attributes[name] = pick<AttributeValue>([-1, 0, 1, 2, 3, 1e9, [1, 2], [0, -1], [2, 2, 2, 2], [], [0.5]]);
        let fresh = 0;
        const given = {
          type,
          inputs: Array.from({ length: prng.nextBelow(9) }, fact),
          attributes,
          outputs: 1 + prng.nextBelow(4),
          opset: pick([7, 11, 13, 18, 23]),
        };
        try {
          rule({
            ...given,
            fresh: (what) => symbol(`${what}#${fresh++}`),
            tensor: () => undefined,
            bodyInputs: () => 4,
            body: (_, inputs) => [...inputs, { type: "f32", shape: [symbol("r")] }],
          });
        } catch (cause) {
          failures.set(
            `${domain} ${type}`,
            `${cause}
${(cause as Error).stack?.split("\n").slice(1, 6).join("\n")}`,
          );
        }
      }
    }
  }
  expect([...failures]).toEqual([]);
});
