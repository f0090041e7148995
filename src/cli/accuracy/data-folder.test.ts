/** Goal: damaged data are refused with the path a user finds them at. Method: a folder with one damaged file of each kind that readers know by other names. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { dataFolder, namingData } from "./data-folder.ts";
import { DISPATCH, TRANSFERS } from "./network-part.ts";
import { POWER } from "./power-part.ts";
import { RECORDED_RUN } from "./recorded-part.ts";
import { SERVED_MODELS } from "./served-part.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-data-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each([
  [SERVED_MODELS, "aiconfigurator-silicon/silicon_sample.csv"],
  [RECORDED_RUN, "llmservingsim-bench/profiler/perf/RTX4090/meta-llama/Llama-3.1-8B/bf16/tp1/dense.csv"],
  [POWER, "splitwise-profile/perf_model.csv"],
  [DISPATCH, "deepep-tables/deepep.json"],
  [TRANSFERS, "transfer-tables/transfer.json"],
])("$id", async (part, file) => {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  const data = dataFolder(folder);
  const read = (): Promise<unknown> => namingData(data, part.needs, () => part.rows(data));
  await expect(read()).rejects.toMatchObject({ code: "file-unreadable", where: expect.stringContaining(folder) });
  writeFileSync(path, "[1, {");
  await expect(read()).rejects.toMatchObject({ where: expect.stringMatching(new RegExp(`^${join(folder, part.needs)}`)) });
});
