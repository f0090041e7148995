import { type PageAsset, scriptedPage } from "./html-document.ts";
import type { PageData } from "./page-data.ts";
import { PAGE_MARKUP } from "./page-markup.ts";

/** The page of `heddle inspect --html`: one file with everything in it. */
export function pageHtml(data: PageData, asset: PageAsset): string {
  return scriptedPage({ title: `${data.name} - heddle inspect`, markup: PAGE_MARKUP, data }, asset);
}
