import { existsSync } from "node:fs";
import { HeddleError } from "../../base/heddle-error.ts";

/**
 * URL of the compiled form of a module of `src/execute/`, for child processes and workers: Node 20 runs no TypeScript. From compiled code that is
 * the sibling; from source (tests) the file below `dist/`.
 *
 * Errors: `internal` when the build is missing.
 */
export function compiledEntry(module: string): URL {
  const here = import.meta.url;
  if (here.endsWith(".js")) return new URL(`../${module}.js`, here);
  const url = new URL(`../../../dist/src/execute/${module}.js`, here);
  if (!existsSync(url))
    throw new HeddleError("internal", { where: url.pathname, detail: "run `npm run build` first: worker processes run compiled code" });
  return url;
}
