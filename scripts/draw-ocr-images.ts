/** Draws the pictures that `examples/ocr` reads, with Chromium and the DejaVu fonts, and writes what stands in them. What it drew is committed. */
import { writeFileSync } from "node:fs";
import { chromium } from "playwright-core";

interface Drawing {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly style: string;
  /** Text by line, in reading order, with the style of each. */
  readonly lines: readonly (readonly [text: string, style: string])[];
}

const FOLDER = "examples/ocr/images";
const PAPER = "background:linear-gradient(#fffdf6,#ece7d9);color:#2b2b2b;box-shadow:6px 8px 18px #0006;padding:24px 30px;";

const DRAWINGS: readonly Drawing[] = [
  {
    name: "receipt",
    width: 480,
    height: 520,
    style: `${PAPER}transform:rotate(-3deg);margin:36px 60px;width:300px;font:17px/34px 'DejaVu Sans Mono';white-space:pre`,
    lines: [
      ["CORNER STORE", "text-align:center;font-weight:bold;font-size:24px"],
      ["12 Mill Lane, Leeds", "text-align:center"],
      ["Oat milk 1L", ""],
      ["2 x 1.85 = 3.70", ""],
      ["Rye bread", ""],
      ["1 x 2.40 = 2.40", ""],
      ["Dark chocolate", ""],
      ["3 x 1.15 = 3.45", ""],
      ["TOTAL 9.55", "font-weight:bold;font-size:22px"],
      ["Thank you for your visit", "text-align:center;font-size:15px"],
    ],
  },
  {
    name: "sign",
    width: 560,
    height: 400,
    style:
      "background:linear-gradient(#1f5fae,#174a89);color:#fff;border:6px solid #fff;border-radius:18px;transform:rotate(9deg);margin:70px 80px;padding:18px;width:352px;text-align:center;font:bold 34px/56px 'DejaVu Sans'",
    lines: [
      ["Platform 7", ""],
      ["Trains to Oxford", ""],
      ["every 20 minutes", "font-size:26px;color:#ffe14d"],
      ["Mind the gap", "font-weight:normal;font-size:28px"],
    ],
  },
  {
    name: "page",
    width: 640,
    height: 420,
    style: `${PAPER}transform:perspective(900px) rotateY(14deg) rotateX(6deg);margin:28px 40px;width:500px;font:21px/42px 'DejaVu Serif'`,
    lines: [
      ["CHAPTER I", "text-align:center;font-weight:bold"],
      ["It was the best of times,", ""],
      ["it was the worst of times,", ""],
      ["it was the age of wisdom,", ""],
      ["it was the age of foolishness,", ""],
      ["it was the epoch of belief,", ""],
      ["it was the epoch of incredulity", ""],
    ],
  },
  {
    name: "label",
    width: 560,
    height: 420,
    style: `${PAPER}margin:30px;width:440px;height:312px;position:relative;font:22px/46px 'DejaVu Sans'`,
    lines: [
      ["DELIVER BEFORE NOON", "font-weight:bold;font-size:22px;background:#1b1b1b;color:#fff;padding:0 12px;width:310px"],
      ["Ada Moreau", ""],
      ["48 Rue des Lilas", ""],
      ["FRAGILE GLASS", "position:absolute;right:14px;top:30px;writing-mode:vertical-rl;font-weight:bold;font-size:30px;color:#b3261e"],
      ["69003 Lyon", ""],
      ["FRANCE", "font-weight:bold"],
      ["Weight 12.4 kg", "font-size:19px"],
    ],
  },
  {
    name: "screen",
    width: 600,
    height: 380,
    style:
      "background:#10151c;color:#d5dde8;border:2px solid #39424e;border-radius:10px;margin:22px;padding:18px 24px;width:500px;font:20px/42px 'DejaVu Sans Mono';white-space:pre",
    lines: [
      ["rack: four devices online", "color:#7ee787"],
      ["cpu-0 busy 71 percent", ""],
      ["gpu-0 busy 93 percent", "color:#ffa657"],
      ["npu-0 busy 48 percent", ""],
      ["ipu-0 idle", "color:#8b949e"],
      ["1280 tokens per second", "color:#79c0ff"],
      ["queue 3, oldest 12 ms", ""],
    ],
  },
  {
    name: "upside-down",
    width: 520,
    height: 330,
    style:
      "background:linear-gradient(#f6d365,#e8a04c);color:#3a1d05;transform:rotate(176deg);border-radius:14px;margin:36px 50px;padding:20px;width:380px;text-align:center;font:bold 30px/54px 'DejaVu Serif'",
    lines: [
      ["Blossom Honey", "font-size:38px"],
      ["from the Black Forest", "font-size:26px"],
      ["Net weight 500 g", "font-weight:normal;font-size:25px"],
      ["Best before June 2027", "font-weight:normal;font-size:23px"],
    ],
  },
];

const browser = await chromium.launch({ executablePath: process.env["HEDDLE_CHROMIUM"] ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const { name, width, height, style, lines } of DRAWINGS) {
  const page = await browser.newPage({ viewport: { width, height } });
  const text = lines.map(([line, own]) => `<div style="${own}">${line}</div>`).join("");
  await page.setContent(`<body style="margin:0;background:#9a8873"><div style="${style}">${text}</div></body>`);
  writeFileSync(`${FOLDER}/${name}.png`, await page.screenshot());
  writeFileSync(`${FOLDER}/${name}.txt`, `${lines.map(([line]) => line).join("\n")}\n`);
  await page.close();
}
await browser.close();
