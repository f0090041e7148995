// Goal: what is wrong with a file is said in words. Method: one schema, the mistakes people make.
import { expect, it } from "vitest";
import { z } from "zod";
import { firstIssue } from "./schema-parts.ts";

const schema = z.strictObject({ version: z.literal(1), name: z.string(), jobs: z.array(z.number()) });

it.each([
  [{ version: 1, jobs: [] }, "name", "it is missing; text is meant"],
  [{ version: 1, name: "a" }, "jobs", "it is missing; a list is meant"],
  [{ name: "a", jobs: [] }, "version", "must be 1"],
  [{ version: 1, name: 7, jobs: [] }, "name", "is a number; text is meant"],
  [null, undefined, "is empty; a map is meant"],
  [{ version: 1, name: "a", jobs: {} }, "jobs", "is a map; a list is meant"],
  [{ version: 1, nam: "a" }, "nam", "there is no such field"],
])("%j", (content, field, message) => {
  const checked = schema.safeParse(content);
  expect(checked.error && firstIssue(checked.error)).toEqual({ path: field === undefined ? [] : [field], message });
});
