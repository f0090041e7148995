// Goal: a change sets what it names and nothing else, and what depends on it is said. Method: changes of one deployment, one fault a case.
import { describe, expect, it } from "vitest";
import { HeddleError } from "../../base/heddle-error.ts";
import { parseChange } from "./change.ts";
import { changeDeployment } from "./change-deployment.ts";
import { readDeployment } from "./deployment-file.ts";

const { deployment } = readDeployment(
  "version: 1\nmodel: m\npools:\n  - { name: a, device: d, engine: { kvBlocks: 500 } }\n  - { name: b, device: e }\nrouting: random\n",
);
const changed = (...texts: readonly string[]) => changeDeployment(deployment, texts.map(parseChange));

function fault(...texts: readonly string[]): string {
  try {
    changed(...texts);
  } catch (thrown) {
    if (thrown instanceof HeddleError) return `${thrown.code} ${thrown.where}`;
    throw thrown;
  }
  return "none";
}

describe("changes of a deployment", () => {
  it("set one field, by the pool's number or name, and leave the rest", () => {
    for (const text of ["pools.1.replicas=4", "pools.b.replicas=4"]) {
      const { deployment: after, notes, defaults } = changed(text);
      expect(after).toEqual({ ...deployment, pools: [deployment.pools[0], { ...deployment.pools[1], replicas: 4 }] });
      expect([notes, defaults]).toEqual([[], []]);
    }
    expect(changed("routing=prefix-aware").deployment.routing).toBe("prefix-aware");
    expect(deployment.routing).toBe("random");
  });

  it("begin parts that are not there and leave out what is null", () => {
    const after = changed("pools.a.speculation.draftTokens=3", "pools.a.speculation.acceptance=0.7", "pools.a.speculation.draftCost=0.1");
    expect(after.deployment.pools[0]!.speculation).toEqual({ draftTokens: 3, acceptance: 0.7, draftCost: 0.1 });
    expect(changed("pools.a.engine.kvBlocks=null").deployment.pools[0]!.engine.kvBlocks).toBeUndefined();
    const fields = changed("pools.a.engine.blockTokens=null").defaults.map(({ field }) => field);
    expect(fields).toEqual(["pools.0.engine.blockTokens"]);
  });

  it("fill in anew what a file left out and another device decides, and nothing that was said", () => {
    const read = readDeployment(
      "version: 1\nmodel: m\npools:\n  - { name: a, device: l40s, engine: { maxSequences: 256 } }\n  - { device: l40s }\n",
    );
    const filled = read.defaults.map(({ field }) => field);
    const engineOf = (...texts: readonly string[]) => {
      const { maxBatchedTokens, maxSequences } = changeDeployment(read.deployment, texts.map(parseChange), { filled }).deployment.pools[0]!
        .engine;
      return [maxBatchedTokens, maxSequences];
    };
    expect(engineOf("pools.a.device=h100")).toEqual([8192, 256]);
    expect(engineOf("pools.a.device=h100", "pools.a.engine.maxBatchedTokens=2048")).toEqual([2048, 256]);
    expect(engineOf("pools.a.replicas=2")).toEqual([2048, 256]);
    expect(changeDeployment(read.deployment, [parseChange("pools.a.device=h100")]).deployment.pools[0]!.engine.maxBatchedTokens).toBe(2048);
  });

  it("fill in anew what another engine or number of ranks decides", () => {
    const read = readDeployment("version: 1\nmodel: m\npools:\n  - { name: a, device: h100-sxm, engine: { kvBlocks: 500 } }\n");
    const filled = read.defaults.map(({ field }) => field);
    const engineAfter = (...texts: readonly string[]) => {
      const { maxBatchedTokens, maxSequences, blockTokens, kvBlocks } = changeDeployment(read.deployment, texts.map(parseChange), {
        filled,
      }).deployment.pools[0]!.engine;
      return [maxBatchedTokens, maxSequences, blockTokens, kvBlocks];
    };
    expect(engineAfter("pools.a.replicas=2")).toEqual([8192, 1024, 16, 500]);
    expect(engineAfter("pools.a.engine.name=trtllm")).toEqual([8192, 2048, 32, undefined]);
    expect(engineAfter("pools.a.engine.name=trtllm", "pools.a.engine.maxSequences=64")).toEqual([8192, 64, 32, undefined]);
    expect(engineAfter("pools.a.engine.name=sglang", "pools.a.parallel.data=2")).toEqual([4096, 2048, 16, undefined]);
    const ranks = changeDeployment(read.deployment, [parseChange("pools.a.parallel.data=2")], { filled });
    expect(ranks.deployment.pools[0]!.engine).toMatchObject({ maxBatchedTokens: 8192, maxSequences: 1024 });
    expect(ranks.defaults).toEqual([]);
  });

  it("forget KV blocks that were counted on something else, and say so", () => {
    for (const text of ["pools.a.device=x", "pools.a.parallel.tensor=2", "model=n"]) {
      const { deployment: after, notes } = changed(text);
      expect(after.pools[0]!.engine.kvBlocks, text).toBeUndefined();
      expect(notes[0]).toContain("pool a");
    }
    expect(changed("pools.a.device=x", "pools.a.engine.kvBlocks=7").deployment.pools[0]!.engine.kvBlocks).toBe(7);
    expect(changed("pools.b.device=x").deployment.pools[0]!.engine.kvBlocks).toBe(500);
  });

  it.each([
    ["pools.c.replicas=4", "usage --change pools.c.replicas"],
    ["model.x=4", "usage --change model.x"],
    ["pools.a.replicas=many", "deployment-invalid"],
    ["pools.a.replica=2", "usage"],
    ["pools.a.engine.maxSeqs=2", "usage"],
    ["pools.0.nothing.below=2", "usage"],
    ["rooting=random", "usage"],
    ['pools.a.engine={"maxSeqs":2}', "deployment-invalid"],
    ["routing=clever", "deployment-invalid"],
    ["=2", "usage"],
    ["__proto__.x=1", "usage --change __proto__.x"],
    ["pools.a.__proto__.x=1", "usage --change pools.a.__proto__.x"],
  ])("refuse %s", (text, expected) => {
    expect(fault(text)).toContain(expected);
    expect("x" in {}).toBe(false);
  });

  it("refuse a field that is changed twice, by number and by name", () => {
    expect(() => changed("pools.0.replicas=2", "pools.a.replicas=3")).toThrow(/--change pools\.a\.replicas\): a field is changed once/);
  });

  it("name the field without a line: no file has it", () => {
    expect(() => changed("pools.a.replicas=0")).toThrow(/\(after the change, pools\[0\]\.replicas\)/);
  });
});
