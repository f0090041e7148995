import type { Tensor } from "../../src/sdk/sdk-types.ts";
import { tensor } from "../../src/sdk/tensor.ts";

/** Marks of the vowels of Arabic text: small recurrent networks with 8-bit weights; letters in, the mark of each out. Apache-2.0. */
export const VOWELS = "text2tashkeel--rawi_ensemble.int8.onnx";

/** After the first articles of the Universal Declaration of Human Rights (United Nations 1948), shortened, without vowels, as it is printed. */
const LINES = [
  "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق، وقد وهبوا عقلا وضميرا وعليهم أن يعامل بعضهم بعضا بروح الإخاء.",
  "لكل إنسان حق التمتع بكافة الحقوق والحريات الواردة في هذا الإعلان، دون أي تمييز.",
  "لكل فرد الحق في الحياة والحرية وسلامة شخصه.",
  "لا يجوز استرقاق أو استعباد أي شخص، ويحظر الاسترقاق وتجارة الرقيق بكافة أوضاعهما.",
  "لا يعرض أي إنسان للتعذيب ولا للعقوبات أو المعاملات القاسية أو الوحشية أو الحاطة بالكرامة.",
  "لكل إنسان أينما وجد الحق في أن يعترف بشخصيته القانونية.",
  "كل الناس سواسية أمام القانون ولهم الحق في التمتع بحماية متكافئة منه دون أية تفرقة.",
  "لكل شخص الحق في أن يلجأ إلى المحاكم الوطنية لإنصافه عن أعمال فيها اعتداء على الحقوق الأساسية التي يمنحها له القانون.",
  "لا يجوز القبض على أي إنسان أو حجزه أو نفيه تعسفا.",
  "لكل إنسان الحق، على قدم المساواة التامة مع الآخرين، في أن تنظر قضيته أمام محكمة مستقلة نزيهة نظرا عادلا علنيا.",
  "لكل فرد حرية التنقل واختيار محل إقامته داخل حدود كل دولة.",
  "يحق لكل فرد أن يغادر أية بلاد بما في ذلك بلده كما يحق له العودة إليه.",
];

/** Ids of the letters, as runs of characters that follow one another. Source: `rawi_v2.vocab.json` of text2tashkeel 0.1.0. */
const LETTERS = [
  { from: " ", to: " ", id: 3 },
  { from: ".", to: ".", id: 17 },
  { from: "،", to: "،", id: 145 },
  { from: "ء", to: "ء", id: 148 },
  { from: "ا", to: "غ", id: 149 },
  { from: "ـ", to: "ي", id: 169 },
];
const UNKNOWN = 1;

/** Lines as the model takes them, one after the other and again from the first. Shapes: [1, letters]. */
export function arabicLines(count: number): readonly Tensor[] {
  const lines = LINES.map((line) => {
    // Hamza and madda are marks of their own, which the model finds again.
    const ids = Array.from(line.normalize("NFD").replace(/\p{Mn}/gu, ""), idOf);
    return tensor(ids, [1, ids.length], "i64");
  });
  return Array.from({ length: count }, (_, at) => lines[at % lines.length]!);
}

function idOf(letter: string): number {
  const run = LETTERS.find(({ from, to }) => from <= letter && letter <= to);
  return run === undefined ? UNKNOWN : run.id + letter.charCodeAt(0) - run.from.charCodeAt(0);
}
