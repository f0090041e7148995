/**
 * Goal: a fabric file runs as its words say, and every fault of it is one error with its line.
 * Method: the example and small files with times by hand; files with one fault each.
 */
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { printedBy } from "../../test/support/printed-by.ts";
import type { HeddleError } from "../base/heddle-error.ts";
import { runFabric } from "../simulate/fabric/read-fabric.ts";
import { addRackCommand } from "./commands/rack.ts";

const EXAMPLE = "examples/fabrics/two-jobs.yaml";
const LEAVES = `fabric: { kind: leaf-spine, leaves: 2, devicesPerLeaf: 2, spines: 1, cardBytesPerSecond: 400 Gb/s, spineBytesPerSecond: 50e9 }
jobs:
`;

afterEach(() => vi.restoreAllMocks());

describe("fabric files", () => {
  it("the example: two jobs across a narrow spine take twice as long, on nodes of one leaf they do not", () => {
    const text = readFileSync(EXAMPLE, "utf8");
    const across = runFabric(text);
    // Cards of 50 GB/s move 2 x 15/16 of 1 GiB in eight parts, and 30 steps of 2 us.
    const alone = Math.ceil((2 * (15 / 16) * 1_073_741_824) / 8 / 50) + 30 * 2000;
    expect(across.runs.map(({ aloneNs }) => aloneNs)).toEqual([alone, alone]);
    for (const { meanNs, aloneNs } of across.runs) expect(meanNs / aloneNs).toBeCloseTo(2, 1);
    const apart = runFabric(text.replace("nodes: [0, 2]", "nodes: [0, 1]").replace("nodes: [1, 3]", "nodes: [2, 3]"));
    for (const { meanNs, aloneNs } of apart.runs) expect(meanNs).toBe(aloneNs);
  });

  it("units: 400 Gb/s are 50 GB/s, times and bytes as written", () => {
    const { runs } = runFabric(`${LEAVES}  - { name: a, kind: all-gather, devices: [0, 2], bytes: 100 MB, startNs: 1 ms, stepNs: 500 }`);
    expect(runs[0]!.endNs).toEqual([1_000_000 + 1_000_000 + 500]);
  });

  it.each([
    ["fabric: { kind: mesh }\njobs: []", "line 1, fabric.kind"],
    [`${LEAVES}  - { name: a, kind: all-reduce, devices: [0, 1], bytes: 5 apples }`, "line 3, jobs[0].bytes"],
    [`${LEAVES}  - { name: a, kind: all-reduce, bytes: 5 }`, "line 3, jobs[0]"],
    [`${LEAVES}  - { name: a, kind: all-reduce, nodes: [0, 1], bytes: 5 }`, "line 3, jobs[0].nodes"],
    [`${LEAVES}  - { name: a, kind: all-reduce, devices: [0, 7], bytes: 5 }`, "line 3, jobs"],
    [`${LEAVES}  - { name: a, kind: all-reduce, devices: [0, 1], bytes: 5, color: red }`, "line 3, jobs[0].color"],
    [LEAVES.replace("spines: 1", "spines: 70000"), "line 1, fabric.spines"],
    [`${LEAVES.replace("50e9", "0")}  - { name: a, kind: all-reduce, devices: [0, 1], bytes: 5 }`, "line 1, fabric"],
    [
      "fabric: { kind: torus, sizes: [65536, 2], bytesPerSecond: 1 }\njobs: [{ name: a, kind: all-reduce, devices: [0, 1], bytes: 5 }]",
      "line 1, fabric",
    ],
  ])("refuses %s", (text, where) => {
    let fault: HeddleError | undefined;
    try {
      runFabric(text);
    } catch (thrown) {
      fault = thrown as HeddleError;
    }
    expect(fault).toMatchObject({ code: "fabric-invalid", where });
  });

  it("prints a row a job, and one document with --json", async () => {
    const printed = printedBy(addRackCommand);
    const text = await printed("rack", "collectives", EXAMPLE);
    expect(text).toContain("gradients of b\t10\t");
    expect(text).toContain("1.99 x");
    vi.restoreAllMocks();
    const { fabric, jobs } = JSON.parse(await printed("rack", "collectives", EXAMPLE, "--json"));
    expect(fabric).toMatchObject({ devices: 32, bisectionBytesPerSecond: 400e9 });
    expect(jobs[0].endNs.length).toBe(10);
    await expect(printed("rack", "collectives", "absent.yaml")).rejects.toMatchObject({ code: "file-unreadable" });
  });
});
