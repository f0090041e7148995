// Goal: each format of traces and logs gives the requests that it describes; what cannot be used is counted or refused by name. Method: small files
// written as their producers write them, and the published traces where they are.
import { describe, expect, it } from "vitest";
import { HeddleError } from "../../base/heddle-error.ts";
import { type ReadWorkloadOptions, readWorkload } from "./read-workload.ts";
import type { Workload } from "./workload.ts";

const read = (text: string, options?: ReadWorkloadOptions): Workload => readWorkload(new TextEncoder().encode(text), options);
const json = (...rows: readonly unknown[]): string => rows.map((row) => JSON.stringify(row)).join("\n");

function fault(text: string): string {
  try {
    read(text);
  } catch (thrown) {
    if (thrown instanceof HeddleError && thrown.code === "workload-invalid") return thrown.message;
    throw thrown;
  }
  return "none";
}

const BURST = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n";
const BENCH = {
  max_concurrency: 2,
  request_rate: "inf",
  input_lens: [10, 20, 30, 40],
  output_lens: [2, 3, 1, 0],
  ttfts: [0.5, 0.25, 0.1, 0],
  itls: [[0.1], [0.1, 0.2], [], []],
  errors: ["", "", "", "timed out"],
};
const AIPERF = (start: number, more: object = {}) => ({
  metadata: { request_start_ns: start, benchmark_phase: "profiling", was_cancelled: false },
  metrics: {
    input_sequence_length: { value: 550, unit: "tokens" },
    output_sequence_length: { value: 9, unit: "tokens" },
    time_to_first_token: { value: 5, unit: "ms" },
    request_latency: { value: 297.5, unit: "ms" },
  },
  error: null,
  ...more,
});
const SPAN = (start: string, attributes: Readonly<Record<string, unknown>>) => ({
  name: "llm_request",
  startTimeUnixNano: start,
  endTimeUnixNano: String(BigInt(start) + 2_000_000_000n),
  attributes: Object.entries(attributes).map(([key, value]) => ({ key, value })),
});

describe("trace formats", () => {
  it("BurstGPT: seconds from the first row, failures counted", () => {
    const rows = "100.5,a,3,GPT-4,900,40,940,Conversation log\n101,b,1,ChatGPT,5,0,5,API log\n102,c,1,ChatGPT,7,8,15,API log\n";
    const workload = read(BURST + rows);
    expect(workload.source).toBe("BurstGPT CSV");
    expect(workload.requests).toEqual([
      { atNs: 0, promptTokens: 900, outputTokens: 40 },
      { atNs: 1.5e9, promptTokens: 7, outputTokens: 8 },
    ]);
    expect(workload.leftOut).toEqual([{ reason: "no tokens asked or answered (failures)", rows: 1 }]);
  });

  it("Qwen-Bailian: seconds, blocks of 16 tokens", () => {
    const row = {
      chat_id: 159,
      parent_chat_id: -1,
      timestamp: 61.114,
      input_length: 40,
      output_length: 132,
      type: "text",
      turn: 1,
      hash_ids: [7, 8, 9],
    };
    const { source, requests } = read(json(row));
    expect(source).toBe("Qwen-Bailian JSONL");
    expect(requests).toEqual([
      { atNs: 61_114_000_000, promptTokens: 40, outputTokens: 132, shared: { type: "blocks", ids: [7, 8, 9], blockTokens: 16 } },
    ]);
  });

  it("Mooncake: sessions and agents wait for what they name", () => {
    const { requests } = read(
      json(
        { request_id: "a", session_id: "s", timestamp: 1000, input_length: 10, output_length: 1 },
        { request_id: "b", timestamp: 1000, input_length: 20, output_length: 1, wait_for: ["a"], delay: 10, tool_wait_ms: 2500 },
        { session_id: "s", timestamp: 1050, input_length: 30, output_length: 1 },
        { session_id: "s", input_length: 40, output_length: 1, delay: 7 },
      ),
    );
    expect(requests.map(({ promptTokens }) => promptTokens)).toEqual([10, 20, 30, 40]);
    const [a, b, c, d] = requests;
    expect(b!.after).toEqual({ request: a, thinkNs: 2510e6 });
    expect(c!.after).toEqual({ request: a, thinkNs: 50e6 });
    expect(d!.after).toEqual({ request: c, thinkNs: 7e6 });
    expect(a!.after).toBeUndefined();
  });

  it("vLLM's benchmark: lengths and latencies, a closed loop, failures counted, in one line or many", () => {
    for (const text of [JSON.stringify(BENCH), JSON.stringify(BENCH, null, 2)]) {
      const { requests, source, leftOut, clock } = read(text);
      expect(source).toContain("2 requests in flight");
      expect(clock).toBe("client");
      expect(leftOut).toEqual([{ reason: "failed", rows: 1 }]);
      expect(requests.map(({ promptTokens, outputTokens }) => [promptTokens, outputTokens])).toEqual([
        [10, 2],
        [20, 3],
        [30, 1],
      ]);
      expect(requests[1]!.measured).toEqual({ firstTokenNs: 0.25e9, endNs: 0.55e9 });
      expect(requests[2]!.after).toEqual({ request: requests[0], thinkNs: 0 });
    }
    const stamped = read(JSON.stringify({ ...BENCH, start_times: [50, 49, 51, 52] }));
    expect(stamped.requests.map(({ atNs }) => atNs)).toEqual([0, 1e9, 2e9]);
    expect(stamped.requests[0]!.promptTokens).toBe(20);
    expect(read(JSON.stringify({ ...BENCH, request_rate: 5 })).source).toContain("drawn anew at 5 a second");
  });

  it("AIPerf: records with their units, others counted by reason", () => {
    const { requests, leftOut } = read(
      json(
        AIPERF(1_759_813_208_000_000_000),
        AIPERF(1_759_813_207_000_000_000),
        AIPERF(1, { error: { code: 500 } }),
        AIPERF(1, { metadata: { request_start_ns: 1, benchmark_phase: "warmup" } }),
      ),
    );
    expect(requests.map(({ atNs }) => atNs)).toEqual([0, 1e9]);
    expect(requests[0]).toMatchObject({ promptTokens: 550, outputTokens: 9, measured: { firstTokenNs: 5e6, endNs: 297.5e6 } });
    expect(leftOut).toEqual([
      { reason: "failed", rows: 1 },
      { reason: "of the phase warmup", rows: 1 },
    ]);
  });

  it("engine logs: the engine's clock", () => {
    const { requests, clock } = read(
      json({
        request_id: "x",
        input_toks: 20,
        output_toks: 5,
        queued_ts: 100.5,
        scheduled_ts: 100.6,
        first_token_ts: 101,
        last_token_ts: 103.5,
      }),
    );
    expect(clock).toBe("engine");
    expect(requests).toEqual([{ atNs: 0, promptTokens: 20, outputTokens: 5, measured: { firstTokenNs: 0.5e9, endNs: 3e9 } }]);
  });

  it("OpenTelemetry: spans of requests, others counted", () => {
    const request = SPAN("1759813207532900363", {
      "gen_ai.usage.prompt_tokens": { intValue: "31" },
      "gen_ai.usage.completion_tokens": { intValue: "9" },
      "gen_ai.latency.time_to_first_token": { doubleValue: 0.125 },
    });
    const { requests, leftOut } = read(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [request, SPAN("5", {})] }] }] }));
    expect(requests).toEqual([{ atNs: 0, promptTokens: 31, outputTokens: 9, measured: { firstTokenNs: 125e6, endNs: 2e9 } }]);
    expect(leftOut).toEqual([{ reason: "spans of something else than a request", rows: 1 }]);
  });

  it("ShareGPT: tokens by a tokenizer, never by characters", () => {
    const turns = (...texts: string[]) => ({
      id: "x",
      conversations: texts.map((value, i) => ({ from: i % 2 === 0 ? "human" : "gpt", value })),
    });
    const text = JSON.stringify([turns("one two three", "four five"), turns("alone")]);
    const { requests, leftOut } = read(text, { countTokens: (words) => words.split(" ").length });
    expect(requests).toEqual([{ atNs: 0, promptTokens: 3, outputTokens: 2 }]);
    expect(leftOut).toEqual([{ reason: "without a question and an answer", rows: 1 }]);
    expect(fault(text)).toContain("--tokenizer");
  });

  it("reads a document in one line longer than a line of rows may be", () => {
    const many = 120_000;
    const list = <T>(value: T): T[] => Array.from({ length: many }, () => value);
    const { requests } = read(JSON.stringify({ input_lens: list(10), output_lens: list(1), ttfts: list(0.1), itls: list([]) }));
    expect(requests.length).toBe(many);
  });

  it.each([
    ["a benchmark without details", JSON.stringify({ input_lens: [1], output_lens: [1] }), "--save-detailed"],
    ["a benchmark of unequal lists", JSON.stringify({ ...BENCH, ttfts: [1] }), "field ttfts): has 1 entries"],
    [
      "an agent that waits for two",
      json({ request_id: "a", timestamp: 0, input_length: 1, output_length: 1, wait_for: ["b", "c"] }),
      "waits for one",
    ],
    ["an agent that waits for nobody", json({ timestamp: 0, input_length: 1, output_length: 1, wait_for: ["b"] }), "id of no row above"],
    [
      "AIPerf in an unknown unit",
      json(AIPERF(1, { metrics: { ...AIPERF(1).metrics, request_latency: { value: 1, unit: "h" } } })),
      "request_latency",
    ],
    [
      "a log that ends before it begins",
      json({ input_toks: 1, output_toks: 1, queued_ts: 5, first_token_ts: 4, last_token_ts: 6 }),
      "before queued_ts",
    ],
    [
      "a span without a time",
      JSON.stringify({
        resourceSpans: [
          {
            scopeSpans: [
              {
                spans: [
                  {
                    ...SPAN("1", { "gen_ai.usage.prompt_tokens": { intValue: "3" }, "gen_ai.usage.completion_tokens": { intValue: "3" } }),
                    startTimeUnixNano: 5,
                  },
                ],
              },
            ],
          },
        ],
      }),
      "startTimeUnixNano",
    ],
    ["BurstGPT with a bad number", `${BURST}1,a,3,GPT-4,-4,40,940,x\n`, "line 2, field Request tokens"],
    ["a JSON document of another kind", '{\n"a": 1\n}', "is neither"],
  ])("refuses %s", (_what, text, named) => {
    expect(fault(text)).toContain(named);
  });
});
