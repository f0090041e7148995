import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { defineConfig } from "vitest/config";

/** Files that share one module graph a worker, which saves a process and loading it anew for each: what they change (environment, spies) they put back. */
const SHARED = ["src/**/*.test.ts", "test/{fuzz,golden,house,simulation}/**/*.test.ts"];

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
      { extends: true, test: { name: "shared", include: SHARED, isolate: false } },
      { extends: true, test: { name: "alone", include: ["test/**/*.test.ts"], exclude: SHARED } },
    ],
  },
});
