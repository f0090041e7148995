import type { OpenRack, Outputs, RunnableGraph, Tensor } from "heddle";
import { detectorInput, linesOf } from "./detect.ts";
import type { RotatedBox } from "./min-area-box.ts";
import type { Picture } from "./picture.ts";
import { batchOf, beginningsOf, cutOut, type Line, textsOf, upright } from "./recognise.ts";

/** The three models of PP-OCRv4, and what the recogniser's classes mean. */
export interface OcrModels {
  readonly detector: RunnableGraph;
  readonly direction: RunnableGraph;
  readonly recogniser: RunnableGraph;
  readonly characters: readonly string[];
}

/** Which device of the rack finds lines, and which reads them. */
export interface OcrDevices {
  readonly detect: string;
  readonly recognise: string;
}

/** Lines in one run of the recogniser. */
const BATCH = 6;

/**
 * The lines of text in each picture. One device looks for lines in a picture while the other reads those of the picture before: a run is given out
 * as soon as what it needs is there, and nothing waits for the text.
 */
export async function readText(
  rack: OpenRack,
  pictures: readonly Picture[],
  { models, devices }: { readonly models: OcrModels; readonly devices: OcrDevices },
): Promise<string[][]> {
  const found = rack.stream(
    models.detector,
    pictures.map((picture) => ({ x: detectorInput(picture) })),
    {
      pin: { "*": devices.detect },
      inFlight: 2,
    },
  );
  const reading: Promise<string[]>[] = [];
  for await (const outputs of found) {
    const picture = pictures[reading.length]!;
    reading.push(readLines(linesOf(only(outputs), picture).map((box) => ({ box, line: cutOut(picture, box) }))));
  }
  return Promise.all(reading);

  async function readLines(found: readonly { readonly box: RotatedBox; readonly line: Line }[]): Promise<string[]> {
    if (found.length === 0) return [];
    const pin = { "*": devices.recognise };
    const lines = found.map(({ line }) => line);
    const turned = only(await rack.run(models.direction, { x: beginningsOf(lines) }, { pin }));
    const straight = upright(lines, turned);
    // Lines of like width go together: what fills up the shorter ones is computed for nothing.
    const order = straight.map((_, at) => at).toSorted((a, b) => straight[a]!.width - straight[b]!.width);
    const texts = new Array<string>(lines.length);
    await Promise.all(
      Array.from({ length: Math.ceil(order.length / BATCH) }, async (_, batch) => {
        const members = order.slice(batch * BATCH, (batch + 1) * BATCH);
        const scores = only(await rack.run(models.recogniser, { x: batchOf(members.map((at) => straight[at]!)) }, { pin }));
        textsOf(scores, models.characters).forEach((text, at) => {
          texts[members[at]!] = text;
        });
      }),
    );
    // A picture that stands on its head is read from its end.
    const onHead = straight.filter((line, at) => line !== lines[at]).length * 2 > lines.length;
    return (onHead ? texts.reverse() : texts).filter((text) => text !== "");
  }
}

/** The one output that each of these models has. */
function only(outputs: Outputs): Tensor {
  return Object.values(outputs)[0]!;
}
