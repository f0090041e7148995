const LENGTHS = "prompt=50-600,output=20-120";
/** Kinds of generated workloads with their fields, as messages and help show them. */
export const GENERATED_FORMS: Readonly<Record<string, string>> = {
  poisson: `poisson:rate=2,${LENGTHS},seconds=60[,seed=1][,prefix=4x256]`,
  gamma: `gamma:rate=2,cv=3,${LENGTHS},seconds=60[,seed=1][,prefix=4x256]`,
  diurnal: `diurnal:rate=2,peak=1.8,period=86400,${LENGTHS},seconds=86400[,seed=1][,prefix=4x256]`,
  bursts: `bursts:rate=2,peak=10,every=60,lasting=5,${LENGTHS},seconds=600[,seed=1][,prefix=4x256]`,
  closed: `closed:clients=32,requests=640,${LENGTHS}[,think=0][,seed=1]`,
  sessions: `sessions:rate=0.5,turns=2-8,think=20,prompt=50-300,output=50-400,seconds=600[,seed=1][,system=1x1024]`,
  agents: `agents:rate=0.5,turns=5-40,tool=3,prompt=200-4000,output=50-500,seconds=600[,seed=1][,system=1x4096]`,
};

/** Whether a text names a kind of generated workload. */
export function isGenerated(text: string): boolean {
  return Object.hasOwn(GENERATED_FORMS, text.slice(0, Math.max(0, text.indexOf(":"))));
}

/** Images as fields of all but sessions and agents, and as an option of its own. */
export const IMAGE_FIELDS = "images=1-4[,sizes=640x640:1920x1080][,distinct=50]";
export const IMAGE_FORM = "count=1-4[,sizes=640x640:1920x1080][,distinct=50][,seed=1]";
/** Adapters as fields of any of them, and as an option of its own. */
export const ADAPTER_FIELDS = "adapters=200[,popularity=zipf:1.1][,ranks=8:16:64][,plain=0.2]";
export const ADAPTER_FORM = "count=200[,popularity=zipf:1.1][,ranks=8:16:64][,plain=0.2][,seed=1]";
