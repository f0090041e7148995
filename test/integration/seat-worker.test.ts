/** Goal: a device behind `heddle worker` computes what it computes here, for those who may use it. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "@msgpack/msgpack";
import { afterAll, describe, expect, test } from "vitest";
import { seededPrng } from "../../src/base/prng.ts";
import { createSeats } from "../../src/execute/seat/create-seats.ts";
import type { ProgramSource, Seat, SeatPlace } from "../../src/execute/seat/seat-types.ts";
import { frameHead } from "../../src/execute/seat-wire/frame.ts";
import { writeRack } from "../../src/rack/rack-file.ts";
import { affineSample } from "../support/device-samples.ts";
import { ipuDevice, startWorker } from "../support/seat-cases.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-worker-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const fileOf = (name: string, text: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const token = fileOf("token", "sesame\n");
const CPU = { id: "cpu0", kind: "cpu", driver: "ort", threads: 1, cores: [0], memory: "dram" } as const;
const rack = fileOf(
  "rack.yaml",
  writeRack({
    version: 1,
    name: "test",
    fingerprint: "test",
    devices: [CPU],
    memories: [{ id: "dram", tier: "dram", capacityBytes: 2 ** 28, bandwidthBytesPerSecond: 1e10, basis: "measured" }],
    links: [],
  }),
);

/** The affine sample as a file with its weights beside it. */
function affineFile(): { readonly source: ProgramSource; readonly files: ProgramSource } {
  const { stage } = affineSample();
  const { model, weights } = stage.model;
  const files: Record<string, Uint8Array> = {};
  for (const { path, data } of weights) {
    fileOf(path, data);
    files[path] = data;
  }
  return { source: { type: "onnx", path: fileOf("affine.onnx", model) }, files: { type: "onnx-bytes", model, files } };
}

async function computes(seat: Seat, program: ProgramSource): Promise<void> {
  const sample = affineSample();
  const stage = await seat.load({ program, operators: sample.stage.operators });
  const part = await seat.load({ program, operators: [0] });
  await seat.put(1, sample.inputs["x"]!);
  const { outputs, busyNs, parts } = await stage.run({ x: 1 }, { y: 2 });
  expect(outputs["y"]!.dims).toEqual(sample.expected!["y"]!.dims);
  expect(parts.reduce((sum, { ns }) => sum + ns, 0)).toBe(busyNs);
  expect(Array.from((await seat.get(2)).data as Float32Array)).toEqual(Array.from(sample.expected!["y"]!.data as Float32Array));
  expect(part.outputs.map(({ name }) => name)).toEqual(["product"]);
  seat.free([1, 2]);
  await Promise.all([stage.release(), part.release()]);
  const { slots, device } = await seat.telemetry();
  expect([slots, device.heldBytes]).toEqual([0, 0]);
}

describe("a device elsewhere", () => {
  test("ONNX Runtime gives the same in a thread, in a process and behind an address, from a file and from memory", async () => {
    const { source, files } = affineFile();
    const worker = startWorker(["--device", "cpu0", "--rack", rack, "--listen", "tcp://127.0.0.1:0", "--token-file", token], folder);
    const seats = createSeats({ cacheFolder: join(folder, "front"), token: "sesame" });
    try {
      const places: SeatPlace[] = [
        { device: { ...CPU, id: "thread" }, memoryBytes: 2 ** 28, isolation: "thread" },
        { device: { ...CPU, id: "process" }, memoryBytes: 2 ** 28 },
        { device: { ...CPU, id: "address", address: await worker.address }, memoryBytes: 2 ** 28 },
      ];
      for (const place of places) {
        const seat = await seats.open(place);
        expect(seat.description.driver).toBe("ort");
        await computes(seat, source);
        await computes(seat, files);
      }
    } finally {
      await seats.close();
      worker.child.kill("SIGKILL");
    }
  });

  test("takes one front end at a time, who knows the token", async () => {
    const worker = startWorker(["--role", "ipu", "--listen", `unix:${join(folder, "w")}`, "--token-file", token], folder);
    const place: SeatPlace = { device: ipuDevice("far", { address: await worker.address }), memoryBytes: 1 };
    const [knowing, other, stranger] = ["sesame", "sesame", "guess"].map((secret) => createSeats({ cacheFolder: folder, token: secret }));
    try {
      await expect(stranger!.open(place)).rejects.toMatchObject({ code: "worker-refused", detail: expect.stringContaining("token") });
      await knowing!.open(place);
      await expect(other!.open(place)).rejects.toMatchObject({ code: "worker-refused", detail: expect.stringContaining("taken") });
      await knowing!.close();
      const again = await retried(() => other!.open(place));
      expect((await again.telemetry()).slots).toBe(0);
    } finally {
      await Promise.all([knowing, other, stranger].map((seats) => seats!.close()));
      worker.child.kill("SIGKILL");
    }
  });

  test("a worker that says nothing any more is lost, and what waited for it ends", async () => {
    const [silent, other] = ["silent", "other"].map((name) =>
      startWorker(["--role", "ipu", "--listen", `unix:${join(folder, name)}`, "--token-file", token], folder),
    );
    const seats = createSeats({ cacheFolder: folder, token: "sesame", silenceMs: 400 });
    try {
      const far = await seats.open({ device: ipuDevice("silent", { address: await silent!.address }), memoryBytes: 1 });
      const near = await seats.open({ device: ipuDevice("other", { address: await other!.address }), memoryBytes: 1 });
      await seats.connect(far, near);
      // Longer than the silence that is allowed: signs of life go on beside it.
      await new Promise((resolve) => setTimeout(resolve, 900));
      expect((await far.telemetry()).pending).toBe(0);
      silent!.child.kill("SIGSTOP");
      const calls = [far.telemetry(), near.receive(1, "silent", { tag: 1 })];
      const codes = await Promise.all(
        calls.map((call) =>
          call.then(
            () => "done",
            (error: { readonly code: string }) => error.code,
          ),
        ),
      );
      expect(codes).toEqual(["host-lost", "host-lost"]);
      expect((await far.ended)?.detail).toContain("no sign of life");
      expect((await near.telemetry()).slots).toBe(0);
    } finally {
      silent!.child.kill("SIGKILL");
      await seats.close();
      other!.child.kill("SIGKILL");
    }
  });

  test("what strangers send does it no harm", async () => {
    const path = join(folder, "stranger");
    const worker = startWorker(["--role", "ipu", "--listen", `unix:${path}`, "--token-file", token], folder);
    const address = await worker.address;
    const seats = createSeats({ cacheFolder: folder, token: "sesame" });
    const prng = seededPrng(5);
    try {
      for (let i = 0; i < 30; i++) {
        const bytes = Uint8Array.from({ length: 40 + i }, () => prng.nextBelow(256));
        const words: unknown[] = [
          { protocol: 1 },
          { protocol: 1, nonce: 7, proof: {} },
          [],
          "x",
          { protocol: 1, nonce: "n", proof: "p".repeat(64), hello: null },
        ];
        const control = encode(words[i % words.length]);
        const socket = connect(path);
        await new Promise((resolve) =>
          socket
            .once("close", resolve)
            .once("error", () => undefined)
            .end(i % 2 === 0 ? bytes : Buffer.concat([frameHead(control, 0), bytes]))
            .resume(),
        );
      }
      const seat = await seats.open({ device: ipuDevice("far", { address }), memoryBytes: 1 });
      expect((await seat.telemetry()).slots).toBe(0);
      // An ipu worker needs no native module: none is mapped.
      const maps = `/proc/${worker.child.pid}/maps`;
      if (existsSync(maps)) expect(readFileSync(maps, "utf8")).not.toMatch(/\.node$/m);
    } finally {
      await seats.close();
      worker.child.kill("SIGKILL");
    }
  });

  test("a process that was lost is followed by a new one of the same name", async () => {
    const seats = createSeats({ cacheFolder: folder });
    try {
      const place: SeatPlace = { device: ipuDevice("near", { host: "h" }), memoryBytes: 2 ** 20 };
      const [first, beside] = [await seats.open(place), await seats.open({ ...place, device: ipuDevice("beside", { host: "h" }) })];
      expect(beside.pid).toBe(first.pid);
      process.kill(first.pid!, "SIGKILL");
      expect((await Promise.all([first.ended, beside.ended])).map((error) => error?.detail)).toEqual([
        "it ended by SIGKILL",
        "it ended by SIGKILL",
      ]);
      const second = await seats.open(place);
      expect(second.pid).not.toBe(first.pid);
      expect((await second.telemetry()).slots).toBe(0);
    } finally {
      await seats.close();
    }
  });

  test("listens beyond loopback only with a token, and says what it wants", async () => {
    const codeOf = (args: readonly string[]): Promise<unknown> =>
      startWorker(args, folder).address.then(
        () => "listens",
        (error: { readonly code?: string }) => error.code,
      );
    expect(await codeOf(["--role", "ipu", "--listen", "tcp://0.0.0.0:0"])).toBe("insecure-bind");
    expect(await codeOf(["--listen", "tcp://127.0.0.1:0"])).toBe("usage");
    expect(await codeOf(["--role", "ipu", "--listen", "carrier-pigeon"])).toBe("usage");
    expect(await codeOf(["--device", "gpu9", "--rack", rack, "--listen", "tcp://127.0.0.1:0"])).toBe("device-missing");
  });
});

/** The worker frees its device a moment after its front end has gone. */
async function retried<T>(action: () => Promise<T>): Promise<T> {
  for (let left = 50; ; left--) {
    try {
      return await action();
    } catch (thrown) {
      if (left === 0) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
