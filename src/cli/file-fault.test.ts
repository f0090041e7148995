// Goal: what the system says of a file is an error of the table with its path. Method: failures of the file system, and errors that are none.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { HeddleError } from "../base/heddle-error.ts";
import { faultOf } from "./file-fault.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-fault-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, "file");
writeFileSync(file, "x");

function fault(action: () => unknown): HeddleError {
  try {
    action();
  } catch (thrown) {
    return faultOf(thrown);
  }
  return expect.unreachable("nothing was thrown");
}

it.each([
  ["a folder that is a file", () => readdirSync(file), "file-unreadable", file],
  ["a file that is not there", () => readFileSync(join(folder, "none")), "file-unreadable", join(folder, "none")],
  ["a folder below a file", () => mkdirSync(join(file, "below")), "file-unwritable", join(file, "below")],
])("%s", (_name, action, code, where) => {
  expect(fault(action)).toMatchObject({ code, where });
});

it("leaves the rest as it was", () => {
  const known = new HeddleError("usage");
  expect(faultOf(known)).toBe(known);
  expect(faultOf(new TypeError("x is undefined")).code).toBe("internal");
  expect(
    faultOf(Object.assign(new Error("spawn python3 ENOENT"), { code: "ENOENT", syscall: "spawn python3", path: "python3" })).code,
  ).toBe("internal");
});
