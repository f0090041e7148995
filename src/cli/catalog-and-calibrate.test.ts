// Goal: the catalogue and the kit from the command line. Method: what commands print and write, and errors by code.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { printedBy } from "../../test/support/printed-by.ts";
import { measuredOperators, storedOperators } from "../execute/calibrate/kit/operator-store.ts";
import { DEVICE_SHEETS, deviceSheet } from "../rack/catalog/catalog.ts";
import { readDeviceSheet } from "../rack/catalog/device-sheet-file.ts";
import { addCalibrateCommand } from "./commands/calibrate.ts";
import { addRackCommand } from "./commands/rack.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-catalog-"));
const home = process.env["HEDDLE_HOME"];
beforeAll(() => {
  process.env["HEDDLE_HOME"] = join(folder, "home");
});
afterAll(() => {
  if (home === undefined) delete process.env["HEDDLE_HOME"];
  else process.env["HEDDLE_HOME"] = home;
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => vi.restoreAllMocks());

const printed = printedBy(addRackCommand, addCalibrateCommand);

describe("heddle rack catalog", () => {
  it("lists every device, and one with the source of every figure", async () => {
    const all = await printed("rack", "catalog");
    for (const { id } of DEVICE_SHEETS) expect(all).toContain(`${id}\t`);
    const one = await printed("rack", "catalog", "h100-sxm");
    expect(one).toContain("memory.bandwidthBytesPerSecond\t3.35 TB/s\tdata-sheet\tNVIDIA H100 Tensor Core GPU data sheet, 2023");
    expect(one).not.toContain("unconfirmed");
    // Products of floating-point numbers and of whole ones have units of their own, as in the list; times have theirs.
    for (const text of ["peaks.bf16\t989 TFLOP/s", "peaks.i8\t1.98 POP/s", "host.latencyNs\t1.00 µs"]) expect(one).toContain(text);
    const unsure = await printed("rack", "catalog", "mi300x");
    expect(unsure).toContain("dollarsPerHour\t6\tdata-sheet\tunconfirmed: from memory of Azure");
    expect(unsure).toContain("1 unconfirmed, written from memory of the source: dollarsPerHour");
    expect(all).toContain("unconfirmed, written from memory of their source: h100-pcie perNode, mi300x dollarsPerHour");
    expect(JSON.parse(await printed("rack", "catalog", "mi300x", "--json"))).toEqual(deviceSheet("mi300x"));
  });

  it("writes a sheet that can be changed and shown", async () => {
    expect(readDeviceSheet(await printed("rack", "catalog", "tpu-v6e", "--yaml"))).toEqual(deviceSheet("tpu-v6e"));
    const path = join(folder, "next.yaml");
    writeFileSync(path, "id: next\nlike: h100-sxm\nmemory: { bandwidthBytesPerSecond: x2 }\n");
    expect(await printed("rack", "catalog", path)).toContain("6.70 TB/s\tderived\t2 x NVIDIA H100");
  });

  it.each([
    [["h1000"], "device-unknown"],
    [["none.yaml"], "file-unreadable"],
    [["--yaml"], "usage"],
  ])("answers %j with %s", async (words, code) => {
    await expect(printed("rack", "catalog", ...words)).rejects.toMatchObject({ code });
  });
});

describe("heddle calibrate", () => {
  const row = { query: { op: "product", m: 4096, n: 4096, k: 4096, type: "bf16" }, spread: 0.01, runs: 11 };
  const kit = {
    form: "heddle-torch-kit",
    version: 1,
    device: { name: "NVIDIA H100 80GB HBM3", backend: "cuda", count: 1, memoryBytes: 8e10, torch: "2.6.0", runtime: "12.4", threads: 0 },
    catalogueId: "",
    quick: true,
    seconds: 60,
    rows: [
      { ...row, ns: 200_000 },
      { ...row, ns: 20_000 },
    ],
    transfers: [],
    skipped: {},
  };

  it("writes the program", async () => {
    const path = join(folder, "kit.py");
    await printed("calibrate", "--kit", "torch", "-o", path);
    expect(readFileSync(path, "utf8")).toBe(await printed("calibrate", "--kit", "torch"));
  });

  it("keeps what the program measured, once, and leaves out what the device cannot do", async () => {
    const path = join(folder, "mine.json");
    writeFileSync(path, JSON.stringify(kit));
    const summary = JSON.parse(await printed("calibrate", "--import", path, "--json")) as Record<string, unknown>;
    expect(summary).toMatchObject({
      catalogueId: "h100-sxm",
      operators: { product: 1 },
      rejected: [{ row: 2, fault: "faster-than-peak" }],
    });
    await printed("calibrate", "--import", path);
    expect(readdirSync(join(folder, "home", "operators"))).toHaveLength(1);
    writeFileSync(join(folder, "home", "operators", "broken.json"), "{");
    expect(storedOperators().map(({ table }) => table.rows.length)).toEqual([2]);
    rmSync(join(folder, "home", "operators"), { recursive: true });
  });

  it("prices a device by what was imported of it, whatever the file calls it, and no other device", async () => {
    const rows = [64, 256, 1024, 4096].map((m) => ({ ...row, query: { ...row.query, m }, ns: 5000 + 60 * m }));
    const path = join(folder, "own.json");
    writeFileSync(path, JSON.stringify({ ...kit, rows, device: { ...kit.device, name: "Acme 1" } }));
    const sheetPath = join(folder, "acme.yaml");
    writeFileSync(sheetPath, "id: acme-1\nlike: h100-sxm\n");
    const acme = readDeviceSheet(readFileSync(sheetPath, "utf8"));
    expect(measuredOperators(acme)).toBeUndefined();
    const summary = JSON.parse(await printed("calibrate", "--import", path, "--device", sheetPath, "--json")) as Record<string, unknown>;
    expect(summary).toMatchObject({ catalogueId: "acme-1", rejected: [] });
    const priced = measuredOperators(acme)?.price({ op: "product", m: 1024, n: 4096, k: 4096, type: "bf16" });
    expect(priced?.ok && priced.value.ns / (5000 + 60 * 1024)).toBeCloseTo(1, 1);
    expect(priced?.ok && priced.value.basis).not.toBe("data-sheet");
    const unmeasured = measuredOperators(acme)?.price({ op: "stream", bytes: 1e9 });
    expect(unmeasured?.ok && unmeasured.value.basis).toBe("data-sheet");
    expect(measuredOperators({ ...acme, id: "acme-2" })).toBeUndefined();
  });

  it("measures a server and says what is left for its host", async () => {
    const server = createServer((request, response) => {
      if (request.url === "/v1/models") {
        response.end(JSON.stringify({ data: [{ id: "m" }] }));
        return;
      }
      const chunk = JSON.stringify({ choices: [{ text: "x" }] });
      const usage = JSON.stringify({ choices: [], usage: { prompt_tokens: 40, completion_tokens: 3 } });
      response.end([chunk, chunk, chunk, usage, "[DONE]"].map((data) => `data: ${data}\n\n`).join(""));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const out = join(folder, "server.json");
    const grid = ["--prompts", "40", "--outputs", "3", "--concurrency", "1,2", "--rounds", "2", "-o", out];
    try {
      const deployment = ["--deployment", "examples/deployments/llama-8b-l40s.yaml"];
      const text = await printed("calibrate", "--kit", "engine", "--url", url, ...grid, ...deployment);
      const kept = JSON.parse(readFileSync(out, "utf8")) as {
        points: unknown[];
        overhead: { points: { leftNs: number }[]; overheadNs: number };
      };
      expect(kept.points).toHaveLength(2);
      // Nothing computes there: all of a device's time is missing, and the host is given none.
      expect(kept.overhead.points.every(({ leftNs }) => leftNs < -1e6)).toBe(true);
      expect(kept.overhead.overheadNs).toBe(0);
      expect(text).toContain("overheadNs: 0 explains these points");
    } finally {
      server.close();
    }
  });

  it.each([
    [[], "usage"],
    [["--kit", "other"], "usage"],
    [["--kit", "engine"], "usage"],
    [["--kit", "torch", "--import", "x"], "usage"],
    [["--kit", "torch", "--device", "l4"], "usage"],
    [["--kit", "torch", "--rounds", "2"], "usage"],
    [["--import", "package.json", "--output", "x"], "usage"],
    [["--kit", "engine", "--url", "http://127.0.0.1:1", "--deployment", "none.yaml"], "file-unreadable"],
    [["--import", "none.json"], "file-unreadable"],
    [["--import", "package.json"], "measurements-invalid"],
    [["--kit", "engine", "--url", "http://127.0.0.1:1"], "server-refused"],
  ])("answers %j with %s", async (words, code) => {
    await expect(printed("calibrate", ...words)).rejects.toMatchObject({ code });
  });
});
