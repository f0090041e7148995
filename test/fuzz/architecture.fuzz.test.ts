/**
 * Goal: no configuration, however wrong, ends in anything but a description that can be counted or one error of the table.
 * Method: configurations of published models with seeded damage to their text, and with wrong values put into their fields.
 */
import { expect, test } from "vitest";
import type { Prng } from "../../src/base/prng.ts";
import type { Architecture } from "../../src/graph/architecture/architecture.ts";
import { architectureOfGguf } from "../../src/graph/architecture/config/gguf-config.ts";
import { architectureOf, readArchitecture } from "../../src/graph/architecture/config/read-architecture.ts";
import { readGguf } from "../../src/graph/gguf/read-gguf.ts";
import { inspect } from "../../src/inspect/inspection.ts";
import { countBy, guardedBytes, mutate } from "../support/mutate.ts";
import { PUBLISHED } from "../support/published-models.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";
import { mutateText } from "./mutate-text.ts";
import { outcomesOf } from "./seeded-outcomes.ts";

const ALLOWED = ["model-config-invalid", "architecture-unknown"];
const VALUES: readonly unknown[] = [null, true, 0, 1, -1, 1.5, 2 ** 31, 1e308, 7, 64, "", "x", "full_attention", [], [0], [null], {}, 1024];

const one = <T>(prng: Prng, list: readonly T[]): T => list[prng.nextBelow(list.length)]!;

/** Few layers, so that thousands of graphs are built in seconds; lists by layer are cut with them. */
function small(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const layers = 4;
  const shrunk = Object.entries(config).map(([key, value]) => {
    if (/layers$/.test(key) && typeof value === "number") return [key, layers];
    if (/layers(_indices)?$/.test(key) && Array.isArray(value)) return [key, value.map((index: number) => Math.min(index, layers - 1))];
    if (key === "layer_types" && Array.isArray(value)) return [key, value.slice(0, layers)];
    const record = typeof value === "object" && value !== null && !Array.isArray(value);
    return [key, record ? small(value as Record<string, unknown>) : value];
  });
  return Object.fromEntries(shrunk) as Record<string, unknown>;
}

const CONFIGS = PUBLISHED.map(({ config }) => small(config));

function count(architecture: Architecture): void {
  const found = inspect(architecture, { name: "model", type: "bf16", kvType: "bf16", batch: 2, prompt: undefined, context: undefined });
  expect(found.parameters.total).toBeGreaterThan(0);
  expect(found.phases.every(({ total }) => total.flops >= 0 && total.bytes > 0)).toBe(true);
}

function fuzz(cases: number, first: number, damage: (prng: Prng) => string): Record<string, number> {
  return countBy(outcomesOf({ first, count: cases, allowed: ALLOWED }, (prng) => count(readArchitecture(damage(prng)))));
}

test("the configurations are whole before they are damaged", () => {
  for (const config of CONFIGS) count(architectureOf(config));
});

test("1,500 damaged texts", () => {
  const counts = fuzz(1500, 1, (prng) => mutateText(JSON.stringify(one(prng, CONFIGS), null, 1), prng));
  expect(counts["model-config-invalid"]).toBeGreaterThan(300);
});

/** Puts a wrong value somewhere. */
function spoil(prng: Prng, value: Record<string, unknown>): Record<string, unknown> {
  const key = one(prng, Object.keys(value));
  const { [key]: old, ...rest } = value;
  if (prng.nextBelow(6) === 0) return rest;
  const record = typeof old === "object" && old !== null && !Array.isArray(old);
  const enter = record && prng.nextBelow(4) > 0 && Object.keys(old).length > 0;
  return { ...rest, [key]: enter ? spoil(prng, old as Record<string, unknown>) : one(prng, VALUES) };
}

test("2,500 configurations with wrong values, up to three each", () => {
  const counts = fuzz(2500, 10_000, (prng) => {
    let config = one(prng, CONFIGS);
    for (let wrong = 1 + prng.nextBelow(3); wrong > 0; wrong--) config = spoil(prng, config);
    return JSON.stringify(config);
  });
  for (const code of [...ALLOWED, "valid"]) expect(counts[code]).toBeGreaterThan(50);
});

test("1,000 damaged GGUF headers", () => {
  const allowed = [...ALLOWED, "gguf-invalid", "gguf-unsupported", "model-weights-missing"];
  const whole = tinyGguf({ family: "qwen3", format: "BF16" });
  const outcomes = outcomesOf({ first: 50_000, count: 1000, allowed }, (prng) => {
    const bytes = mutate(prng, whole, 3000);
    count(architectureOfGguf(readGguf(guardedBytes(bytes, 4 * bytes.length + 4096))));
  });
  expect(countBy(outcomes)["valid"]).toBeGreaterThan(0);
});
