import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import asc from "assemblyscript/asc";
import { CONSTANTS } from "../src/execute/kernels/kernel-control.ts";

/** What the driver `ort` looks for beside its code. */
const OUTPUT = "dist/src/execute/kernels/decode.wasm";
const FOLDER = "src/execute/kernels/wasm";
const SOURCES = [
  ...readdirSync(FOLDER).map((name) => join(FOLDER, name)),
  "src/execute/kernels/kernel-control.ts",
  "scripts/build-kernels.ts",
  "package.json",
];

/** Compiles the decode kernels, unless they are newer than what they are made of. */
const newest = Math.max(...SOURCES.map((path) => statSync(path).mtimeMs));
if ((statSync(OUTPUT, { throwIfNoEntry: false })?.mtimeMs ?? 0) < newest) {
  mkdirSync(dirname(OUTPUT), { recursive: true });
  const { error, stderr } = await asc.main(
    [
      `${FOLDER}/decode.ts`,
      "-O3",
      "--noAssert",
      ...["--runtime", "stub"],
      ...["--enable", "simd,relaxed-simd,threads"],
      ...["--memoryBase", `${CONSTANTS}`],
      "--importMemory",
      "--sharedMemory",
      ...["--maximumMemory", "65536"],
      ...["--outFile", OUTPUT],
    ],
    { writeFile: (path, contents) => writeFileSync(path, contents) },
  );
  if (error !== null) {
    process.stderr.write(`${stderr.toString()}${error.message}\n`);
    process.exitCode = 1;
  } else process.stdout.write(`${OUTPUT}: ${(readFileSync(OUTPUT).length / 1000).toFixed(1)} kB\n`);
}
