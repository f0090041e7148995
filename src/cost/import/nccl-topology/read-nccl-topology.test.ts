import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HeddleError } from "../../../base/heddle-error.ts";
import { readNcclTopology } from "./read-nccl-topology.ts";

const gpu = (i: number, sm: number, links: string): string => `
    <pci busid="0000:0${i}:00.0" class="0x030200" link_speed="32.0 GT/s PCIe" link_width="16">
      <gpu dev="${i}" sm="${sm}" rank="${i}" gdr="1">${links}</gpu>
    </pci>`;
const net = (i: number, speed: number): string => `
    <pci busid="0000:1${i}:00.0"><nic><net name="mlx5_${i}" dev="${i}" speed="${speed}" port="1" gdr="1"/></nic></pci>`;
const system = (inner: string): string =>
  `<?xml version="1.0"?>\n<!-- dumped -->\n<system version="1">\n  <cpu numaid="0" arch="x86_64">${inner}\n  </cpu>\n</system>\n`;

const SWITCHED = `<nvlink target="0000:07:00.0" count="5" tclass="0x068000"/><nvlink target='0000:06:00.0' count='13' tclass='0x068000'/>`;
const HGX = system([0, 1, 2, 3].map((i) => gpu(i, 90, SWITCHED) + net(i, 400_000)).join(""));

function fault(text: string): string {
  try {
    readNcclTopology(text, "topo.xml");
  } catch (thrown) {
    if (thrown instanceof HeddleError && thrown.code === "measurements-invalid") return thrown.message;
    throw thrown;
  }
  return "no error";
}

describe("NCCL topology files", () => {
  it("of switched NVLink give rate, domain, switch and a card a device", () => {
    expect(readNcclTopology(HGX, "topo.xml")).toEqual({
      name: "4 GPUs of topo.xml",
      generation: "hopper",
      scaleUp: { bytesPerSecond: 450e9, devices: 4, reducesInSwitch: true },
      scaleOut: { bytesPerSecond: 50e9 },
      library: "nccl",
    });
  });

  it("of pairs on NVLink give domains of two, without a switch; of none, PCIe", () => {
    const paired = system(
      [0, 1, 2, 3].map((i) => gpu(i, 80, `<nvlink target="0000:0${i ^ 1}:00.0" count="12" tclass="0x030200"/>`)).join("") + net(0, 100_000),
    );
    expect(readNcclTopology(paired, "topo.xml")).toMatchObject({
      generation: "ampere",
      scaleUp: { bytesPerSecond: 300e9, devices: 2, reducesInSwitch: false },
      scaleOut: { bytesPerSecond: 12.5e9 / 4 },
    });
    const { scaleUp, scaleOut } = readNcclTopology(system(gpu(0, 89, "") + gpu(1, 89, "")), "topo.xml");
    expect(scaleUp).toMatchObject({ devices: 2, throughHost: true });
    expect(scaleUp.bytesPerSecond / 1e9).toBeCloseTo(63.0, 1);
    expect(scaleOut).toBeUndefined();
  });

  it("that are damaged, mixed or unknown are one coded error", () => {
    const torn = fault(HGX.replace("</cpu>", ""));
    expect(torn).toContain("</system> closes what is not open");
    expect(torn).toContain(`topo.xml, line ${HGX.split("\n").length - 1}`);
    expect(fault(HGX.replace('sm="90"', 'sm="80"'))).toContain("another capability");
    expect(fault(HGX.replaceAll('sm="90"', 'sm="130"'))).toContain("sm 130 is not known");
    expect(fault(HGX.replace('speed="400000"', 'speed="fast"'))).toContain('speed="fast"');
    expect(fault(system(""))).toContain("no <gpu>");
    expect(fault(HGX.replace('count="5"', 'count="0"'))).toContain('count="0"');
    expect(fault("<system")).toContain("a tag is damaged");
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), fc.nat(HGX.length), fc.nat(40), (noise, at, cut) => {
        fault(HGX.slice(0, at) + noise + HGX.slice(at + cut));
      }),
      { numRuns: 300, seed: 3 },
    );
  });
});
