import { statSync } from "node:fs";
import { cacheFolder } from "../execute/model-store/cache-folder.ts";
import { listModels } from "../execute/model-store/list-models.ts";
import { printResult, table } from "./output.ts";
import { pullWithProgress } from "./pull-progress.ts";

const BYTES_PER_MB = 1e6;

function bytesOf(path: string): number | undefined {
  const stat = statSync(path);
  return stat.isFile() ? stat.size : undefined;
}

/** `heddle model pull`. Errors: those of pulling. */
export async function pull(name: string, options: { readonly json?: boolean }): Promise<void> {
  const path = await pullWithProgress(name);
  printResult(options.json === true, { name, path, bytes: bytesOf(path) }, () => path);
}

/** `heddle model list`. */
export function list(options: { readonly json?: boolean }): void {
  const models = listModels();
  const rows = models.map(({ name, kind, bytes, path }) => [name, kind, `${(bytes / BYTES_PER_MB).toFixed(1)} MB`, path ?? "not pulled"]);
  printResult(options.json === true, { cache: cacheFolder(), models }, () => table(["model", "kind", "size", "path"], rows));
}
