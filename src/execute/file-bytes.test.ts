/** Goal: random access to files, and one coded error for every file that cannot be read. Method: real files of every kind. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openFileBytes } from "./file-bytes.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-bytes-"));
afterAll(() => rmSync(folder, { recursive: true }));
const unreadable = expect.objectContaining({ code: "file-unreadable" });

test("reads any part; a file that shrinks is named", () => {
  const path = join(folder, "a");
  writeFileSync(path, Uint8Array.of(1, 2, 3, 4, 5));
  const file = openFileBytes(path);
  expect([file.byteLength, [...file.read(1, 3)], [...file.read(5, 0)]]).toEqual([5, [2, 3, 4], []]);
  expect(file.read(0, 4).byteOffset).toBe(0);
  truncateSync(path, 2);
  expect(() => file.read(0, 5)).toThrow(unreadable);
  file.close();
  file.close();
  expect(() => file.read(0, 1)).toThrow(unreadable);
});

test("what is no regular file is refused at once, a pipe too", () => {
  execFileSync("mkfifo", [join(folder, "pipe")]);
  for (const path of [join(folder, "none"), folder, join(folder, "pipe")]) expect(() => openFileBytes(path)).toThrow(unreadable);
});
