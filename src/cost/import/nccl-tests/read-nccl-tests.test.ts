import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HeddleError } from "../../../base/heddle-error.ts";
import { readNcclTests } from "./read-nccl-tests.ts";

const HEADER = `#                                                              out-of-place                       in-place
#       size         count      type   redop    root     time   algbw   busbw #wrong     time   algbw   busbw #wrong
#        (B)    (elements)                               (us)  (GB/s)  (GB/s)            (us)  (GB/s)  (GB/s)
`;
const RESULTS = `        1024           256     float     sum      -1    16.94    0.06    0.11      0    16.17    0.06    0.11      0
  4294967296    1073741824     float     sum      -1    15749  272.71  477.24      0    15754  272.63  477.10      0
# Out of bounds values : 0 OK
# Avg bus bandwidth    : 448.212
`;
const rank = (i: number, host: string): string =>
  `#  Rank ${i} Group  0 Pid  52 on ${host} device  ${i % 2} [0x1b] NVIDIA H100 80GB HBM3\n`;
const TEXT = `# nccl-tests version 2.17.6
# Collective test starting: all_gather_perf
# Using devices
${[0, 1].map((i) => rank(i, "a")).join("")}${[2, 3].map((i) => rank(i, "b")).join("")}#
${HEADER}${RESULTS}`;

describe("nccl-tests output", () => {
  it("gives collective, ranks, hosts and out-of-place times", () => {
    const table = readNcclTests(TEXT, { file: "log" });
    expect(table.device).toBe("NVIDIA H100 80GB HBM3");
    expect(table.rows).toEqual([
      { query: { op: "collective", kind: "all-gather", bytes: 1024, ranks: 4, ranksPerNode: 2 }, ns: 16_940, row: 1 },
      { query: { op: "collective", kind: "all-gather", bytes: 4294967296, ranks: 4, ranksPerNode: 2 }, ns: 15_749_000, row: 2 },
    ]);
  });

  it("is read below the tags of mpirun, and with what older logs lack said", () => {
    const tagged = TEXT.split("\n").map((line) => `[1,0]<stdout>:${line}`);
    expect(readNcclTests(tagged.join("\n"), { file: "log" }).rows.length).toBe(2);
    const bare = readNcclTests(HEADER + RESULTS, { file: "log", kind: "all-reduce", ranks: 8 });
    expect(bare.rows[0]!.query).toMatchObject({ kind: "all-reduce", ranks: 8, ranksPerNode: 8 });
  });

  it("that lacks or breaks something is one coded error", () => {
    const fault = (text: string, options = {}): string => {
      try {
        readNcclTests(text, { file: "log", ...options });
      } catch (thrown) {
        if (thrown instanceof HeddleError && thrown.code === "measurements-invalid") return thrown.message;
        throw thrown;
      }
      return "no error";
    };
    expect(fault(HEADER + RESULTS)).toContain("no collective");
    expect(fault(HEADER + RESULTS, { kind: "all-reduce" })).toContain("no ranks");
    expect(fault("", { kind: "all-reduce", ranks: 2 })).toContain("no line of results");
    expect(fault(TEXT.replace("16.94", "N/A"))).toContain("log, line 12, column time");
    expect(fault(TEXT.replace("on b", "on a"))).toContain("different numbers of ranks");
    fc.assert(
      fc.property(fc.string({ maxLength: 400 }), fc.nat(TEXT.length), (noise, at) => {
        fault(TEXT.slice(0, at) + noise + TEXT.slice(at));
        fault(noise);
      }),
      { numRuns: 200, seed: 7 },
    );
  });
});
