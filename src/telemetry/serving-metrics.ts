import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { METRICS, type MetricName, type MetricRow } from "./metric-table.ts";

/** Buckets of times in seconds, from a millisecond to minutes. */
const TIME_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const TOKEN_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000];

export type GaugeValues = Partial<
  Readonly<Record<MetricName, readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[]>>
>;

/** The metrics of one server, each from the table. */
export interface ServingMetrics {
  count(name: MetricName, by?: number, labels?: Readonly<Record<string, string>>): void;
  observe(name: MetricName, value: number): void;
  /** Prometheus' text, with the gauges as they are now. */
  render(gauges: GaugeValues): Promise<string>;
  readonly contentType: string;
}

/** All metrics of `METRICS` in a registry of their own, labelled with the model's name. */
export function createServingMetrics(model: string): ServingMetrics {
  const registry = new Registry();
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  for (const [key, row] of Object.entries<MetricRow>(METRICS)) {
    const { name, help } = row;
    const options = { name, help, labelNames: [...row.labels], registers: [registry] };
    if (row.type === "counter") counters.set(key, new Counter(options));
    else if (row.type === "gauge") gauges.set(key, new Gauge(options));
    else histograms.set(key, new Histogram({ ...options, buckets: name.endsWith("_seconds") ? TIME_BUCKETS : TOKEN_BUCKETS }));
  }
  const own = { model_name: model };
  // A counter without labels of its own is shown as 0 from the start.
  for (const [key, counter] of counters) if (METRICS[key as MetricName].labels.length === 1) counter.inc(own, 0);
  return {
    count: (name, by = 1, labels = {}) => counters.get(name)?.inc({ ...own, ...labels }, by),
    observe: (name, value) => histograms.get(name)?.observe(own, value),
    render: async (values) => {
      for (const [key, gauge] of gauges) {
        gauge.reset();
        for (const { labels = {}, value } of values[key as MetricName] ?? []) gauge.set({ ...own, ...labels }, value);
      }
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}
