/** @file Settings that methods of every family share. */
import { z } from 'zod'

export const refreshBatchNorm = z
  .int()
  .min(2)
  .optional()
  .describe('Training images that give batch normalizations new statistics after every event (default: none).')
  .meta({ flag: 'refresh-bn' })
