// Goal: a device that hangs, or takes its process with it, ends as a finding beside what was found before; an interrupt ends the command at once.
// Method: drivers of one's own around a right one, which stop answering at one call; the command in a process of its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Validation } from "../../src/execute/validate/validation.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-hang-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A module whose device does `fault` when it compiles its tenth stage. */
function driverThat(name: string, fault: string): string {
  const path = join(folder, `${name}.mjs`);
  writeFileSync(
    path,
    `import { deviceDriverByName } from ${JSON.stringify(resolve("dist/src/execute/device/device-driver-by-name.js"))};
export const driver = { id: "faulty", open: async (options) => {
  const device = await (await deviceDriverByName("ort")).open(options);
  let compiled = 0;
  return { ...device, compile: async (...given) => { if (++compiled === 10) { ${fault} } return device.compile(...given); } };
} };`,
  );
  return path;
}

function heddle(...words: string[]) {
  const child = spawn(process.execPath, [resolve("dist/src/cli/main.js"), "validate-device", ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return { child, ended: once(child, "close").then(([status]) => ({ status: status as number | null, stdout, stderr })) };
}

const FAULTS: readonly (readonly [string, string, RegExp])[] = [
  ["waits for ever", "await new Promise((ended) => setTimeout(ended, 1e9));", /no answer within 2 s.*compiling/],
  ["never gives its thread back", "for (;;) {}", /no answer within 2 s.*compiling/],
  ["ends its process", 'process.kill(process.pid, "SIGSEGV"); await new Promise(() => {});', /ended by SIGSEGV.*compiling/],
];

describe("heddle validate-device on a device that", () => {
  it.each(FAULTS)("%s", async (name, fault, said) => {
    const { ended } = heddle(driverThat(name.replaceAll(" ", "-"), fault), "--limit", "2", "--json");
    const { status, stdout, stderr } = await ended;
    expect(status, stderr).toBe(1);
    const { verdict, findings, checks } = JSON.parse(stdout) as Validation;
    expect(verdict).toBe("fail");
    const failed = findings.filter((finding) => finding.verdict === "fail");
    expect(failed).toMatchObject([{ check: "operators", detail: expect.stringMatching(said) }]);
    expect(findings.filter((finding) => finding.verdict === "pass").length).toBe(9);
    expect(checks.map(({ check }) => check)).toEqual(["operators", "determinism", "batch", "memory", "failure", "speed"]);
  });

  it("hangs is left at once when the command is interrupted", async () => {
    const { child, ended } = heddle(driverThat("interrupted", "for (;;) {}"));
    await once(child.stderr, "data");
    child.kill("SIGINT");
    const { status, stderr } = await ended;
    expect(status, stderr).toBe(130);
    expect(stderr).toContain("interrupted");
  });

  it("opens never: the error says so", async () => {
    const path = join(folder, "closed.mjs");
    writeFileSync(path, `export const driver = { id: "closed", open: () => new Promise((ended) => setTimeout(ended, 1e9)) };`);
    const { status, stderr } = await heddle(path, "--limit", "1").ended;
    expect(status).toBe(5);
    expect(stderr).toMatch(/no answer within 1 s.*opening/);
  });
});
