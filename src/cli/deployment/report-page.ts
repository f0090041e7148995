import { reportHtml } from "../../inspect/report-page/report-html.ts";
import { pageAsset } from "../inspect-page.ts";
import { reportPageData } from "./report-page-data.ts";

/** The page of a simulation, with its code and its data in one file. Errors: those of `pageAsset`. */
export function reportPage(...report: Parameters<typeof reportPageData>): string {
  return reportHtml(reportPageData(...report), pageAsset("report"));
}
