// Goal: whatever the bytes, a workload is valid or `workload-invalid` with a place, in bounded time. Method: seeded damage to files of each format.
import { describe, expect, it } from "vitest";
import { HeddleError } from "../../src/base/heddle-error.ts";
import { seededPrng } from "../../src/base/prng.ts";
import { generateColumns } from "../../src/simulate/workload/generate/generate-columns.ts";
import { createPrefixKeys } from "../../src/simulate/workload/prefix-keys.ts";
import { generateWorkload, readWorkload } from "../../src/simulate/workload/read-workload.ts";
import { WORKLOAD_NS_MAX, WORKLOAD_TOKENS_MAX, type Workload } from "../../src/simulate/workload/workload.ts";
import { mutateText } from "./mutate-text.ts";

const CASES = 400;

const GOOD: Readonly<Record<string, string>> = {
  "heddle JSONL": [
    '{"at_ms": 0, "prompt_tokens": 200, "output_tokens": 5, "prefix_group": "system", "prefix_tokens": 130}',
    '{"at_ms": 12.5, "prompt_tokens": 640, "output_tokens": 50, "hash_ids": [0, 3], "hash_block_tokens": 512}',
    '{"at_ms": 900, "prompt_tokens": 64, "output_tokens": 1}',
  ].join("\n"),
  "Mooncake JSONL": [
    '{"timestamp": 0, "input_length": 1300, "output_length": 5, "hash_ids": [0, 1, 2]}',
    '{"timestamp": 3000, "input_length": 600, "output_length": 4, "hash_ids": [0, 14]}',
  ].join("\n"),
  "Azure CSV": "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n",
  "BurstGPT CSV":
    "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n5.5,a,3,GPT-4,900,40,940,x\n8,b,3,GPT-4,20,10,30,y\n",
  "Qwen-Bailian JSONL": [
    '{"chat_id": 1, "parent_chat_id": -1, "timestamp": 1.5, "input_length": 40, "output_length": 5, "turn": 1, "hash_ids": [3, 4, 5]}',
    '{"chat_id": 2, "parent_chat_id": 1, "timestamp": 2.5, "input_length": 60, "output_length": 5, "turn": 2, "hash_ids": [3, 4, 5, 6]}',
  ].join("\n"),
  "agents in Mooncake JSONL": [
    '{"request_id": "a", "timestamp": 0, "input_length": 600, "output_length": 5, "hash_ids": [0, 1]}',
    '{"request_id": "b", "wait_for": ["a"], "tool_wait_ms": 20, "input_length": 700, "output_length": 4, "hash_ids": [0, 14]}',
  ].join("\n"),
  "vLLM's benchmark":
    '{"request_rate": 4.5, "burstiness": 1.0, "input_lens": [10, 20], "output_lens": [2, 1], "ttfts": [0.5, 0.25], "itls": [[0.1], []], "errors": ["", ""]}',
  "AIPerf JSONL":
    '{"metadata": {"request_start_ns": 17598132, "benchmark_phase": "profiling"}, "metrics": {"input_sequence_length": {"value": 55, "unit": "tokens"}, "output_sequence_length": {"value": 9, "unit": "tokens"}, "time_to_first_token": {"value": 4.9, "unit": "ms"}, "request_latency": {"value": 29.5, "unit": "ms"}}, "error": null}',
  "engine log": '{"request_id": "x", "input_toks": 20, "output_toks": 5, "queued_ts": 10.5, "first_token_ts": 11.0, "last_token_ts": 13.5}',
  "OTLP JSON":
    '{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": "1759", "endTimeUnixNano": "2759", "attributes": [{"key": "gen_ai.usage.prompt_tokens", "value": {"intValue": "31"}}, {"key": "gen_ai.usage.completion_tokens", "value": {"intValue": "9"}}, {"key": "gen_ai.latency.time_to_first_token", "value": {"doubleValue": 0.1}}]}]}]}]}',
  "ShareGPT JSON": '[{"conversations": [{"from": "human", "value": "one two"}, {"from": "gpt", "value": "three"}]}]',
  "gamma:": "gamma:rate=2,cv=3,prompt=50-600,output=lognormal:120:1.5,seconds=60,seed=1,prefix=4x256",
  "sessions:": "sessions:rate=0.5,turns=2-8,think=20,prompt=50-300,output=50-400,seconds=60,seed=1,system=1x1024",
  "poisson:": "poisson:rate=2,prompt=50-600,output=20-120,seconds=60,seed=1,prefix=4x256",
};

/** True where the text was a valid workload, which then keeps every bound; anything but `workload-invalid` fails the test. */
function outcome(read: () => Workload, name: string): boolean {
  try {
    const workload = read();
    let before = 0;
    for (const { atNs, promptTokens, outputTokens } of workload.requests) {
      const whole = [atNs, promptTokens, outputTokens].every(Number.isInteger);
      const bounded = atNs >= before && atNs <= WORKLOAD_NS_MAX && Math.max(promptTokens, outputTokens) <= WORKLOAD_TOKENS_MAX;
      if (!whole || !bounded || Math.min(promptTokens, outputTokens) < 1)
        expect.unreachable(`${name}: ${atNs} ${promptTokens} ${outputTokens}`);
      before = atNs;
    }
    if (workload.requests[0]!.promptTokens < 100_000) createPrefixKeys(workload).keysOf(0);
    return true;
  } catch (thrown) {
    if (!(thrown instanceof HeddleError)) throw thrown;
    expect(thrown.code, name).toBe("workload-invalid");
    expect(thrown.where, name).not.toBe("");
    return false;
  }
}

/** As `outcome`, of a text that generates columns. Damage that asks for days of requests is valid, but not worth its time. */
function generated(text: string, name: string): boolean {
  if (/(rate|seconds)=[\d.]{4,}/.test(text)) return false;
  try {
    const { count, arrivalNs, promptTokens, outputTokens } = generateColumns(text);
    for (let i = 0; i < count; i++) {
      const fine = arrivalNs[i]! >= (arrivalNs[i - 1] ?? 0) && promptTokens[i]! >= 1 && outputTokens[i]! >= 1;
      if (!fine) expect.unreachable(`${name}: row ${i}`);
    }
    return true;
  } catch (thrown) {
    if (!(thrown instanceof HeddleError)) throw thrown;
    expect(thrown.code, name).toBe("workload-invalid");
    return false;
  }
}

describe("workloads, fuzzed", () => {
  it.each(Object.keys(GOOD))(`%s survives ${CASES} damaged texts`, (format) => {
    let valid = 0;
    for (let seed = 0; seed < CASES; seed++) {
      const text = mutateText(GOOD[format]!, seededPrng(seed));
      const place = `${format} seed ${seed}: ${text}`;
      const countTokens = (words: string): number => words.split(" ").length;
      const read =
        format === "poisson:" ? () => generateWorkload(text) : () => readWorkload(new TextEncoder().encode(text), { countTokens });
      const fine = format.endsWith(":") && format !== "poisson:" ? generated(text, place) : outcome(read, place);
      if (fine) valid += 1;
    }
    // Both outcomes must occur, or the damage tests nothing.
    expect(valid).toBeGreaterThan(5);
    expect(valid).toBeLessThan(CASES / 2);
  });

  it("survives random bytes", () => {
    const prng = seededPrng(5);
    for (let i = 0; i < 200; i++) {
      const bytes = Uint8Array.from({ length: prng.nextBelow(400) }, () => prng.nextBelow(256));
      expect(outcome(() => readWorkload(bytes), `bytes ${i}`)).toBe(false);
    }
  });
});
