import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HeddleError } from "../../../base/heddle-error.ts";
import { readNixlbench } from "./read-nixlbench.ts";
import { readUcxPerftest } from "./read-ucx-perftest.ts";

const NIXL = `Num threads (--num_threads=N)                               : 1
Block Size (B)      Batch Size     B/W (GB/Sec)   Avg Lat. (us)  Avg Prep (us)  P99 Prep (us)  Avg Post (us)  P99 Post (us)  Avg Tx (us)    P99 Tx (us)
----------------------------------------------------------------------------------------------------------------------------------------------------------
65536               1              1.236753       53.0           16.0           16.0           4.0            6.0            48.9           64.0
67108864            4              22.960000      11691.0        16.0           16.0           4.5            6.0            48.9           64.0
AIS-STATS Version: 1
`;
const UCX = (
  latency: boolean,
  final: string,
): string => `+--------------+--------------+------------------------------+---------------------+-----------------------+
|              |              |        ${latency ? "latency" : "overhead"} (usec)        |   bandwidth (MB/s)  |  message rate (msg/s) |
|    Stage     | # iterations | 50.0%ile | average | overall |  average |  overall |  average  |  overall  |
[thread 0]                34      0.272 56927.562 56927.562    17987.77   17987.77          18          18
Final:   ${final}
`;

function fault(read: () => unknown): string {
  try {
    read();
  } catch (thrown) {
    if (thrown instanceof HeddleError && thrown.code === "measurements-invalid") return thrown.message;
    throw thrown;
  }
  return "no error";
}

describe("nixlbench output", () => {
  it("gives one transfer a line, by the order of its header", () => {
    const [first, second] = readNixlbench(NIXL, "log");
    expect(first).toMatchObject({ blockBytes: 65536, blocks: 1, postNs: 4000 });
    expect(first!.ns).toBeCloseTo(52_990, -1);
    expect(second!.ns).toBeCloseTo((4 * 67108864) / 22.96, 3);
    const older =
      "Block Size (B)      Batch Size     Avg Lat. (us)  B/W (MiB/Sec)  B/W (GiB/Sec)  B/W (GB/Sec)\n4096   2   10.0   390.6   0.38   0.4096\n";
    expect(readNixlbench(older, "log")).toEqual([{ blockBytes: 4096, blocks: 2, ns: 20_000 }]);
  });

  it("without a table, or with a damaged line, is one coded error", () => {
    expect(fault(() => readNixlbench("nothing", "log"))).toContain("no table");
    expect(fault(() => readNixlbench(NIXL.replace("22.960000", "nan"), "log"))).toContain("log, line 5, column B/W (GB/Sec)");
  });
});

describe("ucx_perftest output", () => {
  it("gives half a round trip of latency tests, bytes over bandwidth of others", () => {
    expect(readUcxPerftest(UCX(true, "1000000  2.457  2.460  2.463  3.10  3.10  406432  406036"), { file: "log", bytes: 8 })).toEqual({
      blockBytes: 8,
      blocks: 1,
      ns: 2460,
    });
    const rate = readUcxPerftest(
      `| Message size: 100000000      |\n${UCX(false, "10  0.191  8162.713  8162.713  11683.30  11683.30  123  123")}`,
      { file: "log" },
    );
    expect(rate.ns).toBeCloseTo(100e6 / (11683.3 * 1.048576e-3), 0);
  });

  it("that tells no size, did not end or has no time is one coded error", () => {
    const good = UCX(true, "1  2  3  4  5  6  7  8");
    expect(fault(() => readUcxPerftest(good, { file: "log" }))).toContain("message size");
    expect(fault(() => readUcxPerftest(good.replace("Final:", "Fin"), { file: "log", bytes: 8 }))).toContain("did not end");
    expect(fault(() => readUcxPerftest(UCX(true, "1 2 x"), { file: "log", bytes: 8 }))).toContain("line 5");
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.nat(good.length), (noise, at) => {
        const text = good.slice(0, at) + noise + good.slice(at);
        fault(() => readUcxPerftest(text, { file: "log", bytes: 8 }));
        fault(() => readNixlbench(NIXL.slice(0, at) + noise + NIXL.slice(at), "log"));
      }),
      { numRuns: 200, seed: 7 },
    );
  });
});
