import type { Ink } from "./paint.ts";

/** Colours of the page as its style sheet has them now. */
export function ink(): Ink {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  return { ground: read("--ground"), text: read("--text"), line: read("--line"), focus: read("--focus") };
}

/** A button between dark and light; the start is what the reader's system prefers. */
export function listenToTheme(button: HTMLButtonElement, changed: () => void): void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  let dark = system.matches;
  const apply = (): void => {
    document.documentElement.dataset["theme"] = dark ? "dark" : "light";
    button.setAttribute("aria-pressed", String(dark));
    changed();
  };
  button.addEventListener("click", () => {
    dark = !dark;
    apply();
  });
  system.addEventListener("change", ({ matches }) => {
    dark = matches;
    apply();
  });
  apply();
}
