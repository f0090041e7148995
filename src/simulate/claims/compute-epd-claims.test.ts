// Goal: what is published of images and of encoders apart, beside what heddle computes of it; what misses its tolerance is named with the reason that is known. Method: all
// claims computed once.
import { expect, it } from "vitest";
import { computeEpdClaims } from "./compute-epd-claims.ts";
import { EPD_CLAIMS } from "./epd-claims.ts";

it("published figures of images: those inside the tolerances fixed before are named, and so are those outside", () => {
  const judged = computeEpdClaims();
  expect(judged.map(({ id }) => id)).toEqual(EPD_CLAIMS.map(({ id }) => id));
  expect(judged.filter(({ inside }) => inside).map(({ id }) => id)).toEqual([
    "epd-qwen3-vl-image-tokens",
    "epd-qwen25-vl-image-tokens",
    // The published range of rates ends at 24, where both still keep the limits.
    "epd-goodput-short-1-image",
  ]);
  const of = (id: string): number => judged.find((claim) => claim.id === id)!.computed;
  // Devices alone: what hosts do to images, and between the kernels of an encoder that no captured graph holds, is not simulated. Published 126 ms.
  expect(of("epd-encode-and-prefill")).toBeGreaterThan(75);
  expect(of("epd-encode-and-prefill")).toBeLessThan(110);
  // Tensor ranks halve what devices do; published times hardly change with them (466 ms at 4, where devices are computed to need 150).
  expect(of("epd-encoder-tensor-2-over-4")).toBeGreaterThan(1.4);
  expect(of("epd-encoder-tensor-8-over-4")).toBeLessThan(0.8);
  // Without that, encoding is a tenth of the work and an engine less is not made up for: published 2 to 2.25.
  for (const id of ["epd-goodput-long-1-image", "epd-goodput-long-4-images"]) {
    expect(of(id)).toBeGreaterThan(0.75);
    expect(of(id)).toBeLessThan(1.05);
  }
  // Both are overloaded at a request a second by the decoder's price on H20: published 6 to 8.
  expect(of("epd-ttft-two-encoders")).toBeGreaterThan(1.2);
});
