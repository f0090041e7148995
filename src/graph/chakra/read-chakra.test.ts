// Goal: a trace becomes the graph of what it says, in an order its dependences allow. Method: small traces written by an encoder of our own,
// Chakra's published samples where they are at hand, and planted circles, doubles and damage.
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { SMALL_TRACE, type WrittenNode, writeChakra } from "../../../test/support/chakra-writer.ts";
import { bytesOf } from "../../base/bytes.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { inspectGraph } from "../../inspect/inspect-graph.ts";
import { constantOf } from "../ir/expression.ts";
import { parseLiteral } from "./python-literal.ts";
import { type ChakraReading, readChakra } from "./read-chakra.ts";

/** tests/data of mlcommons/chakra at 21585d8. */
const SHARED = "../shared/data/chakra";

function read(nodes: readonly WrittenNode[]): ChakraReading {
  return readChakra(bytesOf(writeChakra(nodes)));
}

function failure(use: () => unknown): string {
  try {
    use();
    return "no failure";
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error;
    return `${error.code} ${error.message}`;
  }
}

describe("Chakra traces", () => {
  it("keep types, attributes and durations", () => {
    const { graph, unknown, missingDependences } = read(SMALL_TRACE);
    expect(graph.source).toBe("Chakra trace, schema 0.0.4");
    expect(graph.operators.map(({ type, name }) => `${type} ${name}`)).toEqual([
      "MEM_LOAD load",
      "COMP mm",
      "ALL_REDUCE all-reduce",
      "COMP mm",
      "COMM_SEND send",
    ]);
    expect(graph.operators[2]!.attributes).toMatchObject({ comm_size: 512, comm_group: "0", involved_dim: [1, 0] });
    expect(graph.operators[1]!.attributes).toMatchObject({ id: "2", duration_micros: 12 });
    expect(graph.operators[3]!.attributes).toMatchObject({ ratio: 0.5, is_cpu_op: false });
    expect([unknown, missingDependences]).toEqual([[], 0]);
  });

  it("count the operations and bytes that nodes state", () => {
    const { phases, unknownWork } = inspectGraph(read(SMALL_TRACE).graph, { name: "trace", sizes: {} });
    expect(unknownWork).toEqual([]);
    expect(phases[0]!.total).toMatchObject({ flops: 4_000_000, activationBytes: 4096 + 2048 + 512 + 1024 + 64 });
  });

  it("are put in order, and joined by what they depend on", () => {
    const { graph } = read([...SMALL_TRACE].reverse());
    expect(graph.operators.map(({ attributes }) => attributes["id"])).toEqual(["1", "2", "3", "4", "5"]);
    const ends = graph.operators[3]!.inputs.map((id) => graph.tensors[id!]!.name);
    expect(ends).toEqual(["3.end", "2.end"]);
  });

  it("take tensors from arguments where no size is stated", () => {
    const values = "[[7, 8, 0, 6, 2, 'cuda:0'], [[9, 8, 0, 4, 4, 'cuda:0'], [10, 8, 0, 5, 4, 'cuda:0']], True, '<None>']";
    const inputs = [
      values,
      "[[2, 3], [[4], [5]], [], []]",
      "['Tensor(c10::Half)', 'GenericList[Tensor(float),Tensor(float)]', 'Bool', 'None']",
    ] as const;
    const outputs = ["[[11, 12, 0, 6, 2, 'cuda:0']]", "[[2, 3]]", "['Tensor(c10::Half)']"] as const;
    const { graph } = read([
      { id: 1, type: 4, inputs, outputs },
      { id: 2, type: 4, dataDeps: [1], inputs: outputs },
    ]);
    const shown = graph.tensors.map(({ name, type, shape }) => `${name} ${type} ${shape!.map(constantOf).join("x")}`);
    expect(shown).toEqual(["tensor 7 f16 2x3", "tensor 9 f32 4", "tensor 10 f32 5", "1.tensor 11 f16 2x3", "1.end u8 0", "2.end u8 0"]);
    expect(graph.operators[1]!.inputs.map((id) => graph.tensors[id!]!.name)).toEqual(["1.tensor 11", "1.end"]);
  });

  it("list compute nodes that state no operations, and count dependences on nodes outside", () => {
    const { unknown, missingDependences } = read([
      { id: 1, type: 4, ctrlDeps: [99] },
      { id: 2, type: 4, dataDeps: [1, 98] },
    ]);
    expect(unknown).toEqual([{ domain: "chakra", type: "COMP", count: 2 }]);
    expect(missingDependences).toBe(2);
  });

  it("are read from JSON workload graphs as well", () => {
    const workload_graph = [
      { Id: 2, Name: "b", NodeType: 7, data_deps: [1], comm_type: 2, comm_size: 96, runtime: 4 },
      { Id: 1, Name: "a", NodeType: 4, ctrlDeps: [3], data_deps: [], num_ops: 10, tensor_size: 20 },
    ];
    const { graph, missingDependences } = readChakra(bytesOf(new TextEncoder().encode(JSON.stringify({ workload_graph }, null, 1))));
    expect(graph.operators.map(({ type }) => type)).toEqual(["COMP", "ALL_GATHER"]);
    expect(missingDependences).toBe(1);
    const total = inspectGraph(graph, { name: "trace", sizes: {} }).phases[0]!.total;
    expect(total).toMatchObject({ flops: 10, activationBytes: 116 });
  });

  it.each<[string, () => Uint8Array, RegExp]>([
    [
      "a circle",
      () =>
        writeChakra([
          { id: 1, type: 4, dataDeps: [2] },
          { id: 2, type: 4, dataDeps: [1] },
        ]),
      /invalid.*circle/,
    ],
    ["a node that waits for itself", () => writeChakra([{ id: 1, type: 4, dataDeps: [1] }]), /invalid.*circle/],
    [
      "an id twice",
      () =>
        writeChakra([
          { id: 1, type: 4 },
          { id: 1, type: 4 },
        ]),
      /invalid.*twice/,
    ],
    ["a type that is none", () => writeChakra([{ id: 1, type: 44 }]), /invalid.*44/],
    ["a file cut off", () => writeChakra(SMALL_TRACE).subarray(0, -3), /invalid.*announced/],
    ["an empty file", () => new Uint8Array(0), /invalid.*empty/],
    ["JSON of another kind", () => new TextEncoder().encode('{"nodes": []}'), /unsupported.*workload_graph/],
    ["JSON that ends", () => new TextEncoder().encode('{"workload_graph": ['), /invalid/],
    ["JSON with an id that is none", () => new TextEncoder().encode('{"workload_graph": [{"Id": "x", "NodeType": 4}]}'), /invalid.*Id/],
  ])("refuse %s", (_, bytes, message) => {
    expect(failure(() => readChakra(bytesOf(bytes())))).toMatch(message);
  });

  it("leave control dependences out where they contradict the data dependences", () => {
    const { graph, usesControl } = read([
      { id: 1, type: 4, ctrlDeps: [2] },
      { id: 2, type: 4, dataDeps: [1] },
    ]);
    expect(usesControl).toBe(false);
    expect(graph.operators.map(({ attributes }) => attributes["id"])).toEqual(["1", "2"]);
    expect(read(SMALL_TRACE).usesControl).toBe(true);
  });

  it.skipIf(!existsSync(SHARED))("of Chakra's own tests are read, and tell the same in both forms", () => {
    const trace = readChakra(bytesOf(unpacked("feeder_tests_trace.tar.gz", "chakra.0.et")));
    const json = readChakra(bytesOf(unpacked("json_trace.tar.gz", "chakra.0.json")));
    expect(trace.graph.source).toBe("Chakra trace, schema 1.0.1");
    expect([trace.graph.operators.length, trace.usesControl, trace.missingDependences]).toEqual([3664, false, 0]);
    const factsOf = ({ graph }: ChakraReading): readonly string[] =>
      graph.operators.map(({ attributes, type }) => `${attributes["id"]} ${type === "COMP"} ${attributes["duration_micros"]}`).sort();
    expect(factsOf(json)).toEqual(factsOf(trace));
    expect(trace.graph.operators.filter(({ type }) => type !== "COMP")).toHaveLength(21);
  });
});

/** Bytes of a block of a tar archive. */
const BLOCK = 512;

/** A file of a packed tar archive whose path ends so. */
function unpacked(archive: string, name: string): Uint8Array {
  const tar = gunzipSync(readFileSync(`${SHARED}/${archive}`));
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const size = Number.parseInt(tar.toString("latin1", at + 124, at + 136), 8) || 0;
    const path = tar.toString("latin1", at, at + 100).replace(/\0.*$/s, "");
    if (path.endsWith(`/${name}`) && !path.includes("._") && !path.includes("small")) return tar.subarray(at + BLOCK, at + BLOCK + size);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return new Uint8Array(0);
}

describe("values in Python's notation", () => {
  it.each<[string, unknown]>([
    ["[1, 'a, [b]', [-2.5, []], None]", [1, "a, [b]", [-2.5, []], "None"]],
    ['(1, "it\'s")', [1, "it's"]],
    ["[[1]", undefined],
    ["[1]]", undefined],
    ["['open]", undefined],
    [`${"[".repeat(99)}${"]".repeat(99)}`, undefined],
  ])("%s", (text, value) => {
    expect(parseLiteral(text)).toEqual(value);
  });
});
