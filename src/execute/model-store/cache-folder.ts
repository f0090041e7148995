import { homedir } from "node:os";
import { join } from "node:path";

/** Where heddle keeps what it can fetch or measure again: HEDDLE_HOME, else `heddle` in XDG_CACHE_HOME, else ~/.cache/heddle. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const own = env["HEDDLE_HOME"];
  if (own !== undefined && own !== "") return own;
  const shared = env["XDG_CACHE_HOME"];
  return join(shared !== undefined && shared !== "" ? shared : join(homedir(), ".cache"), "heddle");
}

export function modelsFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(cacheFolder(env), "models");
}
