import type { DeviceDescription, DeviceTelemetry } from "../device/device-driver.ts";
import type { TokenDivergence } from "./checks/token-check.ts";
import type { CheckName, Finding, Verdict } from "./finding.ts";

/** What was found about a device: plain data, fit for JSON. */
export interface Validation {
  readonly device: string;
  readonly reference: string;
  /** Results of an emulated device say nothing of the accuracy of the one it is named after. */
  readonly emulated: boolean;
  readonly description: DeviceDescription;
  readonly referenceDescription: DeviceDescription;
  /** The worst of all checks. */
  readonly verdict: Verdict;
  readonly checks: readonly CheckSummary[];
  readonly findings: readonly Finding[];
  /** Of the text, token by token, where a decoder was given. */
  readonly tokens: readonly TokenDivergence[];
  /** Of the device, at the end. */
  readonly telemetry: DeviceTelemetry;
}

export interface CheckSummary {
  readonly check: CheckName;
  readonly verdict: Verdict;
  readonly counts: Readonly<Record<Verdict, number>>;
}
