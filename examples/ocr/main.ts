/** Reads the text in pictures: one device of a rack finds the lines, another reads them. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { openRack } from "heddle";
import { loadWhole } from "../load-whole.ts";
import { modelFile } from "../model-file.ts";
import { printDevices } from "../print-devices.ts";
import { readPng } from "./picture.ts";
import { readText } from "./read-text.ts";

const PICTURES = ["receipt", "sign", "page", "label", "screen", "upside-down"].map((name) => `examples/ocr/images/${name}.png`);
const MODEL = "rapidocr-onnxruntime--ch_";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rack: { type: "string", default: "examples/racks/two-cpus.yaml" },
    detect: { type: "string", default: "cpu-0" },
    recognise: { type: "string", default: "cpu-1" },
    trace: { type: "string" },
  },
});
const paths = positionals.length > 0 ? positionals : PICTURES;
const pictures = paths.map((path) => readPng(readFileSync(path)));
const models = {
  detector: await loadWhole(`${MODEL}PP-OCRv4_det_infer.onnx`, "detector"),
  direction: await loadWhole(`${MODEL}ppocr_mobile_v2.0_cls_infer.onnx`, "direction"),
  recogniser: await loadWhole(`${MODEL}PP-OCRv4_rec_infer.onnx`, "recogniser"),
  characters: readFileSync(modelFile("rapidocr-onnxruntime--characters.txt"), "utf8").split("\n"),
};
const rack = await openRack(values.rack, values.trace === undefined ? {} : { trace: values.trace });
try {
  const texts = await readText(rack, pictures, { models, devices: { detect: values.detect, recognise: values.recognise } });
  texts.forEach((lines, at) => {
    process.stdout.write(`${paths[at]}\n${lines.map((line) => `  ${line}\n`).join("")}`);
  });
  printDevices(rack);
} finally {
  await rack.close();
}
