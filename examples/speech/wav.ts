/** Samples of one channel, -1 to 1. */
export interface Sound {
  readonly samples: Float32Array;
  /** Samples a second. */
  readonly rate: number;
}

/** A WAVE file of 16-bit samples; of several channels their mean. */
export function readWav(bytes: Uint8Array): Sound {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const name = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (name(0) !== "RIFF" || name(8) !== "WAVE") throw new Error("no WAVE file");
  let channels = 1;
  let rate = 0;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    const start = at + 8;
    if (name(at) === "fmt ") {
      channels = view.getUint16(start + 2, true);
      rate = view.getUint32(start + 4, true);
      if (view.getUint16(start + 14, true) !== 16) throw new Error("samples of other than 16 bits");
    } else if (name(at) === "data") {
      const count = Math.floor(Math.min(length, bytes.length - start) / (2 * channels));
      const samples = new Float32Array(count);
      for (let i = 0; i < count * channels; i++)
        samples[Math.floor(i / channels)]! += view.getInt16(start + 2 * i, true) / (32_768 * channels);
      return { samples, rate };
    }
    at = start + length + (length % 2);
  }
  throw new Error("no samples in the file");
}

/** The same sound at a lower rate: each sample is the mean of those in its time, so what is too high to be kept does not fold back as loud. */
export function resampled({ samples, rate }: Sound, target: number): Sound {
  if (rate === target) return { samples, rate };
  if (rate < target) throw new Error(`${rate} samples a second; at least ${target} are needed`);
  const step = rate / target;
  const result = Float32Array.from({ length: Math.floor(samples.length / step) }, (_, at) => {
    const from = Math.floor(at * step);
    const to = Math.max(from + 1, Math.floor((at + 1) * step));
    let sum = 0;
    for (let i = from; i < to; i++) sum += samples[i]!;
    return sum / (to - from);
  });
  return { samples: result, rate: target };
}
