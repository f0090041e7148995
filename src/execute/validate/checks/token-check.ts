import { toHeddleError } from "../../../base/heddle-error.ts";
import { exp, ln } from "../../../base/math.ts";
import type { DecoderModel } from "../../../graph/decoder/model.ts";
import { lowerHead, lowerStage } from "../../../graph/lower/stage-graph.ts";
import { programFromBuilder } from "../../../graph/program/onnx-program.ts";
import type { StageModel } from "../../../graph/program/program.ts";
import type { OpenDevice } from "../../device/device-driver.ts";
import type { HostTensor } from "../../device/tensor.ts";
import { embedTokens } from "../../drivers/shared/embedding.ts";
import { rotationTables } from "../../drivers/shared/rotations.ts";
import { divergenceOf } from "../divergence.ts";
import type { Finding } from "../finding.ts";
import { computed, type HostTensors, refusal, type Subject, wholeStage } from "../subject.ts";
import { toleranceFor } from "../tolerance.ts";

export interface TokenTask {
  readonly model: DecoderModel;
  readonly tokens: readonly number[];
  readonly name: string;
}

/** Logits of one token on the device, against the reference. */
export interface TokenDivergence {
  readonly position: number;
  readonly token: number;
  readonly maxRelative: number;
  /** Divergence of the device's distribution from the reference's. Units: nats. */
  readonly divergenceNats: number;
  readonly isSameGreedy: boolean;
}

/** Greedy tokens that may differ, and the mean divergence: 2 % and what 8-bit weights cost a small model. Units: nats. */
const GREEDY_LEAST = 0.98;
const NATS_MOST = 0.02;
const PAGE_TOKENS = 64;
const MODEL_SUMS = 65_536;

/** A text through a decoder in f32, layer by layer, each layer loaded and released in turn; each device goes on from its own results. */
export async function checkTokens(
  { device, reference }: Subject,
  task: TokenTask,
): Promise<{ readonly finding: Finding; readonly tokens: readonly TokenDivergence[] }> {
  const finding = (verdict: Finding["verdict"], detail: string): Finding => ({ check: "tokens", name: task.name, verdict, detail });
  try {
    const refused = refusalOf([device, reference], task);
    if (refused !== undefined) return { finding: finding("skip", refused), tokens: [] };
    const [wanted, got] = await logitsOf([reference, device], task);
    const tolerance = toleranceFor(device.describe().numerics.formats, MODEL_SUMS);
    const divergence = divergenceOf(wanted!, got!, tolerance);
    if (divergence === undefined) return { finding: finding("fail", "logits have another shape than the reference's"), tokens: [] };
    const tokens = tokenDivergences(wanted!, got!, task.tokens);
    const same = tokens.filter(({ isSameGreedy }) => isSameGreedy).length;
    const nats = tokens.reduce((sum, { divergenceNats }) => sum + divergenceNats, 0) / tokens.length;
    const detail = `${same} of ${tokens.length} greedy tokens agree, distributions diverge by ${nats.toExponential(1)} nats a token`;
    const isNear = same >= GREEDY_LEAST * tokens.length && nats <= NATS_MOST;
    return { finding: { ...finding(isNear ? "pass" : "fail", detail), divergence }, tokens };
  } catch (thrown) {
    return { finding: finding("fail", toHeddleError(thrown).message), tokens: [] };
  }
}

function refusalOf([device, reference]: readonly [OpenDevice, OpenDevice], { model }: TokenTask): string | undefined {
  for (const stage of [layerStage(model, 0), headStage(model)]) {
    const refused = refusal(device, stage);
    if (refused !== undefined) return `the device refuses ${stage.name}: ${refused}`;
    const unknown = refusal(reference, stage);
    if (unknown !== undefined) return `the reference refuses ${stage.name}: ${unknown}`;
  }
  return undefined;
}

/** Logits of every token on each device, [tokens, vocabulary]. */
async function logitsOf(devices: readonly OpenDevice[], { model, tokens }: TokenTask): Promise<readonly HostTensor[]> {
  const { spec, weights } = model;
  const first: HostTensor = {
    type: "f32",
    dims: [tokens.length, spec.width],
    data: embedTokens(weights.read("embedding"), Int32Array.from(tokens)),
  };
  let streams = devices.map(() => first);
  for (let layer = 0; layer < spec.layers; layer++) {
    const stage = layerStage(model, layer);
    streams = await eachOf(devices, async (device, place) =>
      only(stage, await computed(device, stage, layerInputs(model, layer, streams[place]!))),
    );
  }
  const head = headStage(model);
  return eachOf(devices, async (device, place) => only(head, await computed(device, head, { x: streams[place]! })));
}

async function eachOf<T>(devices: readonly OpenDevice[], work: (device: OpenDevice, place: number) => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  for (const [place, device] of devices.entries()) done.push(await work(device, place));
  return done;
}

function layerStage({ spec, weights }: DecoderModel, layer: number): StageModel {
  const rotations = rotationTables(spec.rope, spec.contextLength);
  const range = { fromLayer: layer, toLayer: layer + 1, phase: "prefill", format: "f32", pageTokens: PAGE_TOKENS, rotations } as const;
  return wholeStage(programFromBuilder(lowerStage(spec, weights, range).model, { name: `layer ${layer}` }));
}

function headStage({ spec, weights }: DecoderModel): StageModel {
  return wholeStage(programFromBuilder(lowerHead(spec, weights, "f32").model, { name: "head" }));
}

function layerInputs({ spec }: DecoderModel, layer: number, x: HostTensor): HostTensors {
  const count = x.dims[0]!;
  const past: HostTensor = { type: "f32", dims: [1, spec.kvHeads, 0, spec.headDim], data: new Float32Array(0) };
  return {
    x,
    last_position: { type: "i32", dims: [1], data: Int32Array.of(count - 1) },
    total_tokens: { type: "i32", dims: [], data: Int32Array.of(count) },
    chunk_start: { type: "i64", dims: [1], data: BigInt64Array.of(0n) },
    chunk_end: { type: "i64", dims: [1], data: BigInt64Array.of(BigInt(count)) },
    [`prompt.k.${layer}`]: past,
    [`prompt.v.${layer}`]: past,
  };
}

/** The output with two axes: the residual stream or the logits, not the keys and values. */
function only(stage: StageModel, outputs: HostTensors): HostTensor {
  return outputs[stage.outputs.find(({ name }) => outputs[name]!.dims.length === 2)!.name]!;
}

function tokenDivergences(wanted: HostTensor, got: HostTensor, tokens: readonly number[]): readonly TokenDivergence[] {
  const vocabulary = wanted.dims[1]!;
  return tokens.map((token, position) => {
    const row = (tensor: HostTensor): Float32Array =>
      (tensor.data as Float32Array).subarray(position * vocabulary, (position + 1) * vocabulary);
    const [a, b] = [row(wanted), row(got)];
    const one = (data: Float32Array): HostTensor => ({ type: "f32", dims: [vocabulary], data });
    return {
      position,
      token,
      maxRelative: divergenceOf(one(a), one(b), 0)?.maxRelative ?? Infinity,
      divergenceNats: klDivergence(logProbabilities(a), logProbabilities(b)),
      isSameGreedy: largest(a) === largest(b),
    };
  });
}

function logProbabilities(logits: Float32Array): Float64Array {
  const most = logits[largest(logits)]!;
  let sum = 0;
  for (const logit of logits) sum += exp(logit - most);
  const base = most + ln(sum);
  return Float64Array.from(logits, (logit) => logit - base);
}

function klDivergence(p: Float64Array, q: Float64Array): number {
  return p.reduce((sum, log, i) => sum + exp(log) * (log - q[i]!), 0);
}

function largest(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}
