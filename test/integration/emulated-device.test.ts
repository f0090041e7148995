// Goal: an emulated device obeys its description, and what it computes is what the device beneath it computes. Method: descriptions altered one by one;
// times are compared with what the description gives, never with a stopwatch.
import { afterEach, describe, expect, it } from "vitest";
import type { HeddleError } from "../../src/base/heddle-error.ts";
import type { OpenDevice, ResidentStage } from "../../src/execute/device/device-driver.ts";
import { deviceDriverByName } from "../../src/execute/device/device-driver-by-name.ts";
import { createEmulatedDriver } from "../../src/execute/drivers/emulated/driver.ts";
import { roundedStage } from "../../src/execute/drivers/emulated/numbers/rounded-stage.ts";
import { computeStage } from "../../src/execute/drivers/emulated/stage-run.ts";
import { allCases } from "../../src/execute/validate/cases/all-cases.ts";
import { caseInputs, caseProgram } from "../../src/execute/validate/cases/case-program.ts";
import { drawn } from "../../src/execute/validate/cases/case-tensors.ts";
import { given, makeCase, stored } from "../../src/execute/validate/cases/make-case.ts";
import { checkOperators } from "../../src/execute/validate/checks/operator-check.ts";
import { divergenceOf } from "../../src/execute/validate/divergence.ts";
import { computed, refusal, runOnce, wholeStage } from "../../src/execute/validate/subject.ts";
import type { StageModel } from "../../src/graph/program/program.ts";
import type { Emulation } from "../../src/rack/emulation.ts";
import { hiddenDeviations } from "../../src/rack/hidden-deviations.ts";
import type { Device } from "../../src/rack/rack.ts";
import { emulatedRow } from "../support/emulated-row.ts";

const ROOM = 64 << 20;
const opened: OpenDevice[] = [];

afterEach(async () => {
  for (const device of opened.splice(0)) await device.close();
});

async function open(device: Device, memoryBytes = ROOM): Promise<OpenDevice> {
  const made = await (await deviceDriverByName(device.driver)).open({ device, memoryBytes });
  opened.push(made);
  return made;
}

const emulated = (emulation: Partial<Emulation>, row: Partial<Device> = {}, memoryBytes = ROOM): Promise<OpenDevice> =>
  open(emulatedRow(emulation, row), memoryBytes);
const ort = (): Promise<OpenDevice> => open({ id: "cpu", kind: "cpu", driver: "ort", threads: 1, cores: [0], memory: "dram" });

function product(rows: number, name = "w"): { readonly stage: StageModel; readonly inputs: ReturnType<typeof caseInputs> } {
  const each = makeCase("MatMul", [given(drawn("x", [rows, 32])), stored(drawn(name, [32, 16]))]);
  return { stage: wholeStage(caseProgram(each)), inputs: caseInputs(each) };
}

async function code(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "done",
    (thrown: HeddleError) => thrown.code,
  );
}

describe("padding to buckets", () => {
  it("changes no result of what is accepted, however much is padded", async () => {
    const device = await emulated({ shapes: { type: "bucketed", sizes: [64] } });
    const findings = await checkOperators({ device, reference: await ort(), reopen: ort }, allCases());
    expect(findings.filter(({ verdict }) => verdict === "fail")).toEqual([]);
    expect(findings.filter(({ verdict }) => verdict === "pass").length).toBeGreaterThan(150);
    expect(device.telemetry().paddedShare).toBeGreaterThan(0.5);
  });

  it.each(["ReduceSum", "CumSum", "DynamicQuantizeLinear", "Concat", "LSTM", "Slice", "Shape"])(
    "refuses %s along a padded axis",
    async (operator) => {
      const device = await emulated({ shapes: { type: "bucketed", sizes: [64] } });
      const cases: Readonly<Record<string, ReturnType<typeof makeCase>>> = {
        ReduceSum: makeCase("ReduceSum", [given(drawn("x", [3, 5])), stored({ type: "i64", dims: [1], data: BigInt64Array.of(0n) })]),
        Concat: makeCase("Concat", [given(drawn("x", [3, 5])), given(drawn("y", [3, 5]))], { attributes: { axis: 0 } }),
      };
      const each = cases[operator] ?? allCases().find((one) => one.operator === operator)!;
      const stage = wholeStage(caseProgram(each));
      expect(refusal(device, stage)).toMatch(/padded|padding|all elements/);
      expect(await code(device.compile(stage))).toBe("stage-unsupported");
    },
  );

  it("would give wrong numbers where it refuses", async () => {
    const device = await ort();
    const each = makeCase("ReduceSum", [given(drawn("x", [3, 5])), stored({ type: "i64", dims: [1], data: BigInt64Array.of(0n) })], {
      attributes: { keepdims: 0 },
    });
    const stage = wholeStage(caseProgram(each));
    const inputs = caseInputs(each);
    const wanted = (await computed(device, stage, inputs))["out0"]!;
    const resident = await device.load(await device.compile(stage));
    const { emulation } = emulatedRow({ shapes: { type: "bucketed", sizes: [64] } });
    const there = { in0: await device.upload(inputs["in0"]!) };
    const { outputs } = await computeStage(device, emulation!, { stage, resident, inputs: there, sizes: { n: 3 }, padded: { n: 64 } });
    expect(divergenceOf(wanted, await device.download(outputs["out0"]!), 0)!.maxRelative).toBeGreaterThan(1);
  });

  it("refuses sizes beyond the largest bucket, before anything runs", async () => {
    const device = await emulated({ shapes: { type: "bucketed", sizes: [2, 8] } });
    const { stage, inputs } = product(9);
    const resident = await device.load(await device.compile(stage));
    expect(await code(runOnce(device, resident, inputs))).toBe("input-invalid");
    expect(device.telemetry()).toMatchObject({ runs: 0, failures: 0 });
  });
});

describe("numbers", () => {
  const formats: readonly [Emulation["format"], number, number][] = [
    ["bf16", 1e-4, 2e-2],
    ["f16", 1e-5, 2e-3],
    ["i8", 1e-4, 3e-2],
  ];
  it.each(formats)("%s rounds inputs and weights where rounding is declared", async (format, least, most) => {
    const { stage, inputs } = product(7);
    const wanted = (await computed(await ort(), stage, inputs))["out0"]!;
    const rounded = (await computed(await emulated({ format, rounding: "inputs" }), stage, inputs))["out0"]!;
    const plain = (await computed(await emulated({ format, rounding: "none" }), stage, inputs))["out0"]!;
    expect(divergenceOf(wanted, plain, 0)!.maxAbsolute).toBe(0);
    expect(divergenceOf(wanted, rounded, 0)!.maxRelative).toBeGreaterThan(least);
    expect(divergenceOf(wanted, rounded, 0)!.maxRelative).toBeLessThan(most);
  });
});

it("rounds weights that lie anywhere in a file's bytes", () => {
  // Large enough to be kept outside the protobuf.
  const stage = wholeStage(caseProgram(makeCase("MatMul", [given(drawn("x", [2, 32])), stored(drawn("w", [32, 32]))])));
  const [weight] = stage.model.weights;
  const pool = Buffer.alloc(8192);
  const bytes = pool.subarray(3, 3 + weight!.data.byteLength);
  bytes.set(weight!.data);
  const moved = { ...stage, model: { ...stage.model, weights: [{ ...weight!, data: bytes }] } };
  expect(Buffer.from(roundedStage(moved, "bf16").model.weights[0]!.data)).toEqual(
    Buffer.from(roundedStage(stage, "bf16").model.weights[0]!.data),
  );
});

describe("time", () => {
  const slow = { peaks: [{ type: "f32", operationsPerSecond: 1e6, basis: "data-sheet", source: "made up" }] } as const;

  it("is the roofline of the work at padded sizes, times the slowdown", async () => {
    const row = { ...slow, overheads: { launchNs: 1000, operatorNs: 500, basis: "data-sheet", source: "made up" } } as const;
    const device = await emulated({ shapes: { type: "bucketed", sizes: [4] }, slowdown: 3 }, row);
    const { stage, inputs } = product(3);
    const { run } = await runOnce(device, await device.load(await device.compile(stage)), inputs);
    const ns = (what: string): number => run.parts.find((part) => part.what === what)?.ns ?? 0;
    const rowNs = (2 * 32 * 16 * 1e9) / 1e6;
    expect(ns("launch")).toBeCloseTo(3 * 1000, 3);
    expect(ns("compute")).toBeCloseTo(3 * (3 * rowNs + 500), 3);
    expect(ns("padding")).toBeCloseTo(3 * rowNs, 3);
    expect(run.busyNs).toBeGreaterThanOrEqual(3 * (1000 + 4 * rowNs + 500));
    expect(device.estimate(stage, { n: 3 })).toMatchObject({ basis: "data-sheet", source: expect.stringContaining("emulated") });
    expect(device.describe().peaks[0]!.operationsPerSecond).toBeCloseTo(1e6 / 3, 3);
    expect(device.describe().name).toContain("emulated");
  });

  it("hides its deviations from all it tells but its runs", async () => {
    const { stage, inputs } = product(3);
    const [honest, hiding] = [await emulated({}, slow), await emulated({ deviationSeed: 11 }, slow)];
    expect(hiding.describe()).toEqual(honest.describe());
    expect(hiding.estimate(stage, { n: 3 })).toEqual(honest.estimate(stage, { n: 3 }));
    const compute = async (device: OpenDevice): Promise<number> => {
      const { run } = await runOnce(device, await device.load(await device.compile(stage)), inputs);
      return run.parts.find(({ what }) => what === "compute")!.ns;
    };
    const speed = hiddenDeviations(11).speed("emulated-0", "product");
    expect((await compute(honest)) / (await compute(hiding))).toBeCloseTo(speed, 6);
    expect(speed).not.toBeCloseTo(1, 2);
  });

  it("counts runs the host was too slow for, and calls the rest of them a wait", async () => {
    const device = await emulated({});
    const { stage, inputs } = product(3);
    const { run } = await runOnce(device, await device.load(await device.compile(stage)), inputs);
    expect(device.telemetry().lateRuns).toBe(1);
    expect(run.parts.at(-1)!.what).toBe("wait");
    const patient = await emulated({}, { peaks: [{ ...slow.peaks[0], operationsPerSecond: 1e5 }] });
    const { run: kept } = await runOnce(patient, await patient.load(await patient.compile(stage)), inputs);
    expect(patient.telemetry().lateRuns).toBe(0);
    // However late this host's timers are.
    expect(kept.parts.some(({ what }) => what === "wait")).toBe(false);
  });
});

describe("residency and memory", () => {
  const load = async (device: OpenDevice, names: readonly string[]): Promise<ResidentStage[]> => {
    const stages: ResidentStage[] = [];
    for (const name of names) stages.push(await device.load(await device.compile(product(2, name).stage)));
    return stages;
  };

  it("reconfigures for stages that are not there any more", async () => {
    const device = await emulated({ residency: { type: "reconfigure", stages: 2, reconfigureNs: 100 }, slowdown: 7 });
    const [a, b, c] = await load(device, ["a", "b", "c"]);
    const { inputs } = product(2);
    expect(device.telemetry().reconfigurations).toBe(3);
    const reconfigured: number[] = [];
    for (const stage of [c!, b!, c!, a!, c!, b!]) {
      const { run } = await runOnce(device, stage, inputs);
      reconfigured.push(run.parts.find(({ what }) => what === "reconfigure")?.ns ?? 0);
    }
    expect(reconfigured).toEqual([0, 0, 0, 700, 0, 700]);
    expect(device.telemetry().reconfigurations).toBe(5);
  });

  it("streams weights in every run and keeps none", async () => {
    const device = await emulated({ residency: { type: "stream", bytesPerSecond: 1e6 } });
    const { stage, inputs } = product(2);
    const [resident] = await load(device, ["w"]);
    expect(device.telemetry().heldBytes).toBe(0);
    const { run } = await runOnce(device, resident!, inputs);
    expect(run.parts.find(({ what }) => what === "transfer")!.ns).toBeCloseTo(stage.weightBytes * 1000, 3);
  });

  it("compiles a static stage once for every combination of sizes", async () => {
    const device = await emulated({ shapes: { type: "static" }, compileNs: 1e6 });
    const { stage, inputs } = product(2);
    const resident = await device.load(await device.compile(stage, { sizes: { n: 2 } }));
    const compiled: number[] = [];
    for (const given of [inputs, product(3).inputs, product(3).inputs, inputs]) {
      const before = device.telemetry().compileNs;
      await runOnce(device, resident, given);
      compiled.push(device.telemetry().compileNs - before);
    }
    expect(compiled.map((ns) => ns >= 1e6)).toEqual([false, true, false, false]);
    expect((await device.compile(stage, { sizes: { n: 2 } })).fromCache).toBe(true);
  });

  it("stops compiling when it is told to", async () => {
    const device = await emulated({ compileNs: 3_600e9 });
    const stop = new AbortController();
    const compiling = code(device.compile(product(2).stage, { signal: stop.signal }));
    setTimeout(() => stop.abort(), 20);
    expect(await compiling).toBe("cancelled");
    expect(device.telemetry().compileNs).toBe(0);
  });

  it("refuses weights, and results, that find no room, and keeps what there was", async () => {
    const { stage, inputs } = product(8);
    const tight = await emulated({}, {}, stage.weightBytes - 1);
    expect(await code(tight.compile(stage).then((compiled) => tight.load(compiled)))).toBe("capacity");
    const device = await emulated({}, {}, stage.weightBytes + 8 * 32 * 4 + 8 * 16 * 4 - 1);
    const resident = await device.load(await device.compile(stage));
    expect(await code(runOnce(device, resident, inputs))).toBe("capacity");
    expect(device.telemetry().heldBytes).toBe(stage.weightBytes);
  });
});

describe("what it takes", () => {
  const add = caseProgram(makeCase("Add", [given(drawn("x", [3, 7])), given(drawn("y", [3, 7]))]));
  const whole = caseProgram(makeCase("Add", [given(drawn("x", [3, 7], { type: "i64" })), given(drawn("y", [3, 7], { type: "i64" }))]));

  it.each([
    ["an operator that is denied", { deny: [{ type: "Add", reason: "no adder" }] }, "no adder"],
    ["an operator not allowed", { allow: [{ type: "Mul" }] }, "not among"],
    ["a domain that is denied", { deny: [{ domain: "onnx", reason: "no ONNX" }] }, "no ONNX"],
  ] as const)("refuses %s", async (_name, operators, reason) => {
    const device = await emulated({ operators });
    expect(refusal(device, wholeStage(add))).toContain(reason);
    expect(await code(device.compile(wholeStage(add)))).toBe("stage-unsupported");
  });

  it("looks at element types", async () => {
    const device = await emulated({ operators: { deny: [{ element: "i64", reason: "32 bits" }] } });
    expect(refusal(device, wholeStage(add))).toBeUndefined();
    expect(refusal(device, wholeStage(whole))).toContain("32 bits");
  });

  it("fails only where it is asked to, and then for good", async () => {
    const driver = createEmulatedDriver({ arithmetic: deviceDriverByName, failAtRun: 2 });
    const device = await driver.open({ device: emulatedRow(), memoryBytes: ROOM });
    const { stage, inputs } = product(2);
    const resident = await device.load(await device.compile(stage));
    const tensor = await device.upload(inputs["in0"]!);
    expect(await code(resident.run({ in0: tensor }))).toBe("done");
    expect(await code(resident.run({ in0: tensor }))).toBe("device-failed");
    expect(await code(device.download(tensor))).toBe("device-failed");
    await device.close();
  });

  it("needs a row that says how fast its memory is", async () => {
    const row = emulatedRow();
    const { memoryBytesPerSecond: _gone, ...emulation } = row.emulation!;
    expect(await code(open({ ...row, emulation }))).toBe("device-failed");
  });
});
