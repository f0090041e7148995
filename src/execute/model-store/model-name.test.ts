// Goal: what a user calls a model is found where it is. Method: names of folders here, of the catalogue, and of nothing.
import { join } from "node:path";
import { expect, test } from "vitest";
import { HeddleError } from "../../base/heddle-error.ts";
import { DEFAULT_MODEL } from "./catalog.ts";
import { parseModelName } from "./model-name.ts";

test("a folder is found by its bare name, but not before a model of the catalogue", () => {
  const path = join(process.cwd(), "examples");
  for (const name of ["examples", "./examples", path]) expect(parseModelName(name)).toEqual({ kind: "path", path });
  expect(parseModelName(DEFAULT_MODEL).kind).toBe("known");
  expect(() => parseModelName("not-here")).toThrow(HeddleError);
});
