/** @file Settings that methods of every family share. */
import { z } from 'zod'
import { shown } from '../util/check-schema.ts'
import { checkedBy } from '../util/schema.ts'

export type Refresh = 'auto' | 'none' | number

export const refreshBatchNorm = checkedBy<Refresh>(
  (value) => value === 'auto' || value === 'none' || (Number.isInteger(value) && Number(value) >= 2),
  (value) => `expected auto, none or a number of at least 2, found ${shown(value)}`,
)
  .optional()
  .describe(
    'Training images that give batch normalizations new statistics after every event, whatever comes of it; auto: 1000, and the old ones stay where the loss of held-out samples is lower with them (without normalizations, saliencies give outputs their dense scale and shift in the same way); none (default: auto, none in faithful mode and where training follows).',
  )
  .meta({ flag: 'refresh-bn' })

export const polish = z
  .int()
  .min(0)
  .max(1000)
  .optional()
  .describe(
    'Rounds, at most, of updates at constant masks after every event, each on new samples; they end where the loss of held-out samples falls no more (default: of second-order and layerwise methods 30 for linear networks, else 5; none in faithful mode, where update none is asked for, and where training follows).',
  )

export const reconstruct = z
  .enum(['auto', 'none'])
  .optional()
  .describe(
    'Where whole channels go, what reads them is solved anew by least squares on training images, from layer to layer; the old weights stay where the loss of held-out samples is lower with them (auto), or in any case (none) (default: auto, none where training follows).',
  )
