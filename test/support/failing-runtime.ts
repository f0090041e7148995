/** A runtime whose library fails at every call once it was told to, as one does whose device is gone. */
import type { DeviceDriver, DeviceOptions, OpenDevice } from "../../src/execute/device/device-driver.ts";
import type { NativeRuntime, NativeSession } from "../../src/execute/drivers/shared/native-runtime.ts";

const LOST = "the device is lost, as planned";

export function failingDriver(
  runtimeOf: (options: DeviceOptions) => Promise<NativeRuntime>,
  open: (runtime: NativeRuntime, options: DeviceOptions) => OpenDevice,
): { readonly driver: DeviceDriver; fail(): void } {
  let failing = false;
  const unless =
    <Args extends unknown[], T>(call: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      if (failing) throw new TypeError(LOST);
      return call(...args);
    };
  const broken = (session: NativeSession): NativeSession => ({ ...session, run: unless(session.run) });
  const driver: DeviceDriver = {
    id: "failing",
    open: async (options) => {
      const runtime = await runtimeOf(options);
      const { memory } = runtime;
      return open(
        {
          ...runtime,
          createSession: unless(async (model, key) => broken(await runtime.createSession(model, key))),
          memory: {
            ...memory,
            upload: unless(memory.upload),
            download: unless(memory.download),
            copy: unless(memory.copy),
            append: unless(memory.append),
          },
          isFatal: (message) => message === LOST,
        },
        options,
      );
    },
  };
  return {
    driver,
    fail: () => {
      failing = true;
    },
  };
}
