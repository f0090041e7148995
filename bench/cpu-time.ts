/** CPU seconds of the whole process from now on: at least the wall time of a thread that nothing disturbs. */
export function cpuTimer(): () => number {
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  };
}
