import type { PageData } from "../inspect/page/page-data.ts";
import { element } from "./dom.ts";
import type { Mark } from "./paint.ts";
import type { View } from "./view.ts";

/** Most names shown for a search. */
const SHOWN_MAX = 12;

export interface Found {
  readonly mark: Mark;
  readonly text: string;
}

/** Stages, then operators, whose name or kind holds the text, whatever the case; the number of all. */
export function searched(data: PageData, view: View, text: string): { readonly found: readonly Found[]; readonly all: number } {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return { found: [], all: 0 };
  const drawing = data.drawings[view.drawing];
  const boxes = drawing.boxes.flatMap(({ name }, place): Found[] =>
    name.toLowerCase().includes(wanted) ? [{ mark: { kind: "box", place }, text: name }] : [],
  );
  const operators = drawing.operators.flatMap((operator, place): Found[] => {
    const [name, type] = data.operators[operator]!;
    const hit = name.toLowerCase().includes(wanted) || type.toLowerCase().includes(wanted);
    return hit ? [{ mark: { kind: "operator", place }, text: `${name} (${type})` }] : [];
  });
  const all = [...boxes, ...operators];
  return { found: all.slice(0, SHOWN_MAX), all: all.length };
}

/** The box and the list below it; Enter goes to the first. */
export function listenToSearch(
  input: HTMLInputElement,
  list: HTMLUListElement,
  { find, go }: { readonly find: (text: string) => ReturnType<typeof searched>; readonly go: (mark: Mark) => void },
): void {
  const show = (): void => {
    const { found, all } = find(input.value);
    const items = found.map(({ mark, text }) => {
      const button = element("button", text, { type: "button" });
      button.addEventListener("click", () => go(mark));
      return element("li", [button]);
    });
    const rest = all > found.length ? [element("li", `and ${all - found.length} more`)] : [];
    const none = input.value.trim() !== "" && all === 0 ? [element("li", "nothing has that in its name")] : [];
    list.replaceChildren(...items, ...rest, ...none);
  };
  input.addEventListener("input", show);
  input.addEventListener("keydown", (event) => {
    const first = event.key === "Enter" ? find(input.value).found[0] : undefined;
    if (first !== undefined) go(first.mark);
  });
}
