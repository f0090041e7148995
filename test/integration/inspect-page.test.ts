/**
 * Goal: the page of an inspection works in a browser: it opens without a network or an error, draws every stage and operator, and its controls change
 * what is shown. Method: a real Chromium on pages of published configurations and of hostile names; left out where there is none.
 */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pageAsset, writePage } from "../../src/cli/inspect-page.ts";
import { graphOf } from "../../src/graph/architecture/build/build-architecture.ts";
import { architectureOf } from "../../src/graph/architecture/config/read-architecture.ts";
import { readOnRack } from "../../src/inspect/classify/rack-reading.ts";
import { inspect } from "../../src/inspect/inspection.ts";
import { type PageData, pageDataOf } from "../../src/inspect/page/page-data.ts";
import { pageHtml } from "../../src/inspect/page/page-html.ts";
import { readRack } from "../../src/rack/rack-file.ts";
import { chromiumPath } from "../support/chromium.ts";
import { PUBLISHED } from "../support/published-models.ts";

const RACK = readRack(readFileSync("examples/racks/unlike-devices.yaml", "utf8"));
const DESK = { viewport: { width: 1300, height: 900 } };
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const ATTACK = `</script><img src=x onerror="document.title='broken'">`;

const folder = mkdtempSync(join(tmpdir(), "heddle-page-"));
const path = chromiumPath();

function dataOf(config: Readonly<Record<string, unknown>>, name: string, onRack = true): PageData {
  const architecture = architectureOf(config);
  const graph = graphOf(architecture, { name, type: "bf16", kvType: "bf16" });
  const inspection = inspect(architecture, { name, type: "bf16", kvType: "bf16", batch: 1, prompt: undefined, context: undefined });
  return pageDataOf(graph, inspection, onRack ? readOnRack(graph, inspection, RACK, { reserve: 0.1, contextLength: 131_072 }) : undefined);
}

const configOf = (name: string) => PUBLISHED.find((model) => model.name === name)!.config;

describe.skipIf(path === undefined)("the page in a browser", () => {
  let browser: Browser;
  beforeAll(async () => {
    // A container's root may not make the browser's own sandbox; the page is ours.
    browser = await chromium.launch({ executablePath: path!, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A page with what it complained about and asked for. */
  async function opened(data: PageData, options: BrowserContextOptions = DESK): Promise<{ page: Page; complaints: string[] }> {
    const file = join(folder, "page.html");
    writePage(file, data);
    return openedFile(file, options);
  }

  async function openedFile(file: string, options: BrowserContextOptions): Promise<{ page: Page; complaints: string[] }> {
    const page = await (await browser.newContext(options)).newPage();
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => {
      if (!request.url().startsWith("file:")) complaints.push(`asked for ${request.url()}`);
    });
    await page.goto(pathToFileURL(file).href);
    await page.waitForSelector("html[data-ready=yes]", { state: "attached" });
    await page.waitForFunction("Number(document.querySelector('#graph').dataset.frames) > 0");
    return { page, complaints };
  }

  const drawn = async (page: Page): Promise<readonly number[]> => [
    Number(await page.getAttribute("#graph", "data-boxes")),
    Number(await page.getAttribute("#graph", "data-operators")),
  ];

  it("draws stages, then the whole model, on every device and in every phase", async () => {
    const data = dataOf(configOf("DeepSeek-V3"), "DeepSeek-V3");
    const { page, complaints } = await opened(data);
    expect(await drawn(page)).toEqual([6, data.drawings.stages.operators.length]);
    await page.selectOption("#view", "model");
    expect(await drawn(page)).toEqual([182, data.operators.length]);
    for (const device of ["0", "1", "2", "3"]) {
      for (const phase of ["0", "1"]) {
        await page.selectOption("#device", device);
        await page.selectOption("#phase", phase);
      }
    }
    expect(await page.textContent("#device-line")).toContain("no estimate of the whole run. npu");
    await page.selectOption("#device", "0");
    expect(await page.textContent("#device-line")).toMatch(/^decode: \d+\.\d ms estimated \(roofline, data sheet\)/);
    expect(await page.getAttribute("#roofline", "data-marks")).toBe("5");
    expect(complaints).toEqual([]);
    expect((await page.screenshot({ path: join(folder, "page.png"), fullPage: true })).length).toBeGreaterThan(20_000);
    expect(statSync(join(folder, "page.png")).size).toBeGreaterThan(20_000);
  });

  it("shows figures and formulas of what is searched, by keys alone", async () => {
    const { page, complaints } = await opened(dataOf(configOf("Llama-3.1-8B"), "Llama-3.1-8B"));
    await page.focus("#search");
    await page.keyboard.type("feed-forward.down");
    await page.keyboard.press("Enter");
    const details = await page.textContent("#details");
    expect(details).toContain("layers.0.feed-forward.down");
    expect(details).toContain("117440512·batch·tokens");
    await page.focus("#graph");
    await page.keyboard.press("n");
    expect(await page.textContent("#details h3")).toBe("layers.0.feed-forward.residual");
    expect(complaints).toEqual([]);
  });

  it("sorts the table by any column, both ways", async () => {
    const { page } = await opened(dataOf(configOf("Llama-3.1-8B"), "Llama-3.1-8B"));
    const first = () => page.textContent("#stages tbody tr:first-child th");
    await page.click("#stages th >> text=All");
    expect(await first()).toBe("layers.*.feed-forward");
    await page.click("#stages th >> text=All");
    expect(await first()).toBe("embedding");
    expect(await page.getAttribute("#stages th[aria-sort=ascending]", "scope")).toBe("col");
  });

  it("fits a phone, in the dark, and answers a tap", async () => {
    const { page, complaints } = await opened(dataOf(configOf("Llama-3.1-8B"), "Llama-3.1-8B"), { ...PHONE, colorScheme: "dark" });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
    expect(await page.getAttribute("html", "data-theme")).toBe("dark");
    await page.locator("#graph").tap();
    expect(await page.locator("#details h3").count()).toBe(1);
    expect(complaints).toEqual([]);
  });

  it("shows hostile names as text", async () => {
    const data = dataOf(configOf("BERT-base-uncased"), ATTACK);
    const hostile = data.groups.map((group) => ({ ...group, name: ATTACK + group.name }));
    const { page, complaints } = await opened({ ...data, groups: hostile, notes: [ATTACK] });
    expect(await page.textContent("#title")).toBe(ATTACK);
    await page.hover("#roofline");
    expect(await page.locator("img").count()).toBe(0);
    expect(await page.title()).toBe(`${ATTACK} - heddle inspect`);
    expect(complaints).toEqual([]);
  });

  it("draws a graph without a rack, and says what is missing", async () => {
    const { page, complaints } = await opened(dataOf(configOf("ViT-B/16"), "ViT-B/16", false));
    expect((await drawn(page))[0]).toBeGreaterThan(2);
    expect(await page.textContent("#device-line")).toContain("No rack was given");
    expect(await page.isVisible("#roofline-section")).toBe(false);
    expect(complaints).toEqual([]);
  });

  it("opens 10,000 operators", async () => {
    const data = dataOf({ ...configOf("Llama-3.1-8B"), num_hidden_layers: 667 }, "deep");
    expect(data.operators.length).toBeGreaterThan(10_000);
    const { page, complaints } = await opened(data);
    await page.selectOption("#view", "model");
    expect((await drawn(page))[1]).toBe(data.operators.length);
    expect(complaints).toEqual([]);
  });

  it("is seen to complain: a script that throws, an image that is fetched", async () => {
    const asset = pageAsset();
    const planted = `fetch("https://example.invalid/");throw new TypeError("planted");`;
    const html = pageHtml(dataOf(configOf("BERT-base-uncased"), "planted"), { ...asset, script: `${asset.script};${planted}` });
    const file = join(folder, "planted.html");
    writeFileSync(file, html);
    const { page, complaints } = await openedFile(file, DESK);
    await page.waitForTimeout(100);
    expect(complaints.some((text) => text.includes("planted"))).toBe(true);
    expect(complaints.some((text) => text.includes("Content Security Policy"))).toBe(true);
  });
});
