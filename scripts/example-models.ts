import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { unzipSync } from "fflate";
import { HeddleError } from "../src/base/heddle-error.ts";
import { ModelProtoSchema } from "../src/graph/onnx/generated/onnx_pb.ts";
import { fetchSamples, writeWhole } from "./fetch-samples.ts";
import { moonshineBridge, moonshineDecoder, moonshineEncoder } from "./moonshine.ts";
import { onnxFromOrt } from "./onnx-from-ort.ts";
import { ONNX_SAMPLES, sampleFile, sampleFolder } from "./onnx-samples.ts";
import { type Wheel, wheelBytes } from "./wheel.ts";

/** Moonshine tiny for English (MIT), whose wheel also holds the speech its makers test with. */
const MOONSHINE: Wheel = {
  package: "moonshine-voice",
  version: "0.0.48",
  wheel: "moonshine_voice-0.0.48-py3-none-manylinux_2_34_x86_64.whl",
  sha256: "34e8a67c28e8f6045c2b3d66ad9ed88f6a53504ce280728b49203e1a187e6401",
};
const ASSETS = "moonshine_voice/assets";
/** Written last: where it is, the others are. */
const MOONSHINE_FILES = ["encoder.onnx", "bridge.onnx", "decoder.onnx", "tokenizer.bin", "two_cities.wav"];

/** Text detection, recognition and direction of PP-OCRv4 (Apache-2.0), and the recogniser's characters. Returns the folder they lie in. */
export function fetchOcrModels(): string {
  const folder = sampleFolder(process.env);
  const wheel = ONNX_SAMPLES.find((each) => each.package === "rapidocr-onnxruntime")!;
  fetchSamples(wheel, folder);
  const characters = join(folder, `${wheel.package}--characters.txt`);
  if (!existsSync(characters)) {
    const recogniser = wheel.models.find(({ path }) => path.includes("_rec_"))!;
    const { metadataProps } = fromBinary(ModelProtoSchema, readFileSync(join(folder, sampleFile(wheel, recogniser))));
    const listed = metadataProps.find(({ key }) => key === "character")?.value;
    if (listed === undefined) throw new HeddleError("model-not-found", { where: recogniser.path, detail: "it lists no characters" });
    writeWhole(characters, Buffer.from(listed));
  }
  return folder;
}

/**
 * Moonshine as three graphs: the encoder; the bridge, which makes keys and values of what was heard; and the decoder, with the text's keys and values
 * as rows to append. The wheel has the last two behind an If, in ONNX Runtime's own format. Returns the folder they lie in.
 */
export async function fetchSpeechModels(): Promise<string> {
  const folder = sampleFolder(process.env);
  const target = (name: string): string => join(folder, `${MOONSHINE.package}--${name}`);
  if (MOONSHINE_FILES.every((name) => existsSync(target(name)))) return folder;
  mkdirSync(folder, { recursive: true });
  const files = unzipSync(wheelBytes(MOONSHINE), { filter: ({ name }) => name.startsWith(ASSETS) });
  const asset = (path: string): Uint8Array => {
    const data = files[`${ASSETS}/${path}`];
    if (data === undefined) throw new HeddleError("model-not-found", { where: MOONSHINE.wheel, detail: path });
    return data;
  };
  const scratch = mkdtempSync(join(tmpdir(), "heddle-moonshine-"));
  const modelOf = (name: string): ReturnType<typeof onnxFromOrt> => {
    writeFileSync(join(scratch, name), asset(`tiny-en/${name}`));
    return onnxFromOrt(join(scratch, name), join(scratch, `${name}.onnx`));
  };
  try {
    const decoder = await modelOf("decoder_model_merged.ort");
    writeWhole(target("encoder.onnx"), moonshineEncoder(await modelOf("encoder_model.ort")));
    writeWhole(target("bridge.onnx"), moonshineBridge(decoder));
    writeWhole(target("decoder.onnx"), moonshineDecoder(decoder));
    writeWhole(target("tokenizer.bin"), asset("tiny-en/tokenizer.bin"));
    writeWhole(target("two_cities.wav"), asset("two_cities.wav"));
  } finally {
    rmSync(scratch, { recursive: true });
  }
  return folder;
}
