/** A gang program's members in one process: each runs its segments on ONNX Runtime and meets the others in collectives. */
import * as ort from "onnxruntime-node";
import type { CollectiveGroup } from "../../src/execute/device/collective.ts";
import type { GangCollective, GangProgram } from "../../src/graph/program/gang-program.ts";

export interface GangMember {
  /** Runs all steps on the given values; gives those the program names. */
  run(values: Readonly<Record<string, ort.Tensor>>): Promise<Readonly<Record<string, ort.Tensor>>>;
  release(): Promise<void>;
}

export async function loadMember(program: GangProgram, group: CollectiveGroup): Promise<GangMember> {
  const sessions = new Map<string, ort.InferenceSession>();
  for (const step of program.steps) {
    if (step.type !== "segment") continue;
    const externalData = step.model.weights.map(({ path, data }) => ({ path, data }));
    sessions.set(
      step.name,
      await ort.InferenceSession.create(step.model.model, { externalData, logSeverityLevel: 3, intraOpNumThreads: 1 }),
    );
  }
  return {
    run: async (given) => {
      const values = new Map(Object.entries(given));
      for (const step of program.steps) {
        if (step.type === "collective") {
          values.set(step.output, await collective(group, step.collective, values.get(step.input)!));
          continue;
        }
        const feeds = Object.fromEntries(step.inputs.map((name) => [name, values.get(name)!]));
        const outputs = await sessions.get(step.name)!.run(feeds);
        for (const name of step.outputs) values.set(name, outputs[name]!);
      }
      return Object.fromEntries(program.outputs.map((name) => [name, values.get(name)!]));
    },
    release: async () => {
      for (const session of sessions.values()) await session.release();
    },
  };
}

/** Members of a gang in one process: what one sends waits for the other. */
export function groupsHere(size: number): readonly CollectiveGroup[] {
  const sent = new Map<string, Uint8Array[]>();
  const wanted = new Map<string, ((bytes: Uint8Array) => void)[]>();
  const at = <T>(lists: Map<string, T[]>, source: number, target: number): T[] => {
    const list = lists.get(`${source}>${target}`) ?? [];
    lists.set(`${source}>${target}`, list);
    return list;
  };
  return Array.from({ length: size }, (_unused, rank) => ({
    rank,
    size,
    send: (target, bytes) => {
      const taker = at(wanted, rank, target).shift();
      if (taker === undefined) at(sent, rank, target).push(bytes);
      else taker(bytes);
    },
    receive: (source) => {
      const bytes = at(sent, source, rank).shift();
      return bytes === undefined ? new Promise((resolve) => at(wanted, source, rank).push(resolve)) : Promise.resolve(bytes);
    },
  }));
}

/** Everybody sends everything to everybody; sums are taken in the order of ranks, so all members have the same bits. */
async function collective(group: CollectiveGroup, { op }: GangCollective, tensor: ort.Tensor): Promise<ort.Tensor> {
  const own = tensor.data as Float32Array;
  const parts: Float32Array[] = [];
  for (let other = 0; other < group.size; other++)
    if (other !== group.rank) group.send(other, new Uint8Array(own.buffer, own.byteOffset, own.byteLength).slice());
  for (let other = 0; other < group.size; other++) {
    parts.push(other === group.rank ? own : new Float32Array((await group.receive(other)).slice().buffer));
  }
  if (op === "all-gather") {
    const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return new ort.Tensor("float32", all, [tensor.dims[0]! * group.size, ...tensor.dims.slice(1)]);
  }
  const sum = parts[0]!.slice();
  for (const part of parts.slice(1)) for (let i = 0; i < sum.length; i++) sum[i]! += part[i]!;
  return new ort.Tensor("float32", sum, tensor.dims);
}
