import type { PublishedClaim } from "./published-claims.ts";

const VLLM = "vLLM blog 2025-12-15 (Encoder Disaggregation for Scalable Multimodal Model Serving)";
const SGLANG = "LMSYS blog 2026-01-12 (EPD Disaggregation: Elastic Encoder Scaling)";
const TRACE = "vllm-project/vllm issue 41267";

/**
 * Published figures of models that read images, with encoders in the engine and apart, with tolerances that were fixed before the code that computes them.
 *
 * Given by vLLM: Qwen3-VL-4B-Instruct on four A100 80 GB; 400 or 2,000 tokens of text, images of 640 x 640 (about 400 tokens each), 150 tokens out, `vllm bench serve`
 * at rates of 4 to 24; goodput is the largest rate at which p99 TTFT is at most 20 s and p99 TPOT at most 100 ms. One encoder and three engines are compared with
 * `--data-parallel-size 4`. Given by LMSYS: Qwen3-VL-235B-A22B-Instruct-FP8 on H20, 1 to 8 images (uniform) of 1080p, 128 tokens of text, 256 out, 64 prompts at one
 * request a second; one engine of tensor parallelism 4, alone and with two encoders of one GPU each. The share of the encoder's time at tensor parallelism 2, 4 and 8 is
 * of Qwen2.5-VL-72B with four images; their size is not in the blog and is that of the authors' own benchmark (sgl-project/sglang pull request 13126: 1200 x 1200). The
 * trace is of one 1080p image on vLLM 0.19.1, one H100 80 GB: 2,718 tokens, of which 27 are text where the image takes 2,691.
 *
 * Left out: arXiv:2501.05460 (its 71 % of TTFT is the best of several models at several images, which it does not name together), and vllm-project/vllm pull request 41567,
 * of which no copy was to be had.
 */
export const EPD_CLAIMS: readonly PublishedClaim[] = [
  {
    id: "epd-qwen3-vl-image-tokens",
    statement: "Qwen3-VL: tokens of an image of 640 x 640",
    value: 400,
    unit: "tokens",
    tolerance: 0,
    source: VLLM,
  },
  {
    id: "epd-qwen25-vl-image-tokens",
    statement: "Qwen2.5-VL: tokens of an image of 1920 x 1080",
    value: 2691,
    unit: "tokens",
    tolerance: 0.01,
    source: TRACE,
  },
  {
    id: "epd-encode-and-prefill",
    statement: "Qwen2.5-VL-7B on H100, vLLM 0.19.1: encoding an image of 1920 x 1080 and prefill of 2,718 tokens, alone",
    value: 126,
    unit: "ms",
    tolerance: 0.25,
    source: `${TRACE} (time_in_model_prefill)`,
  },
  {
    id: "epd-encoder-tensor-2-over-4",
    statement: "Encoder of Qwen2.5-VL-72B on H20, 4 images of 1200 x 1200: time at tensor parallelism 2 over 4",
    value: 492.13 / 465.8,
    unit: "ratio",
    tolerance: 0.2,
    source: `${SGLANG}, table`,
  },
  {
    id: "epd-encoder-tensor-8-over-4",
    statement: "Encoder of Qwen2.5-VL-72B on H20, 4 images of 1200 x 1200: time at tensor parallelism 8 over 4",
    value: 523.8 / 465.8,
    unit: "ratio",
    tolerance: 0.2,
    source: `${SGLANG}, table`,
  },
  {
    id: "epd-goodput-short-1-image",
    statement: "Qwen3-VL-4B on 4 A100, 400 tokens of text, 1 image: goodput of one encoder and three engines over four engines",
    value: 24 / 23,
    unit: "ratio",
    tolerance: 0.25,
    source: VLLM,
  },
  {
    id: "epd-goodput-short-4-images",
    statement: "Qwen3-VL-4B on 4 A100, 400 tokens of text, 4 images: goodput of one encoder and three engines over four engines",
    value: 2,
    unit: "ratio",
    tolerance: 0.25,
    source: VLLM,
  },
  {
    id: "epd-goodput-long-1-image",
    statement: "Qwen3-VL-4B on 4 A100, 2,000 tokens of text, 1 image: goodput of one encoder and three engines over four engines",
    value: 18 / 8,
    unit: "ratio",
    tolerance: 0.25,
    source: VLLM,
  },
  {
    id: "epd-goodput-long-4-images",
    statement: "Qwen3-VL-4B on 4 A100, 2,000 tokens of text, 4 images: goodput of one encoder and three engines over four engines",
    value: 2,
    unit: "ratio",
    tolerance: 0.25,
    source: VLLM,
  },
  {
    id: "epd-ttft-two-encoders",
    statement:
      "Qwen3-VL-235B-A22B in 8 bits on H20, 1 to 8 images of 1080p at 1 request/s: mean TTFT of one engine over that with two encoders beside it",
    value: 7,
    unit: "ratio",
    tolerance: 0.25,
    source: `${SGLANG}, key findings (6 to 8)`,
  },
];
