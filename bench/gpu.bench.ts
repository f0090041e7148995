/**
 * What a device with a memory of its own does through its driver: copies, launches, products, a decoder's steps; every result held against the CPU.
 * `npm run bench -- gpu -- [--driver ort] [--target webgpu] [--software] [--tiny]`; sizes are tiny wherever the GPU is one in software.
 */
import { spawnSync } from "node:child_process";
import { softwareGpu, softwareGpuEnvironment } from "../scripts/software-gpu.ts";
import { HeddleError } from "../src/base/heddle-error.ts";
import type { DeviceTensor, OpenDevice } from "../src/execute/device/device-driver.ts";
import { deviceDriverByName } from "../src/execute/device/device-driver-by-name.ts";
import type { HostTensor } from "../src/execute/device/tensor.ts";
import type { Bench, BenchReport, Figure } from "./bench.ts";
import { type DecoderSize, decoderStage, launchStage, productStage } from "./gpu-graphs.ts";

interface Sizes {
  readonly copyFloats: number;
  readonly product: number;
  readonly rows: number;
  readonly decoder: DecoderSize;
  readonly tokens: number;
  readonly rounds: number;
}

const FULL: Sizes = { copyFloats: 1 << 26, product: 4096, rows: 512, decoder: { layers: 16, width: 2048 }, tokens: 128, rounds: 20 };
const TINY: Sizes = { copyFloats: 1 << 16, product: 64, rows: 8, decoder: { layers: 2, width: 64 }, tokens: 8, rounds: 5 };

const MEMORY_BYTES = 32 * 2 ** 30;
/** Largest difference from the CPU relative to the largest value; f32 sums taken in another order. */
const DIFFERENCE_MAX = 1e-3;
const SOFTWARE = /swiftshader|lavapipe|lvp_icd/i;

interface GpuOptions {
  readonly driver: string;
  readonly target: string;
  readonly software: boolean;
  readonly tiny: boolean;
}

export const bench: Bench = {
  name: "gpu",
  run: async ({ note, rest }): Promise<BenchReport> => {
    const options = optionsOf(rest);
    if (options.software && !SOFTWARE.test(process.env["VK_ICD_FILENAMES"] ?? "")) return again(rest);
    const isSoftware = SOFTWARE.test(process.env["VK_ICD_FILENAMES"] ?? "");
    const sizes = options.tiny || isSoftware ? TINY : FULL;
    const gpu = await open(options.driver, options.target);
    const cpu = await open("ort", "cpu");
    try {
      const figures: Figure[] = [];
      for (const part of [copies, launches, products, steps]) {
        note(`${part.name} …`);
        figures.push(...(await part({ gpu, cpu, sizes })));
      }
      return { setup: setupOf(gpu, { ...options, software: isSoftware }, sizes), figures };
    } finally {
      await gpu.close();
      await cpu.close();
    }
  },
};

interface Pair {
  readonly gpu: OpenDevice;
  readonly cpu: OpenDevice;
  readonly sizes: Sizes;
}

function optionsOf(rest: readonly string[]): GpuOptions {
  const given = { driver: "ort", target: "webgpu", software: false, tiny: false };
  for (let at = 0; at < rest.length; at++) {
    const [name = "", value = rest[at + 1] ?? ""] = (rest[at] ?? "").split("=");
    if (name === "--software") given.software = true;
    else if (name === "--tiny") given.tiny = true;
    else if ((name === "--driver" || name === "--target") && value !== "") {
      given[name === "--driver" ? "driver" : "target"] = value;
      if (!rest[at]!.includes("=")) at++;
    } else throw new HeddleError("usage", { detail: "options of the bench: --driver <name>, --target <name>, --software, --tiny" });
  }
  return given;
}

/** The loader of libraries looks at its environment when a process begins, so the bench runs once more in one that has it. */
function again(rest: readonly string[]): BenchReport {
  const gpu = softwareGpu(process.env);
  if ("absent" in gpu) throw new HeddleError("driver-missing", { where: "SwiftShader", detail: gpu.absent });
  const env = { ...process.env, ...softwareGpuEnvironment(gpu.folder, process.env) };
  const runner = process.argv[1] ?? "";
  const { status, stdout } = spawnSync(process.execPath, [runner, "gpu", "--json", "--", ...rest], {
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new HeddleError("device-failed", { where: "the bench's own process", detail: `it ended with ${status}` });
  return JSON.parse(stdout) as BenchReport;
}

async function open(driver: string, target: string): Promise<OpenDevice> {
  const kind = target === "cpu" ? "cpu" : "gpu";
  const device = { id: `${driver}-${target}`, kind, driver, target, threads: 1, cores: [0], memory: "own" } as const;
  return (await deviceDriverByName(driver)).open({ device, memoryBytes: MEMORY_BYTES });
}

function setupOf(gpu: OpenDevice, options: GpuOptions, sizes: Sizes): string[] {
  const { driver, version, name, memory } = gpu.describe();
  const where = memory.own ? "tensors stay in its memory" : "tensors lie in the host's memory";
  const software = "a GPU in software (SwiftShader): these figures show that the command works, they are of no GPU";
  return [
    `driver ${driver} ${version}, ${name}; ${where}`,
    `target ${options.target}${options.software ? `: ${software}` : ""}`,
    `sizes: ${sizes === TINY ? "tiny, not for figures of speed" : "full"}; each figure the median of ${sizes.rounds}`,
  ];
}

async function median(rounds: number, once: () => Promise<unknown>): Promise<number> {
  await once();
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const from = performance.now();
    await once();
    times.push(performance.now() - from);
  }
  return times.sort((a, b) => a - b)[Math.floor(rounds / 2)]! / 1000;
}

function floats(dims: readonly number[]): HostTensor {
  const count = dims.reduce((product, size) => product * size, 1);
  return { type: "f32", dims, data: Float32Array.from({ length: count }, (_, i) => ((i % 17) - 8) / 16) };
}

async function copies({ gpu, sizes }: Pair): Promise<Figure[]> {
  const tensor = floats([sizes.copyFloats]);
  const bytes = 4 * sizes.copyFloats;
  let held = await gpu.upload(tensor);
  const up = await median(sizes.rounds, async () => {
    gpu.free(held);
    held = await gpu.upload(tensor);
    // An upload may end before the bytes are there; a copy of one row of it cannot.
    gpu.free(await gpu.copy(held));
  });
  const within = await median(sizes.rounds, async () => gpu.free(await gpu.copy(held)));
  const down = await median(sizes.rounds, () => gpu.download(held));
  gpu.free(held);
  return [
    { name: `upload and a copy there, ${bytes >> 10} KiB`, value: bytes / up / 1e9, unit: "GB/s" },
    { name: "copy on the device", value: bytes / within / 1e9, unit: "GB/s" },
    { name: "download", value: bytes / down / 1e9, unit: "GB/s" },
  ];
}

async function launches({ gpu, sizes }: Pair): Promise<Figure[]> {
  const stage = await gpu.load(await gpu.compile(launchStage()));
  const x = await gpu.upload(floats([16]));
  const seconds = await median(sizes.rounds * 5, async () => freeAll(gpu, (await stage.run({ x })).outputs));
  await stage.release();
  return [{ name: "run of one small operator, to its end", value: seconds * 1e6, unit: "us" }];
}

async function products({ gpu, cpu, sizes }: Pair): Promise<Figure[]> {
  const model = productStage(sizes.product);
  const stage = await gpu.load(await gpu.compile(model));
  const own = await cpu.load(await cpu.compile(model));
  const figures: Figure[] = [];
  for (const rows of [1, sizes.rows]) {
    const host = floats([rows, sizes.product]);
    const x = await gpu.upload(host);
    const seconds = await median(sizes.rounds, async () => freeAll(gpu, (await stage.run({ x })).outputs));
    const name = `product [${rows}, ${sizes.product}] x [${sizes.product}, ${sizes.product}]`;
    figures.push(
      rows === 1
        ? { name: `${name}, weights streamed`, value: (4 * sizes.product ** 2) / seconds / 1e9, unit: "GB/s" }
        : { name, value: (2 * rows * sizes.product ** 2) / seconds / 1e9, unit: "GFLOP/s" },
    );
    const [there, here] = [await stage.run({ x }), await own.run({ x: await cpu.upload(host) })];
    const output = Object.keys(here.outputs)[0]!;
    const value = difference(await gpu.download(there.outputs[output]!), await cpu.download(here.outputs[output]!));
    figures.push({ name: `${name}, largest difference from the CPU`, value, unit: "of the largest", floor: { max: DIFFERENCE_MAX } });
  }
  await stage.release();
  await own.release();
  return figures;
}

async function steps({ gpu, cpu, sizes }: Pair): Promise<Figure[]> {
  const here = await decode(cpu, sizes);
  const before = gpu.telemetry().downloadedBytes;
  const there = await decode(gpu, sizes);
  const { layers, width } = sizes.decoder;
  const name = `decoder, ${layers} layers of width ${width}, ${sizes.tokens} tokens`;
  const unasked = gpu.telemetry().downloadedBytes - before - there.last.data.byteLength;
  return [
    { name, value: there.perSecond, unit: "tokens/s" },
    { name: `${name}, CPU, one thread`, value: here.perSecond, unit: "tokens/s" },
    {
      name: `${name}, largest difference from the CPU`,
      value: difference(there.last, here.last),
      unit: "of the largest",
      floor: { max: DIFFERENCE_MAX },
    },
    { name: `${name}, bytes brought to the host besides the result`, value: unasked, unit: "bytes", floor: { max: 0 } },
  ];
}

/** Each step's output is the next one's input; keys and values grow on the device. */
async function decode(device: OpenDevice, sizes: Sizes): Promise<{ readonly perSecond: number; readonly last: HostTensor }> {
  const { stage: model, y, news } = decoderStage(sizes.decoder);
  const stage = await device.load(await device.compile(model));
  const row = floats([1, sizes.decoder.width]);
  let x = await device.upload(row);
  const past: DeviceTensor[] = [];
  for (let i = 0; i < 2 * news.length; i++) past.push(await device.upload(row, { capacity: sizes.tokens + 2 }));
  const step = async (): Promise<void> => {
    const inputs: Record<string, DeviceTensor> = { x };
    news.forEach((_, layer) => {
      inputs[`past_k.${layer}`] = past[2 * layer]!;
      inputs[`past_v.${layer}`] = past[2 * layer + 1]!;
    });
    const { outputs } = await stage.run(inputs);
    device.free(x);
    x = outputs[y]!;
    for (const [layer, { key, value }] of news.entries()) {
      for (const [at, name] of [key, value].entries()) {
        past[2 * layer + at] = await device.append(past[2 * layer + at]!, outputs[name]!);
        device.free(outputs[name]!);
      }
    }
  };
  await step();
  const from = performance.now();
  for (let token = 0; token < sizes.tokens; token++) await step();
  const perSecond = (sizes.tokens * 1000) / (performance.now() - from);
  const last = await device.download(x);
  for (const tensor of [...past, x]) device.free(tensor);
  await stage.release();
  return { perSecond, last };
}

function freeAll(device: OpenDevice, outputs: Readonly<Record<string, DeviceTensor>>): void {
  for (const tensor of Object.values(outputs)) device.free(tensor);
}

function difference(left: HostTensor, right: HostTensor): number {
  let [most, largest] = [0, 0];
  for (let i = 0; i < right.data.length; i++) {
    most = Math.max(most, Math.abs(Number(left.data[i]) - Number(right.data[i])));
    largest = Math.max(largest, Math.abs(Number(right.data[i])));
  }
  return left.data.length === right.data.length ? most / largest : Number.POSITIVE_INFINITY;
}
