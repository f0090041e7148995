import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { PURE_LAYERS } from "./scripts/layers.ts";

/**
 * Tests of code that keeps nothing between calls: their files share one module graph a worker, which saves loading it anew for each. Others have a process
 * each: a thread that made a session of ONNX Runtime rounds subnormal numbers to zero from then on, in JavaScript too.
 */
const PURE = [...PURE_LAYERS.map((layer) => `src/${layer}/**/*.test.ts`), "test/simulation/**/*.test.ts", "test/fuzz/**/*.test.ts"];

/** `npm test`, which builds first, says so: tests run what was built, as users do, and Node loads it as it is. */
const BUILT = process.env.HEDDLE_TEST_BUILT === "1";

/** The built file of a source that a test names, if there is one. */
const builtSources = {
  name: "built-sources",
  enforce: "pre",
  resolveId(source: string, importer: string | undefined): string | undefined {
    if (!BUILT || importer === undefined || !source.startsWith(".") || !source.endsWith(".ts")) return undefined;
    const path = relative(import.meta.dirname, resolve(dirname(importer), source));
    const built = join(import.meta.dirname, "dist", path.replace(/\.ts$/, ".js"));
    return existsSync(built) ? built : undefined;
  },
} as const;

// biome-ignore lint/style/noDefaultExport: vitest reads the default export
export default defineConfig({
  plugins: [builtSources],
  test: {
    server: { deps: { external: [/\/dist\/(src|bench|scripts|examples)\//] } },
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
