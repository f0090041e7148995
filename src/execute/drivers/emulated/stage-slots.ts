/** Stages a device is configured for, the one used last at the end. */
export interface StageSlots {
  /** Whether the device has to be configured for it; from then on it is there, and the one not used for longest is not. */
  configure(stage: object): boolean;
  forget(stage: object): void;
}

export function createStageSlots(count: number): StageSlots {
  const resident = new Set<object>();
  return {
    configure: (stage) => {
      const known = resident.delete(stage);
      resident.add(stage);
      if (resident.size > count) for (const oldest of [...resident].slice(0, resident.size - count)) resident.delete(oldest);
      return !known;
    },
    forget: (stage) => {
      resident.delete(stage);
    },
  };
}
