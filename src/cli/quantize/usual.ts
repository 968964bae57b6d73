/** @file What espalier quantize does where no flag says anything. */
export const USUAL = { samples: 512, damp: 0.01, block: 32, judges: 1000, seed: 0 } as const
