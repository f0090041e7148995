// Goal: whatever is posted, the server answers with a coded 4xx or a valid answer, and goes on serving. Method: bodies altered field by field from
// valid ones, cut and flipped bytes, and values of wrong types, all seeded; each answer is checked, and a good request at the end is served.
import { afterAll, beforeAll, expect, test } from "vitest";
import { ERROR_CODES } from "../../src/base/error-codes.ts";
import { type Prng, seededPrng } from "../../src/base/prng.ts";
import { type TinyServer, tinyServer } from "../support/tiny-server.ts";

const CASES = 1_800;

let server: TinyServer;
beforeAll(async () => {
  server = await tinyServer({ bodyBytesMax: 20_000, contextLimit: 128 });
});
afterAll(() => server.close());

const CHAT = {
  model: "tiny",
  messages: [
    { role: "system", content: "Be brief." },
    { role: "user", content: [{ type: "text", text: "Hello" }] },
  ],
  max_tokens: 2,
  temperature: 0.5,
  stop: ["x"],
  logit_bias: { "5": 1 },
  logprobs: true,
  top_logprobs: 2,
  stream: false,
  stream_options: { include_usage: true },
};
const COMPLETION = { model: "tiny", prompt: ["One", "Two"], max_tokens: 2, top_p: 0.9, seed: 3, logprobs: 1, stream: true };
const STRANGE: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  1e308,
  -1e-320,
  9007199254740992,
  "",
  "\u0000\ud800",
  "x".repeat(3_000),
  [],
  [[]],
  [[[]]],
  {},
  { a: { b: {} } },
  [null],
  [-5, 1e12],
  ["a", 1],
  { __proto__: null, constructor: 1 },
];
const EXTRA = [
  "n",
  "tools",
  "response_format",
  "min_p",
  "top_k",
  "repetition_penalty",
  "cache_salt",
  "priority",
  "echo",
  "user",
  "__proto__",
  "suffix",
];

function pick<T>(prng: Prng, list: readonly T[]): T {
  return list[prng.nextBelow(list.length)]!;
}

/** A copy of `value` with something strange at a random place. */
function altered(prng: Prng, value: unknown): unknown {
  if (typeof value !== "object" || value === null || prng.nextBelow(3) === 0) return pick(prng, STRANGE);
  if (Array.isArray(value)) {
    if (value.length === 0) return [pick(prng, STRANGE)];
    const at = prng.nextBelow(value.length);
    return value.map((item, i) => (i === at ? altered(prng, item) : item));
  }
  const key = pick(prng, Object.keys(value));
  return { ...value, [key]: altered(prng, (value as Record<string, unknown>)[key]) };
}

function caseBody(prng: Prng, valid: Record<string, unknown>): string | Uint8Array {
  const kind = prng.nextBelow(10);
  if (kind < 5) {
    const key = pick(prng, Object.keys(valid));
    return JSON.stringify({ ...valid, [key]: altered(prng, valid[key]) });
  }
  if (kind < 7) return JSON.stringify({ ...valid, [pick(prng, EXTRA)]: pick(prng, STRANGE) });
  const bytes = new TextEncoder().encode(JSON.stringify(valid));
  if (kind === 7) return bytes.slice(0, prng.nextBelow(bytes.length));
  if (kind === 8) {
    for (let i = 0; i < 3; i++) bytes[prng.nextBelow(bytes.length)]! ^= 1 << prng.nextBelow(8);
    return bytes;
  }
  return pick(prng, [
    "",
    "null",
    "[]",
    "7",
    '"x"',
    "{}",
    "[".repeat(15_000),
    `{"model":${"[".repeat(9_000)}`,
    `{"a":"${"y".repeat(30_000)}"}`,
  ]);
}

test(`${CASES} strange bodies`, { timeout: 180_000 }, async () => {
  const prng = seededPrng(20);
  const statuses = new Map<number, number>();
  const one = async (): Promise<void> => {
    const chat = prng.nextBelow(2) === 0;
    const body = caseBody(prng, chat ? CHAT : COMPLETION);
    const path = chat ? "/v1/chat/completions" : "/v1/completions";
    const answer = await fetch(`${server.url}${path}`, { method: "POST", body: body as string });
    const text = await answer.text();
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    const said = `${answer.status} ${text.slice(0, 200)} for ${typeof body === "string" ? body.slice(0, 300) : "bytes"}`;
    if (answer.status === 200) expect(text, said).toMatch(/^(data: |\{"id")/);
    else {
      expect(answer.status, said).toBeGreaterThanOrEqual(400);
      expect(answer.status, said).toBeLessThan(500);
      const { error } = JSON.parse(text) as { error: { code: string; message: string } };
      expect(Object.keys(ERROR_CODES), said).toContain(error.code);
      expect(error.message.length, said).toBeLessThan(2_000);
    }
  };
  for (let done = 0; done < CASES; done += 12) await Promise.all(Array.from({ length: 12 }, one));
  expect(statuses.get(200)).toBeGreaterThan(100);
  expect(statuses.get(400)).toBeGreaterThan(500);
  expect(statuses.get(413)).toBeGreaterThan(5);
  expect(server.fleet.live).toBe(0);
  expect(server.fleet.status[0]?.losses).toBe(0);
  const good = await fetch(`${server.url}/v1/completions`, { method: "POST", body: JSON.stringify(COMPLETION) });
  expect(await good.text()).toContain("[DONE]");
});
