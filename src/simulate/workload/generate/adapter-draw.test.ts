// Goal: adapters fall on requests by the law that is asked for, and change nothing else. Method: many requests, and the same workload without adapters.
import { describe, expect, it } from "vitest";
import { requestColumns } from "../columns/request-columns.ts";
import { heddleRequest, writeHeddleRequest } from "../heddle-jsonl.ts";
import { drawAdapters, parseAdapters } from "./adapter-draw.ts";
import { generateColumns } from "./generate-columns.ts";

const PLAIN = "poisson:rate=100,prompt=10,output=10,seconds=100,seed=3";

function shares(adapter: Int32Array, count: number): number[] {
  const seen = new Array<number>(count).fill(0);
  for (const one of adapter) if (one >= 0) seen[one]! += 1 / adapter.length;
  return seen;
}

describe("adapters of generated workloads", () => {
  it("leave arrivals and lengths as they are without", () => {
    const { adapter, adapterRanks, ...others } = generateColumns(`${PLAIN},adapters=10,ranks=8:16`);
    expect(others).toEqual(generateColumns(PLAIN));
    expect(adapter).toHaveLength(others.count);
    expect([...adapterRanks!].sort((a, b) => a - b)).toEqual([8, 8, 8, 8, 8, 16, 16, 16, 16, 16]);
  });

  it("are all alike, or fall with rank as 1 / k^s; a share has none", () => {
    const alike = shares(generateColumns(`${PLAIN},adapters=10`).adapter!, 10);
    for (const share of alike) expect(share).toBeCloseTo(0.1, 1);
    const { adapter } = generateColumns(`${PLAIN},adapters=4,popularity=zipf:1,plain=0.52`);
    const fell = shares(adapter!, 4);
    const sum = 1 + 1 / 2 + 1 / 3 + 1 / 4;
    for (let k = 0; k < 4; k++) expect(Math.abs(fell[k]! - 0.48 / sum / (k + 1))).toBeLessThan(0.015);
  });

  it("stay with a conversation, not with a client", () => {
    const talks = generateColumns("sessions:rate=2,turns=4,think=1,prompt=100-200,output=50,seconds=60,adapters=50");
    for (const [i, before] of talks.after!.entries()) if (before >= 0) expect(talks.adapter![i]).toBe(talks.adapter![before]);
    const clients = generateColumns("closed:clients=4,requests=400,prompt=100,output=10,adapters=50");
    expect(clients.adapter!.some((one, i) => i >= 4 && one !== clients.adapter![clients.after![i]!])).toBe(true);
  });

  it("are drawn for any workload by a law of its own", () => {
    const drawn = drawAdapters(generateColumns(PLAIN), parseAdapters("count=10,popularity=zipf:1.2,ranks=8:16,seed=3"));
    expect(drawn).toEqual(generateColumns(`${PLAIN},adapters=10,popularity=zipf:1.2,ranks=8:16`));
  });

  it("are refused by field", () => {
    const said = (fields: string): string => {
      try {
        generateColumns(`${PLAIN},${fields}`);
        return "";
      } catch (thrown) {
        return String(thrown);
      }
    };
    expect(said("ranks=8")).toContain("says nothing without adapters");
    expect(said("adapters=0")).toContain("adapters");
    expect(said("adapters=3,popularity=normal")).toContain("uniform or zipf:1.1");
    expect(said("adapters=3,ranks=8:x")).toContain("ranks");
    expect(said("adapters=3,plain=1.5")).toContain("plain");
    expect(() => parseAdapters("popularity=uniform")).toThrow(/count/);
  });
});

describe("adapters of files", () => {
  const line = (fields: object) => ({ line: 1, text: JSON.stringify({ at_ms: 0, prompt_tokens: 5, output_tokens: 2, ...fields }) });

  it("are named in ours, and numbered as they come", () => {
    const rows = [{ adapter: "b", adapter_rank: 8 }, {}, { adapter: "a" }, { adapter: "b" }].map((fields) => heddleRequest(line(fields)));
    for (const row of rows) expect(heddleRequest({ line: 1, text: writeHeddleRequest(row) })).toEqual(row);
    const { adapter, adapterRanks } = requestColumns({ source: "test", requests: rows });
    expect([...adapter!]).toEqual([0, -1, 1, 0]);
    expect([...adapterRanks!]).toEqual([8, 0]);
    expect(requestColumns({ source: "test", requests: [rows[1]!] })).not.toHaveProperty("adapter");
    const two = [rows[0]!, heddleRequest(line({ adapter: "b", adapter_rank: 16 }))];
    expect(() => requestColumns({ source: "test", requests: two })).toThrow(/b has rank 8 and rank 16/);
  });

  it("are refused where they make no sense", () => {
    expect(() => heddleRequest(line({ adapter: "" }))).toThrow(/adapter/);
    expect(() => heddleRequest(line({ adapter_rank: 8 }))).toThrow(/says nothing without adapter/);
    expect(() => heddleRequest(line({ adapter: "a", adapter_rank: 1e6 }))).toThrow(/at most 4096/);
  });
});
