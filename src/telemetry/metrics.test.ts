// Goal: the page of metrics says what is exposed. Method: the file against the table, and the rendered text against the table.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { METRICS, metricsPage } from "./metric-table.ts";
import { createServingMetrics } from "./serving-metrics.ts";

test("docs/metrics.md equals the table", () => {
  expect(readFileSync("docs/metrics.md", "utf8")).toBe(metricsPage());
});

test("every metric of the table is rendered with its type, and gauges show what was given last", async () => {
  const metrics = createServingMetrics("tiny");
  metrics.count("promptTokens", 5);
  metrics.count("success", 1, { finished_reason: "stop" });
  metrics.observe("ttft", 0.2);
  await metrics.render({ running: [{ value: 3 }], replicas: [{ labels: { state: "up" }, value: 1 }] });
  const text = await metrics.render({ running: [{ value: 2 }] });
  for (const { name, type } of Object.values(METRICS)) expect(text).toContain(`# TYPE ${name} ${type}`);
  expect(text).toContain('vllm:prompt_tokens_total{model_name="tiny"} 5');
  expect(text).toContain('vllm:num_requests_running{model_name="tiny"} 2');
  expect(text).toContain('vllm:request_success_total{model_name="tiny",finished_reason="stop"} 1');
  expect(text).toContain('vllm:time_to_first_token_seconds_bucket{le="0.25",model_name="tiny"} 1');
  expect(text).not.toContain('heddle:replicas{model_name="tiny",state="up"}');
});
