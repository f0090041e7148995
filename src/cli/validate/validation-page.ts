import { formatNs } from "../../base/duration.ts";
import { quantity } from "../../base/quantity.ts";
import type { DeviceDescription } from "../../execute/device/device-driver.ts";
import { CHECKS, type Finding, type Verdict } from "../../execute/validate/finding.ts";
import type { Validation } from "../../execute/validate/validation.ts";
import { escaped, htmlDocument } from "../../inspect/page/html-document.ts";
import { divergenceChart } from "./divergence-chart.ts";
import { PAGE_STYLE } from "./page-style.ts";
import { CHECK_TITLES, countsText, emulatedNote, headline } from "./words.ts";

/** Nothing is fetched and nothing runs: the page is text, tables and one drawing. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** A validation as one file that needs nothing beside it. */
export function validationPage(validation: Validation): string {
  const { device, reference, findings, checks } = validation;
  const failed = findings.filter(({ verdict }) => verdict === "fail" || verdict === "warn");
  const body = `<header>
<h1>${escaped(device)} against ${escaped(reference)}</h1>
<p>${verdictMark(validation.verdict)} ${escaped(headline(validation))}</p>
${validation.emulated ? `<p class="banner">${escaped(emulatedNote(device))}</p>` : ""}
</header>
<main>
<ul class="cards">${checks.map(({ check, verdict, counts }) => `<li class="${verdict}"><b>${CHECK_TITLES[check]}</b><br>${verdictMark(verdict)}<br><span class="faint">${countsText(counts)}</span></li>`).join("")}</ul>
${failed.length === 0 ? "" : `<h2>What to look at</h2>${findingTable(failed)}`}
<h2>Divergence by operator</h2>
<p class="faint">Largest difference from the reference over the reference's largest value, the worst case of each operator; the mark is what the formats the device computes in allow. An ✕ is beyond it.</p>
<div class="scroll">${divergenceChart(findings)}</div>
${tokenSection(validation)}
<h2>Speed</h2>
${findingTable(findings.filter(({ check }) => check === "speed"))}
<h2>Device</h2>
${descriptionTable(validation)}
<h2>Everything that was looked at</h2>
${CHECKS.map((check) => checkDetails(check, findings)).join("\n")}
</main>`;
  return htmlDocument({ title: `${device} - heddle validate-device`, policy: POLICY, style: PAGE_STYLE, body });
}

function verdictMark(verdict: Verdict): string {
  const signs: Readonly<Record<Verdict, string>> = { pass: "✓", warn: "!", fail: "✕", skip: "–" };
  return `<span class="verdict ${verdict}">${signs[verdict]} ${verdict}</span>`;
}

function checkDetails(check: Finding["check"], findings: readonly Finding[]): string {
  const own = findings.filter((finding) => finding.check === check);
  if (own.length === 0) return "";
  return `<details><summary>${CHECK_TITLES[check]} <span class="faint">(${own.length})</span></summary>${findingTable(own)}</details>`;
}

function findingTable(findings: readonly Finding[]): string {
  const measured = findings.some(({ divergence }) => divergence !== undefined);
  const heads = measured ? ["max abs", "max rel", "allowed", "cosine", "ulp"] : [];
  const rows = findings.map(
    (finding) =>
      `<tr><td>${verdictMark(finding.verdict)}</td><td>${escaped(CHECK_TITLES[finding.check])}</td><td>${escaped(finding.name)}</td><td>${escaped(finding.detail)}</td>${measured ? divergenceCells(finding) : ""}</tr>`,
  );
  return `<div class="scroll"><table><thead><tr><th>verdict</th><th>check</th><th>what</th><th>seen</th>${heads.map((head) => `<th class="number">${head}</th>`).join("")}</tr></thead><tbody>${rows.join("\n")}</tbody></table></div>`;
}

function divergenceCells({ divergence }: Finding): string {
  if (divergence === undefined) return "<td></td>".repeat(5);
  const { maxAbsolute, maxRelative, tolerance, cosine, maxUlp } = divergence;
  const texts = [small(maxAbsolute), small(maxRelative), small(tolerance), cosine.toFixed(6), maxUlp === undefined ? "" : String(maxUlp)];
  return texts.map((text) => `<td class="number">${text}</td>`).join("");
}

function small(value: number): string {
  return value === 0 ? "0" : value.toExponential(1);
}

function tokenSection({ tokens }: Validation): string {
  if (tokens.length === 0) return "";
  const rows = tokens.map(
    ({ position, token, maxRelative, divergenceNats, isSameGreedy }) =>
      `<tr><td class="number">${position}</td><td class="number">${token}</td><td class="number">${small(maxRelative)}</td><td class="number">${small(divergenceNats)}</td><td>${isSameGreedy ? "same" : `<span class="verdict fail">other</span>`}</td></tr>`,
  );
  return `<h2>Tokens</h2><details><summary>${tokens.length} tokens, ${tokens.filter(({ isSameGreedy }) => isSameGreedy).length} with the same greedy choice</summary><div class="scroll"><table><thead><tr><th class="number">position</th><th class="number">token</th><th class="number">logits, max rel</th><th class="number">divergence, nats</th><th>greedy</th></tr></thead><tbody>${rows.join("")}</tbody></table></div></details>`;
}

function descriptionTable({ description, referenceDescription, telemetry, device, reference }: Validation): string {
  const rows: readonly (readonly [string, (of: DeviceDescription) => string])[] = [
    ["name", ({ name }) => name],
    ["kind", ({ kind }) => kind],
    ["driver", ({ driver, version }) => `${driver}, ${version}`],
    ["takes at once", ({ boundary }) => boundary],
    ["shapes", ({ shapes }) => (shapes.type === "bucketed" ? `bucketed: ${shapes.sizes.join(", ")}` : shapes.type)],
    [
      "weights",
      ({ residency }) =>
        residency.type === "reconfigure"
          ? `${residency.stages} stages at a time, ${formatNs(residency.reconfigureNs)} for another`
          : residency.type,
    ],
    ["state handed over as", ({ stateBoundary }) => stateBoundary],
    ["computes in", ({ numerics }) => numerics.formats.join(", ")],
    [
      "rows depend on others",
      ({ numerics: { batchInvariance } }) => (batchInvariance.invariant ? "no" : `by ${small(batchInvariance.tolerance)} at most`),
    ],
    ["same bits again", ({ numerics }) => (numerics.deterministic ? "yes" : "not promised")],
    ["memory", ({ memory }) => `${quantity(memory.capacityBytes, "B")} (${memory.basis})${memory.own ? ", its own" : ", the host's"}`],
    [
      "peaks",
      ({ peaks }) =>
        peaks.map(({ type, operationsPerSecond, basis }) => `${type} ${quantity(operationsPerSecond, "FLOP/s")} (${basis})`).join("; ") ||
        "none given",
    ],
  ];
  const cells = rows.map(
    ([name, of]) => `<tr><th>${name}</th><td>${escaped(of(description))}</td><td>${escaped(of(referenceDescription))}</td></tr>`,
  );
  const { runs, failures, busyNs, compileNs, reconfigurations, heldBytesMax, paddedShare, lateRuns } = telemetry;
  const counted = `${runs} runs, ${failures} failed, busy ${formatNs(busyNs)}, compiling ${formatNs(compileNs)}, ${reconfigurations} reconfigurations, at most ${quantity(heldBytesMax, "B")} held, ${(paddedShare * 100).toFixed(1)} % of elements padding, ${lateRuns} runs later than the device would be`;
  return `<div class="scroll"><table><thead><tr><th></th><th>${escaped(device)}</th><th>${escaped(reference)}</th></tr></thead><tbody>${cells.join("")}</tbody></table></div><p class="faint">${escaped(counted)}</p>`;
}
