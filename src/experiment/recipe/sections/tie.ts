/** @file The section `tie` of a recipe: which weights are copies of few learned ones. */
import { z } from 'zod'
import { runNames } from '../../../sparsity/granularity/runs.ts'
import { maskKeys } from '../mask-keys.ts'

const { prunable, include, exclude } = maskKeys

export const tieSchema = z.strictObject({
  sparsity: z.number().min(0).lt(1).describe('1 minus the share of weights that can be learned, in every tensor.'),
  rescale: z
    .boolean()
    .default(false)
    .describe('Whether a learned weight gets the mean gradient of its copies, not the sum.'),
  granularity: z
    .enum(runNames)
    .default('weight')
    .describe('What is tied: weights or parts of kernels of convolutions.'),
  prunable,
  include,
  exclude,
})
