// Goal: no archive, however damaged, does more than end in an error of the table: no crash, no hang, no memory that the file does not pay for.
// Method: seeded damage to the zip, to the text of its JSON and to single values of it, and entries that claim more than they hold.
import { strToU8, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { bytesOf } from "../../src/base/bytes.ts";
import type { Prng } from "../../src/base/prng.ts";
import { textOf } from "../../src/graph/ir/expression.ts";
import { ATEN_RULES } from "../../src/graph/shapes/aten/rule-table.ts";
import { readTorchExport } from "../../src/graph/torch-export/read-torch-export.ts";
import { inspectGraph } from "../../src/inspect/inspect-graph.ts";
import { countBy, guardedBytes, mutate, outcomeOf } from "../support/mutate.ts";
import { entriesOf, programName } from "../support/pt2-archive.ts";
import { pt2Sample } from "../support/pt2-samples.ts";
import { mutateText } from "./mutate-text.ts";
import { outcomesOf } from "./seeded-outcomes.ts";

const ALLOWED = ["torch-export-invalid", "torch-export-unsupported"];
const FILES = ["mlp-core.pt2", "moe-written.pt2", "windows-core.pt2", "cnn-core.pt2", "mlp-core-old.pt2", "decoder-core.pt2"];

/** Directory and entries are read once, and the JSON is the greatest of them. */
const BUDGET_BYTES = 4 * 1024 * 1024;

function read(archive: Uint8Array): void {
  const { graph } = readTorchExport(guardedBytes(archive, BUDGET_BYTES));
  for (const { shape } of graph.tensors) shape?.forEach(textOf);
  for (const { inputs, outputs } of graph.operators)
    for (const id of [...inputs, ...outputs]) if (id !== undefined) expect(id).toBeLessThan(graph.tensors.length);
}

/** About as long as the directories of the samples. */
const DIRECTORY_BYTES = 1500;

interface Opened {
  readonly entries: Record<string, Uint8Array>;
  readonly name: string;
  readonly text: string;
}

function opened(file: string): Opened {
  const entries = entriesOf(pt2Sample(file));
  const name = programName(entries);
  return { entries, name, text: new TextDecoder().decode(entries[name]!).replace(/: -Infinity/g, ': "-Infinity"') };
}

function withText({ entries, name }: Opened, text: string): Uint8Array {
  return zipSync({ ...entries, [name]: strToU8(text) }, { level: 0 });
}

/** Damage anywhere, or in the directory at the end. */
function damaged(archive: Uint8Array, prng: Prng): Uint8Array {
  if (prng.nextBelow(2) === 0) return mutate(prng, archive, archive.length);
  const start = archive.length - DIRECTORY_BYTES;
  const tail = mutate(prng, archive.slice(start), DIRECTORY_BYTES);
  const whole = new Uint8Array(start + tail.length);
  whole.set(archive.subarray(0, start));
  whole.set(tail, start);
  return whole;
}

describe("damaged archives", () => {
  it("end in coded errors or load where the zip is damaged", () => {
    const outcomes = FILES.flatMap((file, index) => {
      const archive = pt2Sample(file);
      return outcomesOf({ first: 1_000_000 + index * 10_000, count: 250, allowed: ALLOWED }, (prng) => read(damaged(archive, prng)));
    });
    expect(outcomes).toHaveLength(1500);
    const counts = countBy(outcomes);
    expect(counts["torch-export-invalid"]).toBeGreaterThan(300);
    expect(counts["valid"]).toBeGreaterThan(100);
  });

  it("end in coded errors or load where the text of the JSON is damaged", () => {
    const outcomes = FILES.flatMap((file, index) => {
      const archive = opened(file);
      return outcomesOf({ first: 2_000_000 + index * 10_000, count: 150, allowed: ALLOWED }, (prng) =>
        read(withText(archive, mutateText(archive.text, prng))),
      );
    });
    expect(outcomes).toHaveLength(900);
    expect(countBy(outcomes)["torch-export-invalid"]).toBeGreaterThan(500);
  });

  it("end in coded errors or load where values of the JSON are others", () => {
    const outcomes = FILES.flatMap((file, index) => {
      const archive = opened(file);
      return outcomesOf({ first: 3_000_000 + index * 10_000, count: 250, allowed: ALLOWED }, (prng) => {
        const program: unknown = JSON.parse(archive.text);
        for (let changes = 1 + prng.nextBelow(3); changes > 0; changes--) changeOne(program, prng);
        read(withText(archive, JSON.stringify(program)));
      });
    });
    expect(outcomes).toHaveLength(1500);
    const counts = countBy(outcomes);
    expect(counts["torch-export-invalid"]).toBeGreaterThan(300);
    expect(counts["valid"]).toBeGreaterThan(300);
  });

  it("give figures or coded errors where they load", () => {
    const archive = opened("mlp-core.pt2");
    const outcomes = outcomesOf({ first: 4_000_000, count: 200, allowed: ALLOWED }, (prng) => {
      const program: unknown = JSON.parse(archive.text);
      changeOne(program, prng);
      const { graph } = readTorchExport(bytesOf(withText(archive, JSON.stringify(program))));
      inspectGraph(graph, { name: "damaged", sizes: {} });
    });
    expect(countBy(outcomes)["valid"]).toBeGreaterThan(20);
  });
});

describe("archives that claim more than they hold", () => {
  const small = opened("mlp-core.pt2");
  const claimed = (change: (view: DataView, at: number) => void): Uint8Array => {
    const archive = zipSync({ ...small.entries, [small.name]: [strToU8(small.text), { level: 9 }] });
    const view = new DataView(archive.buffer);
    for (let at = 0; at + 46 < archive.length; at++) {
      const isEntry = view.getUint32(at, true) === 0x02014b50;
      if (isEntry && new TextDecoder().decode(archive.subarray(at + 46, at + 46 + small.name.length)) === small.name) change(view, at);
    }
    return archive;
  };
  it.each<[string, () => Uint8Array, string]>([
    ["4 GB of text", () => claimed((view, at) => view.setUint32(at + 24, 0xfffffffe, true)), "torch-export-unsupported"],
    ["100 MB in 1 kB", () => claimed((view, at) => view.setUint32(at + 24, 100_000_000, true)), "torch-export-invalid"],
    [
      "one byte less",
      () => claimed((view, at) => view.setUint32(at + 24, view.getUint32(at + 24, true) - 1, true)),
      "torch-export-invalid",
    ],
    ["a compressed size past the file", () => claimed((view, at) => view.setUint32(at + 20, 0x7fffffff, true)), "torch-export-invalid"],
    ["a header that is elsewhere", () => claimed((view, at) => view.setUint32(at + 42, 3, true)), "torch-export-invalid"],
    ["another way of packing", () => claimed((view, at) => view.setUint16(at + 10, 99, true)), "torch-export-unsupported"],
    ["another checksum", () => claimed((view, at) => view.setUint32(at + 16, 7, true)), "torch-export-invalid"],
    [
      "zeros that unpack to more than is said",
      () => {
        const bomb = zipSync({ "model/models/model.json": [new Uint8Array(30_000_000), { level: 9 }] });
        const view = new DataView(bomb.buffer);
        for (let at = 0; at + 46 < bomb.length; at++) if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, 1000, true);
        return bomb;
      },
      "torch-export-invalid",
    ],
  ])("%s", (_, archive, code) => {
    expect(outcomeOf(() => read(archive()), ALLOWED)).toBe(code);
  });

  it("are read when nothing is changed", () => {
    expect(outcomeOf(() => read(claimed(() => {})), ALLOWED)).toBe("valid");
  });
});

describe("calls that no model makes", () => {
  const archive = opened("mlp-core.pt2");
  it("end in coded errors or load, for every operator with a rule", () => {
    const names = Object.keys(ATEN_RULES);
    expect(names.length).toBeGreaterThan(250);
    const outcomes = outcomesOf({ first: 5_000_000, count: CALLS_PER_RULE * names.length, allowed: ALLOWED }, (prng) => {
      const type = names[prng.nextBelow(names.length)]!;
      read(withText(archive, JSON.stringify(oneCall(`torch.ops.aten.${type}${prng.nextBelow(9) === 0 ? "_" : ""}.default`, prng))));
    });
    const counts = countBy(outcomes);
    expect(counts["torch-export-invalid"]).toBeGreaterThan(100);
    expect(counts["valid"]).toBeGreaterThan(100);
  });
});

const CALLS_PER_RULE = 12;

const TENSOR_NAMES =
  "self input other weight bias tensors indices index source src values query key value mat1 mat2 batch1 batch2 mask condition hx".split(
    " ",
  );
const SIZE_NAMES =
  "dim size sizes shape dims start end step stride padding dilation output_padding kernel_size groups normalized_shape split_size split_sizes " +
  "chunks repeats pad k n bins num_classes num_groups dim0 dim1 dim2 offset start_dim end_dim output_size length dimension steps m storage_offset";
const OTHER_NAMES = "keepdim transposed ceil_mode bidirectional dtype equation scale_factors padding other".split(" ");

/** A program of one call with arguments of many names, some of them right. */
function oneCall(target: string, prng: Prng): unknown {
  const one = <T>(list: readonly T[]): T => list[prng.nextBelow(list.length)]!;
  const number = (): number => one([0, 1, 2, 3, 4, 8, -1, -2, -9, 100, 9007199254740991, 2 ** 63, -(2 ** 63)]);
  const list = <T>(make: () => T): readonly T[] => Array.from({ length: prng.nextBelow(5) }, make);
  const size = (): unknown =>
    one<unknown>([
      { as_int: one([0, 1, 2, 3, 8, 9007199254740991]) },
      { as_expr: { expr_str: one(["s0", "s0*s1", "s0 - 9", "u0"]), hint: { as_int: 4 } } },
    ]);
  const meta = (): unknown => ({ dtype: one([5, 7, 7, 12, 13]), sizes: list(size) });
  const tensor = (): unknown => ({ name: one(["a", "b", "c"]) });
  const sizeArgument = (): unknown =>
    one<() => unknown>([
      () => ({ as_int: number() }),
      () => ({ as_ints: list(number) }),
      () => ({ as_sym_int: one<unknown>([{ as_name: "n" }, { as_name: "gone" }, { as_int: 3 }]) }),
      () => ({ as_sym_ints: list(() => one<unknown>([{ as_name: "n" }, { as_int: number() }])) }),
    ])();
  const tensorArgument = (): unknown =>
    one<() => unknown>([
      () => ({ as_tensor: tensor() }),
      () => ({ as_tensor: tensor() }),
      () => ({ as_tensors: list(tensor) }),
      () => ({ as_optional_tensors: list(() => one<unknown>([{ as_tensor: tensor() }, { as_none: true }])) }),
    ])();
  const other = (): unknown =>
    one<unknown>([
      { as_bool: true },
      { as_string: one(["same", "ij,jk->ik", "...,->"]) },
      { as_floats: [2, 0.5, 1e308] },
      { as_float: "Infinity" },
      { as_scalar_type: 7 },
    ]);
  const inputs = new Map<string, unknown>();
  for (const name of TENSOR_NAMES) if (prng.nextBelow(3) > 0) inputs.set(name, tensorArgument());
  for (const name of SIZE_NAMES.split(" ")) if (prng.nextBelow(3) > 0) inputs.set(name, sizeArgument());
  for (const name of OTHER_NAMES) if (prng.nextBelow(3) === 0) inputs.set(name, other());
  const names = ["a", "b", "c"];
  return {
    graph_module: {
      graph: {
        inputs: names.map((name) => ({ as_tensor: { name } })),
        outputs: [],
        nodes: [
          {
            target,
            inputs: [...inputs].map(([name, arg]) => ({ name, arg })),
            outputs: [{ as_tensors: list(() => 0).map((_, at) => ({ name: `out${at}` })) }],
            metadata: {},
          },
        ],
        tensor_values: Object.fromEntries(names.map((name) => [name, meta()])),
        sym_int_values: { n: { as_expr: { expr_str: "s0 + s1", hint: { as_int: 8 } } } },
      },
      signature: { input_specs: names.map((name) => ({ user_input: { arg: { as_tensor: { name } } } })), output_specs: [] },
    },
    range_constraints: {},
    schema_version: { major: 8, minor: 1 },
  };
}

/** Values that trouble readers: wrong kinds, numbers at the edges, sizes that grow, names of prototypes. */
const HOSTILE: readonly (() => unknown)[] = [
  () => null,
  () => -1,
  () => 0,
  () => 1,
  () => 2 ** 53 + 2,
  () => 1.7e308,
  () => 0.5,
  () => true,
  () => "",
  () => "x",
  () => "__proto__",
  () => [],
  () => ({}),
  () => ({ as_int: 4294967296 }),
  () => ({ as_ints: new Array(100).fill(9007199254740991) }),
  () => ({ as_expr: { expr_str: "Mul(".repeat(300), hint: null } }),
  () => ({ as_expr: { expr_str: "FloorDiv(Symbol('s0'), Integer(0))" } }),
  () => ({ as_expr: { expr_str: "Pow(Add(Symbol('a'), Symbol('b'), Symbol('c')), Integer(8))" } }),
  () => ({ as_expr: { expr_str: "Integer(1e400)" } }),
  () => ({ as_tensor: { name: "x" } }),
  () => ({ as_graph: { name: "g", graph: { inputs: [], outputs: [], nodes: [] } } }),
  () => "torch.ops.aten.view.default",
  () => "torch.ops.aten.cat.default",
  () => "torch.ops.aten.arange.start_step",
  () => "torch.ops.aten.convolution.default",
  () => "torch.ops.aten.index_put_.default",
  () => "torch.ops.aten.unfold.default",
];

/** Puts another value in one place of the tree, takes one out, or doubles one. */
function changeOne(tree: unknown, prng: Prng): void {
  let at = tree as Record<string, unknown>;
  for (;;) {
    const keys = Object.keys(at);
    const key = keys[prng.nextBelow(Math.max(1, keys.length))];
    if (key === undefined) return;
    const next = at[key];
    if (typeof next === "object" && next !== null && Object.keys(next).length > 0 && prng.nextBelow(6) > 0) {
      at = next as Record<string, unknown>;
      continue;
    }
    if (Array.isArray(at) && prng.nextBelow(4) === 0) at.splice(Number(key), prng.nextBelow(2), next);
    else if (prng.nextBelow(8) === 0) delete at[key];
    else if (typeof next === "number" && prng.nextBelow(2) === 0) at[key] = next + 1 - prng.nextBelow(3);
    else at[key] = HOSTILE[prng.nextBelow(HOSTILE.length)]!();
    return;
  }
}
