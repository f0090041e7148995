// Goal: the system knows that the kernels' memory is to have large pages. Method: what Linux says of this process's mappings.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { askLargePages } from "./large-pages.ts";
import { webAssembly } from "./web-assembly.ts";

const PAGES = 1024;
/** Whether the kernel has such pages at all. */
const SWITCH = "/sys/kernel/mm/transparent_hugepage/enabled";

function advisedBytes(): number {
  const mappings = readFileSync("/proc/self/smaps", "utf8").split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const advised = mappings.filter((text) => /^VmFlags:.* hg\b/m.test(text));
  return advised.reduce((sum, text) => sum + 1024 * Number(/^Size: +(\d+) kB/m.exec(text)?.[1]), 0);
}

it.skipIf(process.platform !== "linux" || !hasSwitch())("memory is marked for large pages", async () => {
  const memory = new webAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
  const before = advisedBytes();
  expect(await askLargePages(memory)).toBe(true);
  expect(advisedBytes() - before).toBe(memory.buffer.byteLength);
});

function hasSwitch(): boolean {
  try {
    return !readFileSync(SWITCH, "utf8").includes("[never]");
  } catch {
    return false;
  }
}
