/** @file What can be set of second-order pruning: the section `prune.secondOrder` of a recipe. */
import { z } from 'zod'
import { shown } from '../../util/check-schema.ts'
import { checkedBy, positive } from '../../util/schema.ts'
import { polish, refreshBatchNorm } from '../settings.ts'
import { searchNames, startNames, updateNames } from './composition.ts'
import type { FisherBlocks } from './fisher/parts.ts'

export const secondOrderSettings = z.strictObject({
  samples: positive
    .optional()
    .describe(
      'Gradients of each stage (default: 1000; of linear networks with a single stage 4000; at most half of the samples).',
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
    .describe(
      'Added to the diagonal of the Fisher matrix (default: full 1e-3, else 1e-5, for updates also stronger; of obd 1, in units of the mean of a tensor).',
    ),
  stages: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe(
      'Steps of growing sparsity at each event, with new gradients at each (default: each removes at most 8 % of what is left, with cbs-update 4 %, with obd 20 %; of several blocks half).',
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
  start: z
    .union([z.enum(startNames), z.string().min(1)], {
      error: ({ input }) => `expected ${startNames.join(', ')} or a file, found ${shown(input)}`,
    })
    .optional()
    .describe(
      `What is pruned before a search and an update: ${startNames.join(', ')}, or the zeros of a file or run of the same network (default: the method's).`,
    ),
  search: z
    .enum(searchNames)
    .optional()
    .describe(
      "Which weights a local search then exchanges: none, those of all layers (global), or those of a layer among themselves (default: the method's).",
    ),
  update: z
    .enum(updateNames)
    .optional()
    .describe(
      "How the weights that are left change: not at all (none), by the sum of single weights' steps as in WoodFisher (single), or by the joint step of CBS-U (multiple; default: as the method does).",
    ),
  updateEachPass: z
    .boolean()
    .optional()
    .describe('Whether every pass of a local search is judged with the update of its masks (default: false).'),
  scale: z
    .union([z.enum(['search']), z.number().min(0).max(1)], {
      error: ({ input }) => `expected search or a number from 0 to 1, found ${shown(input)}`,
    })
    .optional()
    .describe(
      'The share of an update that is made, 0 to 1, or search for that of the lowest loss (default: search, in faithful mode 1).',
    ),
  firstOrder: z
    .boolean()
    .optional()
    .describe(
      'Whether updates follow the mean gradient, too (default: true with update multiple but in faithful mode, and with woodtaylor).',
    )
    .meta({ negatable: true }),
  flopsPower: z
    .number()
    .min(0)
    .max(10)
    .optional()
    .describe(
      'Scores are divided by the multiply-adds of a weight to this power, so that costly ones go first (default: 0).',
    ),
  candidates: positive
    .max(1000)
    .optional()
    .describe(
      'Start masks that randomized magnitude pruning tries in the first stage, of which 1 is magnitude alone (default: 10, in faithful mode 50).',
    ),
  epsilon: z
    .number()
    .positive()
    .optional()
    .describe(
      'Of the local search: the least decrease of |G w|^2 / N, over the removed weights w, that an exchange must bring (default: 1e-4).',
    ),
  rho: positive
    .optional()
    .describe('Of the local search: how far from the place of a removed weight its partners are sought (default: 10).'),
  tau: positive
    .optional()
    .describe('Of the local search: failed attempts to exchange a weight that end a pass (default: 20).'),
  passes: positive
    .optional()
    .describe('Of the local search: passes at most, of which the start is the first (default: 100).'),
  patience: z
    .int()
    .min(2)
    .optional()
    .describe('Of the local search: passes without a lower loss that end it, at least 2 (default: 5).'),
  refreshBatchNorm,
  polish,
})
export type SecondOrderSettings = z.output<typeof secondOrderSettings>
