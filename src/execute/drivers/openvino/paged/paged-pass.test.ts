// Goal: a library without the pass is refused with its path, as kernels that are asked for are. Method: a folder where none lies.
import { expect, test } from "vitest";
import type { OpenvinoCore } from "../core.ts";
import { pagedKernels } from "./paged-kernels.ts";

const core = {} as OpenvinoCore;

test("a library that is not there is named", async () => {
  const kernels = await pagedKernels(core, "/nowhere/libopenvino_c.so.2641");
  expect(kernels.refusal()).toContain("/nowhere/libopenvino.so.2641 has no pass for paged attention");
  await expect(kernels.load({} as never, {} as never)).rejects.toMatchObject({ code: "plan-invalid", where: "paged attention" });
});
