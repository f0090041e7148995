/** The element of the markup with an id; a page without it is broken. */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new TypeError(`the page has no ${kind.name} '${id}'`);
  return found;
}

/** An element with text or children. Text is text: nothing is parsed as markup. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  content: string | readonly (Node | string)[] = [],
  attributes: Readonly<Record<string, string>> = {},
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...(typeof content === "string" ? [content] : content));
  return made;
}

export function option(text: string, value: string): HTMLOptionElement {
  return element("option", text, { value });
}

/** A square of a class's colour with its letter. */
export function swatch(shade: { readonly fill: string; readonly text: string; readonly letter: string }): HTMLElement {
  const made = element("span", shade.letter, { class: "swatch", "aria-hidden": "true" });
  made.style.background = shade.fill;
  made.style.color = shade.text;
  return made;
}
