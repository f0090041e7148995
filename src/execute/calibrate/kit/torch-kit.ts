import { TORCH_KIT_BASE } from "./torch-kit-base.ts";
import { TORCH_KIT_COLLECTIVES } from "./torch-kit-collectives.ts";
import { TORCH_KIT_OPERATORS } from "./torch-kit-operators.ts";

const HEAD = `#!/usr/bin/env python3
# Measures a device for heddle: products, attention, experts, copies and collectives with PyTorch, into one JSON file.
#   python3 heddle_torch_kit.py --out mine.json     (CUDA, ROCm, Intel XPU or CPU; several devices of one machine for collectives)
#   heddle calibrate --import mine.json
`;

/** The calibration kit: one self-contained Python program that needs PyTorch alone, for machines heddle does not run on. */
export function torchKit(): string {
  return HEAD + TORCH_KIT_BASE + TORCH_KIT_OPERATORS + TORCH_KIT_COLLECTIVES;
}
