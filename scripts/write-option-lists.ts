/**
 * Writes `src/plan/emit/options/generated/` from wheels of PyPI: `node dist/scripts/write-option-lists.js <wheel or site-packages>...`. Names, types and
 * choices of options are facts; no other text of the packages is taken.
 */
import { writeFileSync } from "node:fs";
import { HeddleError, toHeddleError } from "../src/base/heddle-error.ts";
import { openPackageText } from "../src/execute/emit/package-text.ts";
import { COMMAND_PACKAGES } from "../src/plan/emit/options/command-packages.ts";
import { optionLines } from "../src/plan/emit/options/option-list.ts";
import { type CommandName, readPackageOptions } from "../src/plan/emit/options/read/read-package.ts";

const FOLDER = "src/plan/emit/options/generated";

for (const path of process.argv.slice(2)) {
  for (const [command, name] of Object.entries(COMMAND_PACKAGES) as [CommandName, string][]) {
    const list = attempt(path, command, name);
    if (list === undefined) continue;
    const lines = optionLines([...new Set(list.options.values())]);
    const constant = `${command.replaceAll("-", "_").toUpperCase()}_OPTIONS`;
    const head = `/** Options of \`${command}\`: names, types and choices as ${list.version} (Apache-2.0, PyPI) declares them; scripts/write-option-lists.ts. */`;
    writeFileSync(
      `${FOLDER}/${command}.ts`,
      `${head}\nexport const ${constant} = {\n  version: "${list.version}",\n  lines: \`\n${lines}\n\`,\n};\n`,
    );
    process.stdout.write(`${command}: ${list.options.size} names of ${list.version}\n`);
  }
}

function attempt(path: string, command: CommandName, name: string): ReturnType<typeof readPackageOptions> | undefined {
  try {
    return readPackageOptions(command, openPackageText(path, name));
  } catch (thrown) {
    if (toHeddleError(thrown).code === "file-unreadable") return undefined;
    throw new HeddleError("internal", { where: `${path}, ${command}`, cause: thrown });
  }
}
