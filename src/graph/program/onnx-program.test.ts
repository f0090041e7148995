// Goal: stages have the right ports, data and keys, and what is no stage is refused. Method: small models made here.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { STORED_FILES, storedModel } from "../../../test/support/stored-onnx.ts";
import { cacheModel, controlModel, functionModel } from "../../../test/support/tiny-onnx.ts";
import { bytesOf } from "../../base/bytes.ts";
import { type ModelProto, ModelProtoSchema, StringStringEntryProtoSchema } from "../onnx/generated/onnx_pb.ts";
import { onnxProgram } from "./onnx-program.ts";
import type { Program } from "./program.ts";

const files = (path: string) => (STORED_FILES[path] === undefined ? undefined : bytesOf(STORED_FILES[path]));
const stored = (): Program => onnxProgram(bytesOf(storedModel()), { files });
const named = (ports: readonly { readonly name: string; readonly type: string }[]): string[] =>
  ports.map(({ name, type }) => `${name} ${type}`);

it("takes what bodies read from around them as inputs", () => {
  const program = onnxProgram(bytesOf(controlModel()));
  const choice = program.stage([0]);
  expect([named(choice.inputs), named(choice.outputs)]).toEqual([["x f32", "which bool"], ["chosen f32"]]);
  expect(named(program.stage([0, 1]).outputs)).toEqual(["last f32", "rows f32"]);
});

it("states the types of ports and keeps operator sets", () => {
  const proto = fromBinary(ModelProtoSchema, onnxProgram(bytesOf(cacheModel())).stage([1]).model.model);
  expect(proto.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([["", 17n]]);
  const types = [...proto.graph!.input, ...proto.graph!.output].map(({ name, type }) => {
    const value = type!.value;
    return value.case === "tensorType" ? [name, value.value.elemType, value.value.shape?.dim.map(({ value: size }) => size.value)] : [name];
  });
  expect(types).toEqual([
    ["present.0.key", 1, [undefined, 2n, undefined, 8n]],
    ["sizes", 7, [4n]],
  ]);
});

it("hands weights over as views of their files", () => {
  const file = storedModel();
  const stage = onnxProgram(bytesOf(file), { files }).stage([0, 1, 2, 3, 4]);
  const of = (buffer: Uint8Array) => stage.model.weights.filter(({ data }) => data.buffer === buffer.buffer).length;
  expect([of(file), of(STORED_FILES["weights.bin"]!), stage.model.weights.length]).toEqual([2, 2, 5]);
  expect(stage.weightBytes).toBe(5 * 4096);
});

it("gives equal keys to equal pieces and to nothing else", () => {
  const key = (operators: readonly number[], program = stored()) => program.stage(operators).key;
  expect(key([1, 0])).toBe(key([0, 1]));
  expect(new Set([key([0]), key([1]), key([0, 1]), key([2])]).size).toBe(4);
  const changed = Uint8Array.from(STORED_FILES["weights.bin"]!);
  changed[9] = changed[9]! ^ 1;
  const other = onnxProgram(bytesOf(storedModel()), { files: () => bytesOf(changed) });
  expect(key([2], other)).not.toBe(key([2]));
  expect(key([0], other)).toBe(key([0]));
  expect(stored().fingerprint).toBe(stored().fingerprint);
  expect(other.fingerprint).not.toBe(stored().fingerprint);
});

it("refuses what is not convex, not in the graph or has no data", () => {
  expect(() => stored().stage([0, 2])).toThrow("convex");
  expect(() => stored().stage([99])).toThrow("are in the graph");
  expect(() => onnxProgram(bytesOf(storedModel())).stage([2])).toThrow(expect.objectContaining({ code: "model-weights-missing" }));
  const short = onnxProgram(bytesOf(storedModel()), { files: () => bytesOf(new Uint8Array(4200)) });
  expect(short.stage([0]).weightBytes).toBe(4096);
  expect(() => short.stage([2, 3])).toThrow(expect.objectContaining({ code: "onnx-invalid" }));
});

it("refuses lists that are broken or too short", () => {
  const file = storedModel();
  const withList = (change: (proto: ModelProto) => void): Program => {
    const proto = fromBinary(ModelProtoSchema, file);
    change(proto);
    return onnxProgram(bytesOf(toBinary(ModelProtoSchema, proto)), { files });
  };
  const short = withList((proto) => proto.graph!.initializer.find(({ name }) => name === "listed")!.floatData.pop());
  expect(() => short.stage([1])).toThrow(expect.objectContaining({ code: "onnx-invalid" }));
  const place = { location: "", offset: "3", length: "4096", field: "4", start: "1", end: "40" };
  const lying = withList((proto) => {
    const tensor = proto.graph!.initializer.find(({ name }) => name === "first")!;
    tensor.externalData = Object.entries(place).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }));
  });
  expect(() => lying.stage([2])).toThrow(expect.objectContaining({ code: "onnx-invalid" }));
});

it("has operators of functions as its own", () => {
  const program = onnxProgram(bytesOf(functionModel()));
  expect(program.stage([0]).inputs.map(({ name }) => name)).toEqual(["x"]);
  expect(fromBinary(ModelProtoSchema, program.stage([0]).model.model).functions).toEqual([]);
});
