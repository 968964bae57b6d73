/** @file What can be set of pruning layer by layer: the section `prune.layerwise` of a recipe. */
import { z } from 'zod'
import { positive } from '../../util/schema.ts'
import { polish, refreshBatchNorm } from '../settings.ts'

export const layerwiseSettings = z.strictObject({
  samples: positive
    .optional()
    .describe(
      'Training images that inputs of layers are taken from (default: 4000, of convolutional networks 1000; at most half of the samples).',
    ),
  damp: z
    .number()
    .positive()
    .optional()
    .describe("Added to the diagonal of H = 2 X X', in units of its mean (default: 0.01)."),
  stages: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .describe(
      'Steps of growing sparsity at each event; between them the weights that are left are updated as by polish (default: 1; of obc on linear networks beyond 90 %, where polish is not 0, each removes at most two fifths of what is left).',
    ),
  refreshBatchNorm,
  polish,
})
export type LayerwiseSettings = z.output<typeof layerwiseSettings>

export type LayerwiseMethod = 'obc' | 'sparsegpt'
