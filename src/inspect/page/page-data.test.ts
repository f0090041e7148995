/**
 * Goal: the data of a page says what the inspection says, the same bytes every time, and no name of a model is read as markup.
 * Method: published configurations, a hash kept in the test, and a graph whose names are attacks.
 */
import { readFileSync } from "node:fs";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { PUBLISHED } from "../../../test/support/published-models.ts";
import { graphOf } from "../../graph/architecture/build/build-architecture.ts";
import { architectureOf } from "../../graph/architecture/config/read-architecture.ts";
import { readRack } from "../../rack/rack-file.ts";
import { readOnRack } from "../classify/rack-reading.ts";
import { inspect } from "../inspection.ts";
import { DATA_ID } from "./data-id.ts";
import { OPERATOR_HEIGHT, OPERATOR_WIDTH } from "./drawing.ts";
import { jsonInScript } from "./html-document.ts";
import { type PageData, pageDataOf } from "./page-data.ts";
import { pageHtml } from "./page-html.ts";

const RACK = readRack(readFileSync(new URL("../../../examples/racks/unlike-devices.yaml", import.meta.url), "utf8"));
const ASSET = { script: "start()", style: "body {}" };

function pageOf(model: string, name = model): PageData {
  const architecture = architectureOf(PUBLISHED.find((one) => one.name === model)!.config);
  const graph = graphOf(architecture, { name, type: "bf16", kvType: "bf16" });
  const inspection = inspect(architecture, { name, type: "bf16", kvType: "bf16", batch: 1, prompt: undefined, context: undefined });
  return pageDataOf(graph, inspection, readOnRack(graph, inspection, RACK, { reserve: 0.1, contextLength: 131_072 }));
}

describe("data of a page", () => {
  const data = pageOf("Llama-3.1-8B");

  it("is the same every time", () => {
    const hash = bytesToHex(sha256(new TextEncoder().encode(JSON.stringify(data))));
    expect(hash).toBe(bytesToHex(sha256(new TextEncoder().encode(JSON.stringify(pageOf("Llama-3.1-8B"))))));
    // Changes with any figure, formula, class or place of this model: look at the page before writing down another.
    expect(hash).toBe("ac4faa611a5b7596c902135119c838e4ed2ab3aececfac6df4ddea74dcd9eab7");
  });

  it("has every operator once in the whole model, inside the box of its stage", () => {
    const { operators, x, y, box, boxes } = data.drawings.model;
    expect([...operators].sort((a, b) => a - b)).toEqual(data.operators.map((_operator, index) => index));
    for (const [place] of operators.entries()) {
      const around = boxes[box[place]!]!;
      expect(x[place]).toBeGreaterThanOrEqual(around.x);
      expect(y[place]).toBeGreaterThanOrEqual(around.y);
      expect(x[place]! + OPERATOR_WIDTH).toBeLessThanOrEqual(around.x + around.width);
      expect(y[place]! + OPERATOR_HEIGHT).toBeLessThanOrEqual(around.y + around.height);
    }
  });

  it("has a box a stage group, with the edges between groups", () => {
    const { boxes, boxEdges } = data.drawings.stages;
    expect(boxes.map(({ name }) => name)).toEqual(["embedding", "32 × layers.*.attention", "32 × layers.*.feed-forward", "head"]);
    const pairs = Array.from({ length: boxEdges.length / 2 }, (_unused, index) => boxEdges.slice(2 * index, 2 * index + 2).join());
    expect(pairs.sort()).toEqual(["0,1", "1,2", "2,1", "2,3"]);
  });

  it("keeps equal works once and adds up to the inspection", () => {
    expect(data.works.length).toBeLessThan(20);
    const sum = data.operators.reduce((total, [, , work]) => total + data.works[work]!.figures[1]!.flops, 0);
    expect(sum).toBe(data.groups.reduce((total, { figures }) => total + figures[1]!.flops, 0));
  });

  it("joins only what a tensor joins", () => {
    const { edges, operators } = data.drawings.model;
    const names = Array.from({ length: edges.length / 2 }, (_unused, index) =>
      [edges[2 * index]!, edges[2 * index + 1]!].map((place) => data.operators[operators[place]!]![0]).join(" > "),
    );
    expect(names).toContain("layers.0.feed-forward.activation > layers.0.feed-forward.down");
    expect(names).not.toContain("layers.0.feed-forward.down > layers.0.feed-forward.activation");
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("the file of a page", () => {
  const attack = `</script><img src=x onerror=alert(1)><!--<script>&'"\u2028`;
  const data = { ...pageOf("BERT-base-uncased", attack), notes: [attack] };
  const html = pageHtml(data, ASSET);

  it("holds hostile names as data and gives them back unchanged", () => {
    const [, json = ""] = new RegExp(`<script type="application/json" id="${DATA_ID}">(.*?)</script>`, "s").exec(html) ?? [];
    expect((JSON.parse(json) as PageData).name).toBe(attack);
    expect(html.match(/<script/g)).toHaveLength(2);
    expect(html).not.toContain("<img");
    expect(html).toContain("<title>&lt;/script&gt;");
  });

  it("would be seen to let them through", () => {
    const unescaped = html.replace(jsonInScript(data), () => JSON.stringify(data));
    expect(unescaped.match(/<script/g)!.length).toBeGreaterThan(2);
  });

  it("names no address and allows none", () => {
    expect(html).not.toMatch(/https?:\/\//);
    expect(html).toContain("default-src 'none'");
  });

  it("refuses a bundle that ends its own element", () => {
    expect(() => pageHtml(data, { ...ASSET, script: "'</script>'" })).toThrow("script");
    expect(() => pageHtml(data, { ...ASSET, style: "</STYLE>" })).toThrow("style");
  });
});
