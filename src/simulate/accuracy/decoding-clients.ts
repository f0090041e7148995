/** A closed loop through prefill workers and decode workers. Times in ns. */
export interface TwoStations {
  readonly clients: number;
  /** Prompts that the prefill workers complete in a ns when they are never idle, and the time of one. */
  readonly promptsPerNs: number;
  readonly promptNs: number;
  /** Time of a sequence on the decode workers, where so many are there at once. */
  readonly decodeNs: (decoding: number) => number;
}

/**
 * Clients that decode in the mean.
 *
 * Model: the most that decode workers can be sent without exceeding the rate of prefill, beside those whose prompts are being computed (Little's law); at
 * least 1. Time with n sequences must not grow faster than n, as that of an engine's iterations. Complexity: logarithm of the clients.
 */
export function decodingClients({ clients, promptsPerNs, promptNs, decodeNs }: TwoStations): number {
  const keepsUp = (decoding: number): boolean => {
    const rate = decoding / decodeNs(decoding);
    return rate <= promptsPerNs && decoding + rate * promptNs <= clients;
  };
  let low = 1;
  let high = Math.max(1, Math.floor(clients));
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (keepsUp(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
