// Goal: no trace, however damaged, does more than end in an error of the table. Method: seeded damage to protobuf and JSON of traces, wrong values
// in their fields, lengths that claim too much, and circles.
import { describe, expect, it } from "vitest";
import type { Prng } from "../../src/base/prng.ts";
import { readChakra } from "../../src/graph/chakra/read-chakra.ts";
import { inspectGraph } from "../../src/inspect/inspect-graph.ts";
import { SMALL_TRACE, type WrittenNode, writeChakra } from "../support/chakra-writer.ts";
import { countBy, guardedBytes, mutate, outcomeOf } from "../support/mutate.ts";
import { mutateText } from "./mutate-text.ts";
import { outcomesOf } from "./seeded-outcomes.ts";

const ALLOWED = ["chakra-invalid", "chakra-unsupported"];

const TRACE: readonly WrittenNode[] = [
  ...SMALL_TRACE,
  {
    id: 6,
    type: 4,
    dataDeps: [4],
    inputs: [
      "[[7, 8, 0, 6, 2, 'cuda:0'], [[9, 8, 0, 4, 4, 'cuda:0']], True]",
      "[[2, 3], [[4]], []]",
      "['Tensor(c10::Half)', 'GenericList[Tensor(float)]', 'Bool']",
    ],
    outputs: ["[[11, 12, 0, 6, 2, 'cuda:0']]", "[[2, 3]]", "['Tensor(c10::Half)']"],
  },
];

function read(trace: Uint8Array): void {
  const { graph } = readChakra(guardedBytes(trace, 4 * 1024 * 1024));
  expect(inspectGraph(graph, { name: "trace", sizes: {} }).phases).toHaveLength(1);
}

describe("damaged traces", () => {
  it("end in coded errors or load where bytes are damaged", () => {
    const trace = writeChakra(TRACE);
    const outcomes = outcomesOf({ first: 1_000_000, count: 1500, allowed: ALLOWED }, (prng) => read(mutate(prng, trace, trace.length)));
    const counts = countBy(outcomes);
    expect(counts["chakra-invalid"]).toBeGreaterThan(300);
    expect(counts["valid"]).toBeGreaterThan(100);
  });

  it("end in coded errors or load where values are others", () => {
    const outcomes = outcomesOf({ first: 2_000_000, count: 800, allowed: ALLOWED }, (prng) => {
      read(writeChakra(TRACE.map((node) => (prng.nextBelow(3) === 0 ? hostile(node, prng) : node))));
    });
    expect(Object.keys(countBy(outcomes)).sort()).toEqual(["chakra-invalid", "valid"]);
  });

  it("end in coded errors or load where the text of JSON is damaged", () => {
    const workload_graph = SMALL_TRACE.map(({ id, name, type, dataDeps, ctrlDeps, attributes }) => {
      return { Id: id, Name: name, NodeType: type, data_deps: dataDeps, ctrlDeps, runtime: 3, ...attributes };
    });
    const text = JSON.stringify({ workload_graph }, null, 1);
    const outcomes = outcomesOf({ first: 3_000_000, count: 700, allowed: ALLOWED }, (prng) =>
      read(new TextEncoder().encode(mutateText(text, prng))),
    );
    const counts = countBy(outcomes);
    expect(counts["chakra-invalid"]).toBeGreaterThan(200);
    expect(counts["valid"]).toBeGreaterThan(20);
  });

  it("that are long chains or wide fans end soon", () => {
    const chain = Array.from(
      { length: 20_000 },
      (_, at): WrittenNode => ({ id: at + 1, type: 4, dataDeps: at === 0 ? [] : [at], attributes: { num_ops: 1 } }),
    );
    expect(outcomeOf(() => read(writeChakra([...chain].reverse())), ALLOWED)).toBe("valid");
    const ring = chain.map((node) => (node.id === 1 ? { ...node, dataDeps: [20_000] } : node));
    expect(outcomeOf(() => read(writeChakra(ring)), ALLOWED)).toBe("chakra-invalid");
  });
});

const TEXTS = [
  "[",
  "[[1, 2, 3, 1e308, 4, 'x']]",
  "[[1, 2, 3, -5, 4, 'x']]",
  "[".repeat(5000),
  "'",
  "[[1,2,0,9007199254740991,8,'cuda']]",
  "\u0000",
  "",
];
const NUMBERS = [0, 1, -1, 2 ** 31, 2 ** 53, Number.MAX_SAFE_INTEGER, 11, 0.5];

function hostile(node: WrittenNode, prng: Prng): WrittenNode {
  const one = <T>(list: readonly T[]): T => list[prng.nextBelow(list.length)]!;
  const io = [one(TEXTS), one(TEXTS), one(TEXTS)] as const;
  switch (prng.nextBelow(6)) {
    case 0:
      return { ...node, id: one([0, 1, 2, 3, 18446744073709551615n]) };
    case 1:
      return { ...node, type: one([0, 1, 2, 7, 8, 9, 10, 11, 99]) };
    case 2:
      return { ...node, dataDeps: [one([0, 1, 3, 5, 6, 77]), one([0, 1, 3, 5, 6])] };
    case 3:
      return { ...node, inputs: io, outputs: io, attributes: {} };
    case 4:
      return {
        ...node,
        attributes: { num_ops: one(NUMBERS), tensor_size: one(NUMBERS), comm_type: one(NUMBERS), comm_size: one(NUMBERS) },
      };
    default:
      return { ...node, attributes: { num_ops: one(TEXTS), tensor_size: "12", comm_type: one(TEXTS), __proto__: 3, constructor: 4 } };
  }
}
