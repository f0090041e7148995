import { defineConfig } from "vitest/config";
import { PURE_LAYERS } from "./scripts/layers.ts";

/** Tests of code that keeps nothing between calls: their files share one module graph a worker, which saves loading it anew for each. */
const PURE = [...PURE_LAYERS.map((layer) => `src/${layer}/**/*.test.ts`), "test/simulation/**/*.test.ts", "test/fuzz/**/*.test.ts"];

// biome-ignore lint/style/noDefaultExport: vitest reads the default export
export default defineConfig({
  test: {
    globalSetup: ["test/support/software-gpu-setup.ts"],
    // Only what hangs is to end so: with others at work on the machine, tests of some seconds took more than a minute.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: "pure", include: PURE, isolate: false } },
      { extends: true, test: { name: "live", include: ["src/**/*.test.ts", "test/**/*.test.ts"], exclude: PURE } },
    ],
  },
});
