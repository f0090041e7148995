/** How the value of an option is written: `flag` takes none, `switch` is `--x` or `--no-x`, `words` takes one or more, `other` is not checked. */
export type OptionKind = "flag" | "switch" | "int" | "float" | "text" | "json" | "words" | "other";

const KINDS: readonly OptionKind[] = ["flag", "switch", "int", "float", "text", "json", "words", "other"];

/** An option of a launch command, as the command's own parser declares it. */
export interface CommandOption {
  /** With their dashes; aliases after the name. */
  readonly names: readonly string[];
  readonly kind: OptionKind;
  /** The values it takes, where its parser lists them. */
  readonly choices?: readonly string[];
}

/** All options of a command, and where they were read. */
export interface OptionList {
  /** Name and version of the package, such as `vllm 0.33.0`. */
  readonly version: string;
  /** `written`: the list kept in heddle; `package`: read from the package itself in this run. */
  readonly origin: "written" | "package";
  readonly options: ReadonlyMap<string, CommandOption>;
}

export function optionList(version: string, origin: OptionList["origin"], options: readonly CommandOption[]): OptionList {
  return { version, origin, options: new Map(options.flatMap((option) => option.names.map((name) => [name, option] as const))) };
}

/** Options as lines `--name,--alias kind choice|choice`: how lists are kept in the repository. */
export function optionLines(options: readonly CommandOption[]): string {
  return options
    .map(({ names, kind, choices }) => [names.join(","), kind, ...(choices === undefined ? [] : [choices.join("|")])].join(" "))
    .sort()
    .join("\n");
}

export function parseOptionLines(text: string): CommandOption[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [names, kind, choices] = line.trim().split(" ");
      return {
        names: (names ?? "").split(","),
        kind: KINDS.find((one) => one === kind) ?? "other",
        ...(choices === undefined ? {} : { choices: choices.split("|") }),
      };
    });
}
