/** @file The section `train` of a recipe: the optimizer, its schedule, GSM, and Sign-In. */
import { z } from 'zod'
import { kernelKinds } from '../../../train/kernels.ts'
import { shown } from '../../../util/check-schema.ts'
import { isDuration } from '../../../util/duration.ts'
import { excerpt } from '../../../util/excerpt.ts'
import { checkedBy, count, duration, positive } from '../../../util/schema.ts'

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

const isRate = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value)
const isMap = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A number above 0, or numbers of at least 0 by the times from which they hold. */
const learningRate = checkedBy<number | Readonly<Record<string, number>>>(
  (value) =>
    isMap(value)
      ? Object.entries(value).every(([time, rate]) => isDuration(time) && isRate(rate) && rate >= 0)
      : isRate(value) && Number(value) > 0,
  (value) => {
    if (isRate(value)) return `expected more than 0, found ${value}`
    if (!isMap(value)) return `expected a value of type number, found ${shown(value)}`
    const [time, rate] = Object.entries(value).find(([time, rate]) => !isDuration(time) || !isRate(rate) || rate < 0)!
    return `expected rates of at least 0 by times such as 4ep, found ${shown(rate)} at ${excerpt(time)}`
  },
).meta({
  anyOf: [
    { type: 'number', exclusiveMinimum: 0 },
    { type: 'object', additionalProperties: { type: 'number', minimum: 0 } },
  ],
})

export const trainSchema = z.strictObject({
  epochs: count.describe('0: the network is pruned as it is.'),
  batch: positive.default(128),
  learningRate: learningRate.describe(
    'One rate, or several by when they begin, such as { 0ep: 0, 1ep: 0.1, 30ep: 0.01 }.',
  ),
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
  quantize: z
    .enum(['int8'])
    .optional()
    .describe(
      'Weights and inputs of layers are rounded to eight bits while the network trains, with straight-through gradients.',
    ),
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
  costs: z
    .string()
    .optional()
    .describe('A file of espalier calibrate: the table of costs (default: that of the instruction set).'),
})
