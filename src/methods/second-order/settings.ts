/** @file What can be set of second-order pruning: the section `prune.secondOrder` of a recipe. */
import { z } from 'zod'
import { shown } from '../../util/check-schema.ts'
import { checkedBy, positive } from '../../util/schema.ts'
import { polish, refreshBatchNorm } from '../settings.ts'
import type { FisherBlocks } from './fisher/parts.ts'

export const secondOrderSettings = z.strictObject({
  samples: positive
    .optional()
    .describe(
      'Gradients (default: 4000, of convolutional networks and for chita and falcon 1000; at most half of the samples).',
    ),
  miniBatch: positive.optional().describe('Training samples whose mean loss one gradient belongs to (default: 1).'),
  blocks: checkedBy<FisherBlocks>(
    (value) => value === 'full' || value === 'layer' || (Number.isInteger(value) && Number(value) > 0),
    (value) => `expected full, layer or a number of weights, found ${shown(value)}`,
  )
    .optional()
    .describe(
      'Which weights interact: full, layer, or at most so many of a layer (default: full for linear layers only).',
    )
    .meta({ flag: 'block-size' }),
  damp: z
    .number()
    .positive()
    .optional()
    .describe('Added to the diagonal of the Fisher matrix (default: full 1e-3, else 1e-5, for updates also stronger).'),
  stages: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe(
      'Steps of growing sparsity at each event, with new gradients at each (default: each removes at most a third of what is left, of several blocks half, with chita and falcon a sixth).',
    ),
  judge: positive
    .optional()
    .describe(
      'Training samples, not those of gradients, whose loss chooses masks and steps (default: 5000; in faithful mode all for a search).',
    ),
  faithful: z
    .boolean()
    .optional()
    .describe('Samples, counts and steps as in the published code, to compare with published results.'),
  memory: z
    .number()
    .positive()
    .lt(1e6)
    .optional()
    .describe('GiB of gradients that are kept at once; where not all fit, they are computed again (default: 4).'),
  refreshBatchNorm,
  polish,
})
export type SecondOrderSettings = z.output<typeof secondOrderSettings>
