// Goal: a host's cores become alternative devices that cover them. Method: small hosts, counted by hand.
import { describe, expect, it } from "vitest";
import { describeDevices, deviceWidths } from "./device-layout.ts";
import { parseCoreList } from "./machine.ts";

const all = { ort: true, wasm: true, openvino: false, llama: false, memory: "dram" };

describe("device layout", () => {
  it("offers both cores together, each alone, and one WASM device on two cores", () => {
    const devices = describeDevices([0, 1], all);
    expect(devices.map(({ id, threads, cores }) => [id, threads, cores])).toEqual([
      ["cpu-0-1", 2, [0, 1]],
      ["cpu-0", 1, [0]],
      ["cpu-1", 1, [1]],
      ["wasm-1", 1, [1]],
    ]);
  });

  it("offers all, half and single cores of a larger host", () => {
    expect(deviceWidths(8)).toEqual([8, 4, 1]);
    expect(deviceWidths(64)).toEqual([64, 32, 8]);
    const devices = describeDevices([0, 1, 2, 3, 4, 5, 6, 7], all);
    expect(devices.filter((device) => device.threads === 4).map((device) => device.id)).toEqual(["cpu-0-3", "cpu-4-7"]);
    expect(devices).toHaveLength(1 + 2 + 8 + 1);
  });

  it("describes one core once, and cores that do not follow each other", () => {
    expect(describeDevices([5], all).map((device) => device.id)).toEqual(["cpu-5", "wasm-5"]);
    expect(describeDevices([0, 2], all)[0]?.id).toBe("cpu-0.2");
  });

  it("offers only what has a driver", () => {
    expect(describeDevices([0, 1], { ...all, ort: false }).map((device) => device.driver)).toEqual(["ort-wasm"]);
    expect(describeDevices([0, 1], { ...all, ort: false, wasm: false })).toEqual([]);
  });

  it("offers OpenVINO once, on all cores, where its library is there", () => {
    const added = describeDevices([0, 1, 2, 3], { ...all, openvino: true }).filter((device) => device.driver === "openvino");
    expect(added.map(({ id, threads, target }) => [id, threads, target])).toEqual([["ov-cpu-0-3", 4, "CPU"]]);
  });

  it("offers llama.cpp once in each width where its package is there", () => {
    const added = describeDevices([0, 1, 2, 3], { ...all, llama: true }).filter((device) => device.driver === "llama");
    expect(added.map(({ id, threads, cores }) => [id, threads, cores])).toEqual([
      ["llama-cpu-0-3", 4, [0, 1, 2, 3]],
      ["llama-cpu-0-1", 2, [0, 1]],
      ["llama-cpu-0", 1, [0]],
    ]);
  });

  it("reads core lists", () => {
    expect(parseCoreList("0-3,8")).toEqual([0, 1, 2, 3, 8]);
    expect(parseCoreList("7")).toEqual([7]);
    expect(parseCoreList("x-y")).toEqual([]);
  });
});
