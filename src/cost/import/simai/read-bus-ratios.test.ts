import { describe, expect, it } from "vitest";
import { readBusRatios } from "./read-bus-ratios.ts";

const TEXT = "Size,1 Node(NVLinkx),2Node-16GPU(NIC ),Multi 16,Muiti 64\n16777216,0.45,0.32,0.86,\n33554432,,0.47,0.92,0.8\n";

describe("SimAI's bus ratios", () => {
  it("are read by size and nodes, without groups and empty cells", () => {
    expect(readBusRatios(TEXT, "nic.csv")).toEqual([
      { bytes: 16777216, nodes: 1, ratio: 0.45 },
      { bytes: 16777216, nodes: 2, ratio: 0.32 },
      { bytes: 33554432, nodes: 2, ratio: 0.47 },
    ]);
  });

  it("that are damaged are refused with line and column", () => {
    expect(() => readBusRatios(TEXT.replace("0.47", "1.47"), "nic.csv")).toThrow("nic.csv, line 3, column 2 nodes");
    expect(() => readBusRatios(TEXT.replace("16777216", "-1"), "nic.csv")).toThrow("column Size");
    expect(() => readBusRatios("a,b\n1,2\n", "nic.csv")).toThrow("names no column");
    expect(() => readBusRatios("Size,1 Node\n", "nic.csv")).toThrow("no ratio");
  });
});
