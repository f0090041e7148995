/**
 * `measured`: operators that were imported of the device, else `sheet`; `sheet`: its data sheet with constants of its family; `tile`: what it is built of
 * (cores, clock, local memory, cache), with nothing fitted on any device.
 */
export const OPERATOR_SOURCES = ["measured", "sheet", "tile"] as const;
export type OperatorSource = (typeof OPERATOR_SOURCES)[number];
