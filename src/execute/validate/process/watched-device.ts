import type { OpenDevice, ResidentStage } from "../../device/device-driver.ts";

/** Told before every call of a device, and with undefined after it: a call that never ends is then known by name. */
export type Watch = (what: string | undefined) => void;

/** The device, every call of it told. */
export function watchedDevice(name: string, device: OpenDevice, watch: Watch): OpenDevice {
  const during = async <T>(what: string, call: () => Promise<T>): Promise<T> => {
    watch(`${name}: ${what}`);
    try {
      return await call();
    } finally {
      watch(undefined);
    }
  };
  const resident = (stage: ResidentStage): ResidentStage => ({
    ...stage,
    run: (inputs) => during(`running ${stage.compiled.stage.name}`, () => stage.run(inputs)),
    release: () => during(`releasing ${stage.compiled.stage.name}`, () => stage.release()),
  });
  return {
    ...device,
    supports: (graph, id) => {
      watch(`${name}: being asked for ${graph.operators[id]?.type ?? `operator ${id}`} of ${graph.name}`);
      try {
        return device.supports(graph, id);
      } finally {
        watch(undefined);
      }
    },
    compile: (stage, options) => during(`compiling ${stage.name}`, () => device.compile(stage, options)),
    load: (compiled) => during(`loading ${compiled.stage.name}`, async () => resident(await device.load(compiled))),
    upload: (tensor, options) => during("an upload", () => device.upload(tensor, options)),
    download: (tensor) => during("a download", () => device.download(tensor)),
    drain: () => during("draining", () => device.drain()),
    close: () => during("closing", () => device.close()),
  };
}
