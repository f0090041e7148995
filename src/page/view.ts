import type { PageData } from "../inspect/page/page-data.ts";
import type { Colouring } from "./palette.ts";

/** What a reader has chosen to look at. */
export interface View {
  /** Place in the devices of the rack; -1 without a rack. */
  readonly device: number;
  readonly phase: number;
  readonly colour: Colouring;
  readonly drawing: keyof PageData["drawings"];
}

export interface ViewStore {
  current(): View;
  change(part: Partial<View>): void;
  /** Called at once, and after every change. */
  watch(listener: (view: View) => void): void;
}

export function createViewStore(first: View): ViewStore {
  let view = first;
  const listeners: ((view: View) => void)[] = [];
  return {
    current: () => view,
    change(part) {
      view = { ...view, ...part };
      for (const listener of listeners) listener(view);
    },
    watch(listener) {
      listeners.push(listener);
      listener(view);
    },
  };
}
