/** What every device keeps, one check a promise of the contract; `device.suite.ts` runs them, and shows that each finds what it is for. */
import { expect } from "vitest";
import type { Collective, CollectiveGroup } from "../../src/execute/device/collective.ts";
import type { DeviceDriver, DeviceTensor, OpenDevice, ResidentStage } from "../../src/execute/device/device-driver.ts";
import type { HostTensor, TensorType } from "../../src/execute/device/tensor.ts";
import { bytesOfTensor, bytesView, TENSOR_TYPES } from "../../src/execute/device/tensor-arrays.ts";
import type { Device } from "../../src/rack/rack.ts";
import {
  AFFINE,
  affineAnswer,
  affineProgram,
  affineSample,
  drawn,
  knownSamples,
  type StageSample,
  strangePrograms,
  tensorOf,
  typedProgram,
  valuesOf,
  wholeStage,
} from "../support/device-samples.ts";
import { inProcessGroups } from "../support/in-process-group.ts";

/** A device driver as the suite tries it. */
export interface DeviceCase {
  readonly name: string;
  /** Row of the rack it is opened with. */
  readonly row: Device;
  readonly driver: () => Promise<DeviceDriver>;
  /** A driver whose devices fail at every call of their library once `fail` was called. */
  readonly failing: () => Promise<{ readonly driver: DeviceDriver; fail(): void }>;
  /** Where it runs none of the suite's graphs: stages of its own instead, the first of them used for all else. */
  readonly samples?: () => readonly StageSample[];
  /** Largest error of f32 products relative to the row's largest value, against f64; 1e-5 when absent. */
  readonly tolerance?: number;
}

/** What a check works with. `wrap` puts a planted fault around every device that is opened. */
export interface CheckContext {
  readonly given: DeviceCase;
  readonly wrap: (device: OpenDevice) => OpenDevice;
}

const ROOM = 64 << 20;

async function opened({ given, wrap }: CheckContext, memoryBytes = ROOM): Promise<OpenDevice> {
  return wrap(await (await given.driver()).open({ device: given.row, memoryBytes }));
}

/** Runs `work` on a fresh device and closes it. */
async function onDevice<T>(context: CheckContext, work: (device: OpenDevice) => Promise<T>, memoryBytes?: number): Promise<T> {
  const device = await opened(context, memoryBytes);
  try {
    return await work(device);
  } finally {
    await device.close();
  }
}

function samplesOf({ given }: CheckContext): readonly StageSample[] {
  return given.samples?.() ?? knownSamples();
}

function firstSample({ given }: CheckContext): StageSample {
  return given.samples?.()[0] ?? affineSample();
}

async function loaded(device: OpenDevice, { stage }: StageSample): Promise<ResidentStage> {
  return device.load(await device.compile(stage));
}

async function given(device: OpenDevice, inputs: Readonly<Record<string, HostTensor>>): Promise<Record<string, DeviceTensor>> {
  const tensors: Record<string, DeviceTensor> = {};
  for (const [name, tensor] of Object.entries(inputs)) tensors[name] = await device.upload(copyOf(tensor));
  return tensors;
}

/** A device may keep the array it is given. */
function copyOf({ type, dims, data }: HostTensor): HostTensor {
  return { type, dims, data: data.slice() };
}

function plain({ type, dims, data }: HostTensor): unknown {
  return { type, dims: [...dims], bytes: Buffer.from(bytesView(data)).toString("base64") };
}

function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "no error",
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  );
}

async function runOnce(device: OpenDevice, sample: StageSample): Promise<Record<string, HostTensor>> {
  const resident = await loaded(device, sample);
  const { outputs } = await resident.run(await given(device, sample.inputs));
  const results: Record<string, HostTensor> = {};
  for (const [name, tensor] of Object.entries(outputs)) results[name] = await device.download(tensor);
  await resident.release();
  return results;
}

function accepts(device: OpenDevice, { stage }: StageSample): boolean {
  return stage.operators.every((id) => device.supports(stage.graph, id).ok);
}

/** Takes only numbers that a device of the suite's kind can hold. */
async function heldTypes(device: OpenDevice): Promise<TensorType[]> {
  const types: TensorType[] = [];
  for (const type of TENSOR_TYPES) {
    const code = await codeOf(device.upload(valuesOf(type).once).then((tensor) => device.free(tensor)));
    expect(["no error", "stage-unsupported"]).toContain(code);
    if (code === "no error") types.push(type);
  }
  expect(types.length).toBeGreaterThan(0);
  return types;
}

export const DEVICE_CHECKS = {
  "describes itself": (context) =>
    onDevice(context, async (device) => {
      const description = device.describe();
      const { kind, driver, version, name, memory, numerics, residency, shapes } = description;
      expect(device.describe()).toEqual(description);
      expect([kind, driver]).toEqual([context.given.row.kind, context.given.row.driver]);
      for (const text of [version, name]) expect(text).toMatch(/\w/);
      expect(memory.capacityBytes).toBe(ROOM);
      expect(numerics.batchInvariance.tolerance).toBeGreaterThanOrEqual(0);
      expect(numerics.batchInvariance.tolerance).toBeLessThan(1);
      if (numerics.batchInvariance.invariant) expect(numerics.batchInvariance.tolerance).toBe(0);
      if (residency.type === "reconfigure") expect(residency.reconfigureNs).toBeGreaterThanOrEqual(0);
      if (shapes.type === "bucketed") expect([...shapes.sizes]).toEqual([...shapes.sizes].sort((a, b) => a - b));
    }),

  "compiles what it accepts, and says why it refuses the rest": (context) =>
    onDevice(context, async (device) => {
      let accepted = 0;
      for (const sample of samplesOf(context)) {
        const { graph, operators } = sample.stage;
        for (const id of operators) {
          const support = device.supports(graph, id);
          if (!support.ok) expect(support.reason, `${sample.name}, operator ${id}`).toMatch(/\w{2}/);
        }
        if (!accepts(device, sample)) continue;
        accepted++;
        expect(await codeOf(device.compile(sample.stage)), sample.name).toBe("no error");
      }
      expect(accepted).toBeGreaterThan(0);
      for (const program of strangePrograms()) {
        const support = device.supports(program.graph, 0);
        expect(support.ok, program.name).toBe(false);
        if (!support.ok) expect(support.reason, program.name).toMatch(/\w{2}/);
        expect(await codeOf(device.compile(wholeStage(program))), program.name).toBe("stage-unsupported");
      }
    }),

  "keeps compiled stages by content": (context) =>
    onDevice(context, async (device) => {
      const { stage } = firstSample(context);
      const first = await device.compile(stage);
      const again = await device.compile(firstSample(context).stage);
      expect(again.key).toBe(first.key);
      expect([again.fromCache, again.compileNs]).toEqual([true, 0]);
      expect(first.weightBytes).toBe(stage.weightBytes);
      expect(first.stage.name).toBe(stage.name);
      if (context.given.samples !== undefined) return;
      const other = await device.compile(wholeStage(affineProgram(drawn(3))));
      expect([other.key === first.key, other.fromCache]).toEqual([false, false]);
      const part = await device.compile(affineProgram(drawn(3)).stage([0]));
      expect([first.key, other.key]).not.toContain(part.key);
    }),

  "gives known answers": (context) =>
    onDevice(context, async (device) => {
      let ran = 0;
      for (const sample of samplesOf(context)) {
        if (!accepts(device, sample)) continue;
        ran++;
        const results = await runOnce(device, sample);
        expect(Object.keys(results).sort(), sample.name).toEqual(sample.stage.outputs.map(({ name }) => name).sort());
        for (const [name, tensor] of Object.entries(sample.expected ?? {}))
          expect(plain(results[name]!), `${sample.name}, ${name}`).toEqual(plain(tensor));
      }
      expect(ran).toBeGreaterThan(0);
    }),

  "runs a stage again and again, beside another": (context) =>
    onDevice(context, async (device) => {
      const sample = firstSample(context);
      const [one, other] = [await loaded(device, sample), await loaded(device, sample)];
      const inputs = await given(device, sample.inputs);
      const runs = await Promise.all([one.run(inputs), other.run(inputs), one.run(inputs)]);
      for (const { outputs, busyNs, parts } of runs) {
        expect(busyNs).toBeGreaterThanOrEqual(0);
        expect(parts.reduce((sum, { ns }) => sum + ns, 0)).toBe(busyNs);
        for (const [name, tensor] of Object.entries(sample.expected ?? {}))
          expect(plain(await device.download(outputs[name]!))).toEqual(plain(tensor));
      }
      await other.release();
      expect(await codeOf(one.run(inputs))).toBe("no error");
    }),

  "takes and gives tensors of every type it holds": (context) =>
    onDevice(context, async (device) => {
      for (const type of await heldTypes(device)) {
        const { once, twice } = valuesOf(type);
        expect(plain(await device.download(await device.upload(copyOf(once)))), type).toEqual(plain(once));
        const empty = tensorOf(type, [0, 3], []);
        expect(plain(await device.download(await device.upload(copyOf(empty)))), `no ${type}`).toEqual(plain(empty));
        if (context.given.samples !== undefined) continue;
        for (const [operator, expected] of [["Identity", once] as const, ["Add", twice] as const]) {
          const program = typedProgram(operator, type);
          const sample = { name: `${operator} ${type}`, stage: wholeStage(program), inputs: { x: once } };
          if (expected === undefined || !accepts(device, sample)) continue;
          expect(plain((await runOnce(device, sample))["y"]!), sample.name).toEqual(plain(expected));
        }
      }
    }),

  "refuses wrong inputs before anything runs": (context) =>
    onDevice(context, async (device) => {
      const sample = firstSample(context);
      const resident = await loaded(device, sample);
      const inputs = await given(device, sample.inputs);
      const [name = ""] = Object.keys(inputs);
      const right = sample.inputs[name]!;
      const other = (await heldTypes(device)).find((type) => type !== right.type);
      const wrongRank = await device.upload(tensorOf(right.type, [...right.dims, 1], [...right.data].map(Number)));
      const { [name]: _, ...rest } = inputs;
      const cases: Record<string, DeviceTensor>[] = [rest, { ...inputs, stranger: inputs[name]! }, { ...inputs, [name]: wrongRank }];
      if (other !== undefined)
        cases.push({
          ...inputs,
          [name]: await device.upload(
            tensorOf(
              other,
              right.dims,
              [...right.data].map(() => 1),
            ),
          ),
        });
      const fixed = sample.stage.inputs
        .find((port) => port.name === name)
        ?.shape?.findLastIndex((size) => size.terms.every(({ factors }) => factors.length === 0));
      if (fixed !== undefined && fixed >= 0) {
        const dims = right.dims.map((size, axis) => (axis === fixed ? size + 1 : size));
        cases.push({ ...inputs, [name]: await device.upload(tensorOf(right.type, dims, [])) });
      }
      for (const [at, wrong] of cases.entries()) expect(await codeOf(resident.run(wrong)), `case ${at}`).toBe("input-invalid");
      expect(device.telemetry().runs).toBe(0);
      expect(await codeOf(resident.run(inputs))).toBe("no error");
      expect(device.telemetry().runs).toBe(1);
    }),

  "grows, copies and hands back state": (context) =>
    onDevice(context, async (device) => {
      if (device.describe().stateBoundary === "none") return;
      const types = await heldTypes(device);
      for (const type of types) {
        const part = (from: number): HostTensor =>
          tensorOf(
            type,
            [2, 3],
            [1, 0, 1, 0, 1, 1].map((bit) => (type === "bool" ? bit : bit + from)),
          );
        for (const capacity of [undefined, 4, 64]) {
          let state = await device.upload(copyOf(part(1)), capacity === undefined ? {} : { capacity });
          const copy = await device.copy(state);
          const rows: HostTensor[] = [part(1)];
          for (const from of [2, 3, 4]) {
            const added = await device.upload(copyOf(part(from)));
            state = await device.append(state, added);
            rows.push(part(from));
            expect(plain(await device.download(added)), "rows stay").toEqual(plain(part(from)));
            device.free(added);
          }
          const whole = tensorOf(
            type,
            [8, 3],
            rows.flatMap(({ data }) => [...data].map(Number)),
          );
          expect(state.bytes).toBeGreaterThanOrEqual(bytesOfTensor(whole));
          expect(plain(await device.download(state)), `${type}, capacity ${capacity}`).toEqual(plain(whole));
          expect(plain(await device.download(copy)), "a copy does not grow").toEqual(plain(part(1)));
          device.free(state);
          device.free(copy);
          const first = await device.upload(copyOf(part(1)));
          const begun = await device.append(
            await device.upload(tensorOf(type, [0, 3], []), capacity === undefined ? {} : { capacity }),
            first,
          );
          expect(plain(await device.download(begun)), `${type}, from no rows`).toEqual(plain(part(1)));
          device.free(begun);
          device.free(first);
        }
      }
      expect(device.telemetry().heldBytes).toBe(0);
    }),

  "gives all members of a gang the same result of a collective": async (context) => {
    for (const size of [2, 3]) await collectives(context, size);
  },

  "computes as f64 does, within rounding, whatever a row's neighbours are": (context) =>
    onDevice(context, async (device) => {
      if (context.given.samples !== undefined) return;
      const values = drawn(17);
      const rows = 9;
      const x = tensorOf("f32", [rows, AFFINE.inner], drawn(18)(rows * AFFINE.inner));
      const resident = await device.load(await device.compile(wholeStage(affineProgram(values))));
      const run = async (tensor: HostTensor): Promise<Float32Array> => {
        const { outputs } = await resident.run({ x: await device.upload(copyOf(tensor)) });
        return (await device.download(outputs["y"]!)).data as Float32Array;
      };
      const expected = affineAnswer(values, x);
      const together = await run(x);
      const { numerics } = device.describe();
      for (let row = 0; row < rows; row++) {
        const part = <T extends Float32Array | Float64Array>(all: T): T => all.slice(row * AFFINE.outer, (row + 1) * AFFINE.outer) as T;
        const most = part(expected).reduce((max, value) => Math.max(max, Math.abs(value)), 0);
        const alone = await run({
          type: "f32",
          dims: [1, AFFINE.inner],
          data: (x.data as Float32Array).slice(row * AFFINE.inner, (row + 1) * AFFINE.inner),
        });
        expect(difference(part(together), part(expected)) / most).toBeLessThanOrEqual(context.given.tolerance ?? 1e-5);
        expect(difference(part(together), alone) / most).toBeLessThanOrEqual(numerics.batchInvariance.tolerance);
      }
      if (numerics.deterministic) for (let again = 0; again < 3; again++) expect(await run(x)).toEqual(together);
    }),

  "estimates with an interval, or says why not": (context) =>
    onDevice(context, async (device) => {
      const { stage } = firstSample(context);
      const estimates = [device.estimate(stage, { rows: 4 }), device.estimate(stage, {})];
      for (const estimate of estimates) {
        if ("noBasis" in estimate) {
          expect(estimate.noBasis).toMatch(/\w{2}/);
          continue;
        }
        const { lowNs, valueNs, highNs } = estimate;
        expect([lowNs, valueNs, highNs].every(Number.isFinite)).toBe(true);
        expect(lowNs).toBeGreaterThanOrEqual(0);
        expect(lowNs).toBeLessThanOrEqual(valueNs);
        expect(valueNs).toBeLessThanOrEqual(highNs);
        expect(valueNs).toBeGreaterThan(0);
        expect(estimate.source).toMatch(/\w{2}/);
      }
    }),

  "counts what it does": (context) =>
    onDevice(context, async (device) => {
      const sample = firstSample(context);
      const before = device.telemetry();
      expect([before.runs, before.failures, before.uploadedBytes, before.downloadedBytes]).toEqual([0, 0, 0, 0]);
      const resident = await loaded(device, sample);
      const inputs = await given(device, sample.inputs);
      const inputBytes = Object.values(sample.inputs).reduce((sum, tensor) => sum + bytesOfTensor(tensor), 0);
      expect(device.telemetry().uploadedBytes).toBe(inputBytes);
      const runs = [await resident.run(inputs), await resident.run(inputs)];
      const between = device.telemetry();
      expect(between.downloadedBytes, "tensors stay until they are asked for").toBe(0);
      expect(between.uploadedBytes).toBe(inputBytes);
      expect([between.runs, between.busyNs]).toEqual([2, runs.reduce((sum, { busyNs }) => sum + busyNs, 0)]);
      const outputs = runs.flatMap((run) => Object.values(run.outputs));
      const held = [...Object.values(inputs), ...outputs].reduce((sum, { bytes }) => sum + bytes, sample.stage.weightBytes);
      expect(between.heldBytes).toBe(held);
      expect(between.heldBytesMax).toBeGreaterThanOrEqual(held);
      const host = await device.download(outputs[0]!);
      expect(device.telemetry().downloadedBytes).toBe(bytesOfTensor(host));
      for (const tensor of [...Object.values(inputs), ...outputs]) device.free(tensor);
      await resident.release();
      expect(device.telemetry().heldBytes).toBe(0);
    }),

  "holds no more than its memory": async (context) => {
    const sample = firstSample(context);
    const { weightBytes } = sample.stage;
    const limit = Math.max(weightBytes, 256) + 4096;
    await onDevice(
      context,
      async (device) => {
        const [type] = await heldTypes(device);
        const zeros = (rows: number): HostTensor => tensorOf(type!, [rows, 8], []);
        const tooMany = Math.ceil((limit + 1) / (8 * zeros(1).data.BYTES_PER_ELEMENT));
        const before = device.telemetry().heldBytes;
        expect(await codeOf(device.upload(zeros(tooMany)))).toBe("capacity");
        expect(device.telemetry().heldBytes).toBe(before);
        const small = await device.upload(zeros(4));
        const grown = await device.upload(zeros(1));
        const most = Math.floor((limit - small.bytes - grown.bytes) / (8 * zeros(1).data.BYTES_PER_ELEMENT));
        const filler = await device.upload(zeros(most - 1));
        expect(await codeOf(device.copy(filler))).toBe("capacity");
        if (device.describe().stateBoundary !== "none") expect(await codeOf(device.append(grown, filler))).toBe("capacity");
        if (weightBytes > 0)
          expect(await codeOf(device.compile(sample.stage).then((compiled) => device.load(compiled))), "weights").toBe("capacity");
        device.free(filler);
        expect(await codeOf(device.copy(small))).toBe("no error");
        expect(device.telemetry().heldBytesMax).toBeLessThanOrEqual(limit);
      },
      limit,
    );
  },

  "drains: what runs ends, later runs are refused": (context) =>
    onDevice(context, async (device) => {
      const sample = firstSample(context);
      const resident = await loaded(device, sample);
      const inputs = await given(device, sample.inputs);
      const running = resident.run(inputs);
      await device.drain();
      expect(await codeOf(resident.run(inputs))).toBe("draining");
      const { outputs } = await running;
      for (const [name, tensor] of Object.entries(sample.expected ?? {}))
        expect(plain(await device.download(outputs[name]!))).toEqual(plain(tensor));
    }),

  "ends every call after a failure, and no other device's": async ({ given: each, wrap }) => {
    const { driver, fail } = await each.failing();
    const device = wrap(await driver.open({ device: each.row, memoryBytes: ROOM }));
    const sample = each.samples?.()[0] ?? affineSample();
    const compiled = await device.compile(sample.stage);
    const resident = await device.load(compiled);
    const inputs = await given(device, sample.inputs);
    fail();
    const [name = ""] = Object.keys(inputs);
    const calls: (() => Promise<unknown>)[] = [
      () => resident.run(inputs),
      () => device.load(compiled),
      () => device.compile(sample.stage),
      () => device.upload(copyOf(sample.inputs[name]!)),
      () => device.download(inputs[name]!),
      () => device.copy(inputs[name]!),
    ];
    for (const [at, call] of calls.entries()) expect(await codeOf(call()), `call ${at}`).toBe("device-failed");
    expect(device.telemetry().failures).toBeGreaterThan(0);
    await device.close();
    await onDevice({ given: each, wrap: (other) => other }, async (other) => {
      expect(Object.keys(await runOnce(other, sample)).length).toBe(sample.stage.outputs.length);
    });
  },

  "frees everything when it is closed": async (context) => {
    const device = await opened(context);
    const sample = firstSample(context);
    const resident = await loaded(device, sample);
    const inputs = await given(device, sample.inputs);
    await resident.run(inputs);
    await device.close();
    expect(device.telemetry().heldBytes).toBe(0);
    expect(await codeOf(resident.run(inputs))).toMatch(/^(device-failed|draining)$/);
    expect(await codeOf(device.upload(Object.values(sample.inputs)[0]!))).toBe("device-failed");
    await device.close();
  },
} as const satisfies Record<string, (context: CheckContext) => Promise<void>>;

export type DeviceCheck = keyof typeof DEVICE_CHECKS;

function difference(left: Float32Array | Float64Array, right: Float32Array | Float64Array): number {
  let most = 0;
  for (let at = 0; at < left.length; at++) most = Math.max(most, Math.abs(left[at]! - right[at]!));
  return most;
}

/** Every collective on tensors of whole numbers, against what its definition gives. */
async function collectives(context: CheckContext, size: number): Promise<void> {
  const devices = await Promise.all(Array.from({ length: size }, () => opened(context)));
  const { collectives: known } = devices[0]!.describe();
  const types = await heldTypes(devices[0]!);
  const [rows, columns] = [size * 2, 5];
  for (const type of types.filter((each) => each === "f32" || each === "i64" || each === "u8")) {
    const numbers = (rank: number): number[] => Array.from({ length: rows * columns }, (_, i) => ((i * 3 + rank * 5) % 11) + rank);
    const all = Array.from({ length: size }, (_, rank) => numbers(rank));
    const together = (reduce: (a: number, b: number) => number): number[] =>
      all.reduce((a, b) => a.map((value, i) => reduce(value, b[i]!)));
    const piece = (list: readonly number[], at: number): number[] => list.slice(at * 2 * columns, (at + 1) * 2 * columns);
    const cases: [Collective, (rank: number) => HostTensor][] = [
      [
        { op: "all-reduce", reduce: "sum" },
        () =>
          tensorOf(
            type,
            [rows, columns],
            together((a, b) => a + b),
          ),
      ],
      [{ op: "all-reduce", reduce: "max" }, () => tensorOf(type, [rows, columns], together(Math.max))],
      [{ op: "all-gather" }, () => tensorOf(type, [rows * size, columns], all.flat())],
      [
        { op: "reduce-scatter", reduce: "sum" },
        (rank) =>
          tensorOf(
            type,
            [2, columns],
            piece(
              together((a, b) => a + b),
              rank,
            ),
          ),
      ],
      [{ op: "broadcast", root: size - 1 }, () => tensorOf(type, [rows, columns], all[size - 1]!)],
      [
        { op: "all-to-all" },
        (rank) =>
          tensorOf(
            type,
            [rows, columns],
            all.flatMap((list) => piece(list, rank)),
          ),
      ],
    ];
    for (const [call, expected] of cases) {
      if (!known.includes(call.op)) continue;
      const results = await inGang(devices, call, (rank) => tensorOf(type, [rows, columns], numbers(rank)));
      results.forEach((result, rank) => {
        expect(plain(result), `${call.op} of ${type}, member ${rank} of ${size}`).toEqual(plain(expected(rank)));
      });
    }
  }
  if (types.includes("f32") && known.includes("all-reduce")) {
    // Sums that depend on their order: all members must have taken the same.
    const results = await inGang(devices, { op: "all-reduce", reduce: "sum" }, (rank) => tensorOf("f32", [7], drawn(rank + 1)(7)));
    for (const result of results) expect(plain(result)).toEqual(plain(results[0]!));
  }
  for (const device of devices) await device.close();
}

async function inGang(devices: readonly OpenDevice[], call: Collective, tensor: (rank: number) => HostTensor): Promise<HostTensor[]> {
  const groups: CollectiveGroup[] = inProcessGroups(devices.length);
  return Promise.all(
    devices.map(async (device, rank) => {
      const buffer = await device.upload(tensor(rank));
      const result = await device.collective(groups[rank]!, call, buffer);
      expect(plain(await device.download(buffer)), "the buffer given stays").toEqual(plain(tensor(rank)));
      return device.download(result);
    }),
  );
}
