/** @file The section `train` of a recipe: the optimizer, its schedule, GSM, and Sign-In. */
import { z } from 'zod'
import { kernelKinds } from '../../../train/kernels.ts'
import { count, duration, positive } from '../../../util/schema.ts'

const gsmSchema = z.strictObject({
  ratio: z
    .number()
    .gt(1)
    .describe('Compression ratio C: of N prunable weights round(N / C) are active, and left in the end.'),
  freeze: duration
    .optional()
    .describe('From when on the largest |w| are active, instead of the largest |w g| (default: never, as published).'),
})

const signInSchema = z.strictObject({
  scaling: z
    .number()
    .positive()
    .default(1)
    .describe('Inner scaling β: near zero, weights move at β times the learning rate.'),
  every: duration.default('1ep').describe('Time after which the factors of all weights are balanced anew.'),
})

export const trainSchema = z.strictObject({
  epochs: count.describe('0: the network is pruned as it is.'),
  batch: positive.default(128),
  learningRate: z.number().positive(),
  momentum: z.number().min(0).lt(1).default(0),
  nesterov: z.boolean().default(false),
  weightDecay: z.number().min(0).default(0),
  biasDecay: z
    .number()
    .min(0)
    .optional()
    .describe('Weight decay of biases and normalizations (default: weightDecay; with gsm 0).'),
  l1: z.number().min(0).default(0).describe('L1 coefficient, of prunable weights.'),
  groupLasso: z
    .number()
    .min(0)
    .optional()
    .describe('Coefficient of the sum of the norms of all kernels of prunable convolutions (0).'),
  gsm: gsmSchema
    .optional()
    .describe('Prunes by training: only the weights with the largest |w g| get their gradient (Ding et al. 2019).'),
  signIn: signInSchema
    .optional()
    .describe('Prunable weights learn as products of two factors, so that signs flip (Gadhikar et al. 2025).'),
  schedule: z.enum(['constant', 'steps', 'cosine']).default('constant').describe('Of the learning rate.'),
  warmup: duration.default('0it').describe('Linear warm-up of the learning rate.'),
  drops: z.array(duration).default([]).describe('With schedule steps: when the rate is multiplied by factor.'),
  factor: z.number().positive().lt(1).default(0.1),
  start: duration
    .optional()
    .describe('Counts as taken already: learning rates and the order of samples go on from there.'),
  keep: z
    .enum(['last', 'best'])
    .optional()
    .describe(
      'Whose weights are tested and left in the end: of the last epoch (default) or of the best by held-out samples.',
    ),
  snapshot: duration.optional().describe('When snapshot.safetensors, a file of weights to rewind to, is written.'),
  kernels: z
    .enum(kernelKinds)
    .default('auto')
    .describe('Which layers skip their zeros (auto: those where a table of costs says that it pays).'),
})
