// Goal: `heddle serve` starts from files, drains on SIGTERM with what is in flight, leaves no process and a ledger that replays; wrong usage ends
// with its code. Method: the command line as a compiled process, and in this process where no signal is needed, with the tiny model and a synthetic rack.
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { readLedger } from "../../src/engine/ledger-reader.ts";
import { replayLedger } from "../../src/engine/replay.ts";
import { engineOfLedger } from "../../src/engine/replay-engine.ts";
import { writePlan } from "../../src/plan/plan-file.ts";
import { writeRack } from "../../src/rack/rack-file.ts";
import { heddle as heddleHere } from "../support/heddle.ts";
import { type TinyLive, tinyLive } from "../support/tiny-live.ts";

const MAIN = "dist/src/cli/main.js";

let live: TinyLive;
let files: readonly string[];
beforeAll(() => {
  live = tinyLive();
  const plan = join(live.folder, "plan.json");
  const rack = join(live.folder, "rack.yaml");
  writeFileSync(plan, writePlan(live.plan));
  writeFileSync(rack, writeRack(live.costs[0]!.rack));
  files = [plan, "--rack", rack];
  vi.stubEnv("HEDDLE_HOME", live.folder);
});
afterAll(() => vi.unstubAllEnvs());

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

interface Command {
  readonly child: ChildProcess;
  out: string;
  readonly ended: Promise<number | null>;
}

function heddle(...given: readonly string[]): Command {
  const child = spawn(process.execPath, [MAIN, ...given], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  children.push(child);
  const command: Command = { child, out: "", ended: new Promise((resolve) => child.once("close", (status) => resolve(status))) };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    command.out += text;
  });
  return command;
}

async function until<T>(look: () => T | undefined): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function hostsOf(pid: number | undefined): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .trim()
    .split(" ")
    .filter((text) => text !== "");
}

function isAlive(pid: string): boolean {
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch {
    return false;
  }
}

describe("heddle serve", () => {
  it("serves a plan file, drains on SIGTERM, and its ledgers replay", async () => {
    const ledger = join(live.folder, "ledgers");
    const command = heddle("serve", ...files, "--port", "0", "--ledger", ledger, "--json");
    const { url } = await until(() => (command.out.includes("}\n") ? (JSON.parse(command.out) as { url: string }) : undefined));
    const body = JSON.stringify({ model: "tiny", prompt: [5, 6, 7], max_tokens: 300, temperature: 0, ignore_eos: true, stream: true });
    const answer = await fetch(`${url}/v1/completions`, { method: "POST", body });
    const hosts = process.platform === "linux" ? hostsOf(command.child.pid) : [];
    command.child.kill("SIGTERM");
    const text = await answer.text();
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(text.match(/"finish_reason":"length"/g)).toHaveLength(1);
    expect(await command.ended).toBe(0);
    expect(hosts.filter(isAlive)).toEqual([]);
    const names = readdirSync(ledger).sort();
    expect(names).toEqual(["fleet.ledger", "replica-0-1.ledger"]);
    for (const name of names) {
      const read = readLedger(readFileSync(join(ledger, name)));
      expect(read.tornBytes).toBe(0);
      expect(read.header.tokens).toBe("dropped");
      expect(replayLedger(read, engineOfLedger).firstDivergence, name).toBeUndefined();
    }
  });

  it("keeps token ids only where asked to", async () => {
    const ledger = join(live.folder, "with-tokens");
    const command = heddle("serve", ...files, "--port", "0", "--ledger", ledger, "--ledger-tokens", "--json");
    const { url } = await until(() => (command.out.includes("}\n") ? (JSON.parse(command.out) as { url: string }) : undefined));
    const body = JSON.stringify({ model: "tiny", prompt: [5, 6, 7], max_tokens: 5, temperature: 0, ignore_eos: true });
    await (await fetch(`${url}/v1/completions`, { method: "POST", body })).text();
    command.child.kill("SIGTERM");
    expect(await command.ended).toBe(0);
    const { events } = readLedger(readFileSync(join(ledger, "fleet.ledger")));
    const tokens = events.flatMap(({ event }) => (event.type === "message" && event.message.type === "token" ? [event.message.token] : []));
    expect(tokens).toHaveLength(5);
    expect(tokens.every((token) => token >= 0)).toBe(true);
  });

  const wrong: [string, number, string, () => readonly string[]][] = [
    ["no plan", 2, "file-unreadable", () => ["nowhere.json"]],
    ["a plan that is not one", 2, "plan-invalid", () => ["package.json"]],
    ["a rack that is not in the cache", 2, "rack-invalid", () => files.slice(0, 1)],
    ["another host without keys", 2, "insecure-bind", () => [...files, "--host", "0.0.0.0"]],
    ["a key file without keys", 2, "file-unreadable", () => [...files, "--api-key-file", "/dev/null"]],
    ["token ids without a ledger", 2, "usage", () => [...files, "--no-ledger", "--ledger-tokens"]],
  ];
  it.each(wrong)("%s: exit %i, %s", async (_name, exit, code, given) => {
    const { status, stdout } = await heddleHere("serve", ...given(), "--json");
    expect(status).toBe(exit);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code } });
  });

  it("a port that is taken: exit 3, port-in-use", async () => {
    const taken = createServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, "127.0.0.1", () => resolve((taken.address() as { port: number }).port));
    });
    const command = heddle("serve", ...files, "--port", String(port), "--json");
    expect(await command.ended).toBe(3);
    expect(JSON.parse(command.out)).toMatchObject({ error: { code: "port-in-use" } });
    taken.close();
  });
});

describe("heddle run and up, on a rack file", () => {
  const local = (): readonly string[] => ["--model", live.plan.model.path, "--rack", files[2]!, "--no-calibrate"];

  it("run prints what the model says, the same for the same seed", async () => {
    const drawn = ["run", "Hello", ...local(), "--max-tokens", "12", "--temperature", "0.9", "--seed", "5", "--no-ledger"];
    const text = heddle(...drawn);
    const [again, json] = [await heddleHere(...drawn), await heddleHere(...drawn, "--json")];
    expect([await text.ended, again.status, json.status]).toEqual([0, 0, 0]);
    const document = JSON.parse(json.stdout) as { text: string; usage: { generated: number } };
    expect(document.usage.generated).toBeGreaterThan(0);
    expect(text.out).toBe(`${document.text}\n`);
    expect(again.stdout).toBe(text.out);
  });

  it("run says what is wrong", async () => {
    const long = await heddleHere("run", "word ".repeat(3000), ...local(), "--json");
    const unknown = await heddleHere("run", "x", "--model", join(live.folder, "nothing.gguf"), "--json");
    expect(long.status).toBe(2);
    expect(JSON.parse(long.stdout)).toMatchObject({ error: { code: "prompt-too-long" } });
    expect(unknown.status).not.toBe(0);
    expect(JSON.parse(unknown.stdout)).toHaveProperty("error.code");
  });

  it("up plans, compares a first prompt with its prediction, and serves", async () => {
    const command = heddle("up", ...local(), "--port", "0", "--queue-limit", "3", "--json");
    const ready = await until(() => (command.out.endsWith("}\n") ? (JSON.parse(command.out) as Record<string, unknown>) : undefined));
    expect(ready).toMatchObject({ model: "tiny", plan: { policy: { queueLimit: 3 } }, firstPrompt: { promptTokens: 512 } });
    const body = JSON.stringify({ model: "tiny", messages: [{ role: "user", content: "Hi" }], max_tokens: 3 });
    expect((await fetch(`${ready["url"]}/v1/chat/completions`, { method: "POST", body })).status).toBe(200);
    command.child.kill("SIGINT");
    expect(await command.ended).toBe(0);
  });
});
