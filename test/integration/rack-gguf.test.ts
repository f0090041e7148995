// Goal: a GGUF file is one operator on a rack with a device whose boundary is the whole model, and its sequence is a state that can be forked.
// Method: a tiny model; greedy tokens against llama.cpp's own; a rack without such a device refuses it with the reason.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Rack } from "../../src/rack/rack.ts";
import { loadGraph } from "../../src/sdk/load-graph.ts";
import { openRack } from "../../src/sdk/open-rack.ts";
import type { OpenRack, RackState, RunnableGraph } from "../../src/sdk/sdk-types.ts";
import { tensor } from "../../src/sdk/tensor.ts";
import { loadPeer } from "../support/llama-peer.ts";
import { writeTinyGguf } from "../support/tiny-gguf.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-rack-gguf-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const model = writeTinyGguf(join(folder, "tiny.gguf"));
const PROMPT = [3, 141, 59, 26, 53];
const TIMEOUT_MS = 60_000;

function rackOf(...drivers: readonly string[]): Rack {
  return {
    version: 1,
    name: drivers.join(" and "),
    fingerprint: "any",
    devices: drivers.map((driver, core) => ({ id: `cpu-${core}`, kind: "cpu", driver, threads: 1, cores: [core], memory: "dram" })),
    memories: [{ id: "dram", tier: "dram", capacityBytes: 1e9, bandwidthBytesPerSecond: 1e10, basis: "data-sheet", source: "assumed" }],
    links: [],
  };
}

/** Greedy tokens, first those of `tokens`, which the state does not hold yet. */
async function greedy(
  rack: OpenRack,
  graph: RunnableGraph,
  given: { state: RackState; tokens: number[]; count: number },
): Promise<number[]> {
  const out: number[] = [];
  let { tokens } = given;
  while (out.length < given.count) {
    const inputs = { tokens: tensor(BigInt64Array.from(tokens, BigInt), [tokens.length]) };
    const { logits } = await rack.run(graph, inputs, { state: given.state });
    const row = logits!.data as Float32Array;
    tokens = [row.indexOf(row.reduce((most, value) => Math.max(most, value)))];
    out.push(tokens[0]!);
  }
  return out;
}

describe("a GGUF file as one operator of a rack", { timeout: TIMEOUT_MS }, () => {
  it("decodes as llama.cpp does, and goes on from a fork", async () => {
    const peer = await loadPeer(model);
    const expected = await peer.greedy(PROMPT, 12);
    await peer.dispose();
    const rack = await openRack(rackOf("llama", "ort"));
    try {
      const graph = await loadGraph(model, { contextLength: 64 });
      const state = rack.state(graph);
      expect(await greedy(rack, graph, { state, tokens: PROMPT, count: 6 })).toEqual(expected.slice(0, 6));
      const fork = state.fork();
      const rest = { tokens: [expected[5]!], count: 6 };
      expect(await greedy(rack, graph, { state, ...rest })).toEqual(expected.slice(6));
      expect(await greedy(rack, graph, { state: fork, ...rest })).toEqual(expected.slice(6));
    } finally {
      await rack.close();
    }
  });

  it("is refused where no device runs whole models, and a context length is refused for ONNX", async () => {
    const rack = await openRack(rackOf("ort"));
    try {
      const graph = await loadGraph(model);
      const tokens = tensor(BigInt64Array.from(PROMPT, BigInt), [PROMPT.length]);
      await expect(rack.run(graph, { tokens }, { state: rack.state(graph) })).rejects.toMatchObject({ code: "stage-unsupported" });
    } finally {
      await rack.close();
    }
    await expect(loadGraph("model.onnx", { contextLength: 8 })).rejects.toMatchObject({ code: "input-invalid", where: "contextLength" });
  });
});
