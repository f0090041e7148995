/** Goal: graphs on OpenVINO read weights and inputs where they lie, and fail with the library's words. Method: graphs of one operator. */
import { describe, expect, it } from "vitest";
import { loadGraph } from "../../src/execute/drivers/openvino/loaded-graph.ts";
import { withWeightAddresses } from "../../src/execute/drivers/openvino/memory-weights.ts";
import { openOpenvino } from "../../src/execute/drivers/openvino/openvino-runtime.ts";
import { bytesOfArray, createOnnxBuilder } from "../../src/graph/onnx/builder.ts";
import { openvinoAbsent, sayLeftOut } from "../support/openvino.ts";

const absent = await openvinoAbsent();
if (absent !== undefined) sayLeftOut(5, `graphs on OpenVINO: ${absent}`);
const F32 = 4;
const I64 = 10;

describe.skipIf(absent !== undefined)("graphs on OpenVINO", () => {
  const opened = async () => {
    const core = await openOpenvino();
    if (!core.ok) expect.unreachable(core.error);
    return core.value;
  };
  const sum = () => {
    const builder = createOnnxBuilder("sum");
    const x = builder.input("x", "float32", ["N", 3]);
    const weight = builder.weight("w", "float32", [3], bytesOfArray(Float32Array.of(1, 10, 100)));
    builder.output(builder.node("Add", [x, weight]), "float32", ["N", 3]);
    return builder.build();
  };
  const properties = { INFERENCE_PRECISION_HINT: "f32" };
  const floats = (bytes: Uint8Array): number[] => [...new Float32Array(bytes.slice().buffer)];

  it("take weights by their address and inputs of any size, again from the same memory when that has changed", async () => {
    const core = await opened();
    const model = sum();
    const bytes = withWeightAddresses(model, core.api.addressOf);
    const graph = loadGraph(core, { bytes, keep: model.weights }, { device: "CPU", properties });
    // A view that begins inside its buffer: the address is the view's.
    const data = new Float32Array(9).fill(-1).subarray(3);
    data.set([1, 2, 3, 4, 5, 6]);
    const run = async (rows: number) => Object.values(await graph.run({ x: { type: F32, data, dims: [rows, 3] } }))[0]!;
    expect(floats((await run(2)).bytes)).toEqual([2, 12, 103, 5, 15, 106]);
    data[0] = 7;
    expect(floats((await run(2)).bytes)).toEqual([8, 12, 103, 5, 15, 106]);
    expect(floats((await run(1)).bytes)).toEqual([8, 12, 103]);
    expect((await run(0)).dims).toEqual([0, 3]);
    graph.release();
    core.release();
  });

  it("say in the library's words what they refuse, and go on afterwards", async () => {
    const core = await opened();
    const target = { device: "CPU", properties };
    expect(() => loadGraph(core, { bytes: Uint8Array.of(1, 2, 3), keep: [] }, target)).toThrow(/device failed.*reading a graph/);
    const model = sum();
    const bytes = withWeightAddresses(model, core.api.addressOf);
    expect(() => loadGraph(core, { bytes, keep: [] }, { device: "ABACUS", properties: {} })).toThrow(/ABACUS/);
    const graph = loadGraph(core, { bytes, keep: model.weights }, target);
    const wrong = { type: F32, data: new Float32Array(8), dims: [2, 4] };
    await expect(graph.run({ x: wrong })).rejects.toMatchObject({ code: "device-failed" });
    const right = { type: F32, data: new Float32Array(3), dims: [1, 3] };
    expect(floats(Object.values(await graph.run({ x: right }))[0]!.bytes)).toEqual([1, 10, 100]);
    graph.release();
    core.release();
  });

  it("tell what failed in the middle of a run, which happens in another thread, and run again", async () => {
    const core = await opened();
    const builder = createOnnxBuilder("reshape");
    const shape = builder.input("shape", "int64", [2]);
    builder.output(builder.node("Reshape", [builder.input("x", "float32", ["N", "M"]), shape]), "float32", ["A", "B"]);
    const graph = loadGraph(core, { bytes: builder.build().model, keep: [] }, { device: "CPU", properties });
    const run = (rows: bigint) => {
      const sizes = { type: I64, data: BigInt64Array.of(rows, 3n), dims: [2] };
      return graph.run({ x: { type: F32, data: new Float32Array(6), dims: [1, 6] }, shape: sizes });
    };
    expect(Object.values(await run(2n))[0]!.dims).toEqual([2, 3]);
    await expect(run(5n)).rejects.toMatchObject({ code: "device-failed", detail: expect.stringContaining("reshape pattern") });
    expect(Object.values(await run(2n))[0]!.dims).toEqual([2, 3]);
    graph.release();
    core.release();
  });

  it("run one at a time and not after their release", async () => {
    const core = await opened();
    const model = sum();
    const graph = loadGraph(
      core,
      { bytes: withWeightAddresses(model, core.api.addressOf), keep: model.weights },
      { device: "CPU", properties },
    );
    const x = { type: F32, data: new Float32Array(3), dims: [1, 3] };
    const first = graph.run({ x });
    await expect(graph.run({ x })).rejects.toThrow(/once at a time/);
    await first;
    graph.release();
    await expect(graph.run({ x })).rejects.toThrow(/until its release/);
    core.release();
  });

  it("name the library's version and its devices", async () => {
    const core = await opened();
    expect(core.version).toMatch(/^\d{4}\.\d+/);
    expect(core.devices()).toContain("CPU");
    expect(core.property("CPU", "FULL_DEVICE_NAME").length).toBeGreaterThan(0);
    core.release();
  });
});
