/**
 * @file The section `validation` of a recipe: what is evaluated while the network trains, how often, and by
 * which measure epochs are compared.
 */
import { z } from 'zod'
import { positive } from '../../../util/schema.ts'

export const validationSchema = z.strictObject({
  every: positive.optional().describe('Epochs between evaluations of the samples of data.validation (default: 1).'),
  metric: z
    .enum(['accuracy', 'f1'])
    .optional()
    .describe('What train.keep: best goes by: the accuracy (default) or f1, its mean over classes.'),
  train: positive
    .optional()
    .describe(
      'Epochs between evaluations of all samples that are trained on, without crops and flips (default: none).',
    ),
  test: positive
    .optional()
    .describe('Epochs between evaluations of the test set, which is then looked at while training (default: none).'),
})
