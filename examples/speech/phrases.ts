import type { Sound } from "./wav.ts";

/** Phrases are at least and at most so long. Unit: seconds. */
const SHORTEST = 4;
const LONGEST = 10;
/** A pause is looked for in steps of this; it is as quiet as the quietest. Unit: seconds. */
const FRAME = 0.05;
const PAUSE_FRAMES = 4;
/** In what is quieter than this share of the recording's mean power nobody speaks: models hear words in silence. */
const SILENT = 0.05;

/** Cuts a recording in its quietest moments: what is said of one phrase can be written while the next is still listened to. */
export function phrasesOf({ samples, rate }: Sound): Float32Array[] {
  const frame = Math.round(FRAME * rate);
  const loudness = Array.from({ length: Math.floor(samples.length / frame) }, (_, at) => {
    let sum = 0;
    for (let i = at * frame; i < (at + 1) * frame; i++) sum += samples[i]! * samples[i]!;
    return sum;
  });
  const pause = (at: number): number => loudness.slice(at, at + PAUSE_FRAMES).reduce((sum, each) => sum + each, 0);
  const phrases: Float32Array[] = [];
  let start = 0;
  while (loudness.length - start > LONGEST / FRAME) {
    let cut = start + SHORTEST / FRAME;
    for (let at = cut; at < start + LONGEST / FRAME; at++) if (pause(at) < pause(cut)) cut = at;
    const end = cut + PAUSE_FRAMES / 2;
    phrases.push(samples.subarray(start * frame, end * frame));
    start = end;
  }
  phrases.push(samples.subarray(start * frame));
  const mean = power(samples);
  return phrases.filter((phrase) => power(phrase) > SILENT * mean);
}

/** Mean of the squares. */
function power(samples: Float32Array): number {
  return samples.reduce((sum, each) => sum + each * each, 0) / Math.max(1, samples.length);
}
