/**
 * Rate of large messages as a share of the data sheet's. NVLink: 228 of 300 and 347 of 450 GB/s (microsoft/vidur@7d47513 send_recv, 64 MiB, A100 and
 * H100); PCIe: 37 of 64 GB/s (NVIDIA/nccl issue 1264); network: 46 to 48 of 50 GB/s (NVIDIA/nccl-tests issue 290).
 */
export const RATE_SHARE = { nvlink: 0.765, pcie: 0.58, network: 0.94 } as const;
