import { homedir } from "node:os";
import { join } from "node:path";

/** Folder of everything heddle keeps between runs: `HEDDLE_HOME`, else `$XDG_CACHE_HOME/heddle`, else `~/.cache/heddle`. */
export function heddleHome(): string {
  const own = process.env["HEDDLE_HOME"];
  if (own !== undefined && own !== "") return own;
  const cache = process.env["XDG_CACHE_HOME"];
  return join(cache === undefined || cache === "" ? join(homedir(), ".cache") : cache, "heddle");
}
