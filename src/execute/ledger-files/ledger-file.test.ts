// Goal: what is wrong with a ledger's file ends the ledger, never the run. Method: a segment that cannot be begun, a limit that is reached.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { HeddleError } from "../../base/heddle-error.ts";
import { openLedgerFile } from "./ledger-file.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-ledger-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const bytes = (count: number): Uint8Array => new Uint8Array(count).fill(7);

function opened(name: string, bytesMax?: number) {
  const lost: HeddleError[] = [];
  const file = openLedgerFile(folder, name, { onLost: (reason) => lost.push(reason), ...(bytesMax === undefined ? {} : { bytesMax }) });
  return { file, lost };
}

it("ends where a segment cannot be begun, is told once, and keeps what was written", () => {
  const { file, lost } = opened("a");
  file.write(bytes(10));
  mkdirSync(join(folder, "a.1.ledger"));
  file.beginSegment?.(1);
  file.write(bytes(10));
  file.beginSegment?.(2);
  file.flush();
  file.close();
  expect(lost.map(({ code, where }) => [code, where])).toEqual([["file-unwritable", join(folder, "a.1.ledger")]]);
  expect(readFileSync(join(folder, "a.ledger"))).toHaveLength(10);
});

it("ends at its limit, segments together", () => {
  const { file, lost } = opened("b", 25);
  for (const segment of [1, 2, 3]) {
    file.write(bytes(10));
    file.beginSegment?.(segment);
  }
  file.write(bytes(10));
  file.close();
  expect(lost.map(({ detail }) => detail)).toEqual(["it has 30 bytes; 25 are the most of a ledger"]);
  expect(readFileSync(join(folder, "b.2.ledger"))).toHaveLength(10);
});

it("is refused where it cannot be begun", () => {
  opened("c").file.close();
  expect(() => opened("c")).toThrow(expect.objectContaining({ code: "file-unwritable" }));
});
