/** @file What can be set of pruning layer by layer: the section `prune.layerwise` of a recipe. */
import { z } from 'zod'
import { count, positive } from '../../util/schema.ts'
import { polish, refreshBatchNorm } from '../settings.ts'

/** Methods that go from layer to layer by the inputs that those before leave, in an N:M pattern too. */
export const inSequence = ['sparsegpt', 'wanda', 'ria', 'alps'] as const

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
    .describe(
      "Added to the diagonal of the Hessian, in units of its mean: of H = 2 X X', of snows that of the K-step loss (default: 0.01).",
    ),
  horizon: positive
    .optional()
    .describe(
      'K: the activations that snows compares with those of the dense network, of layers and nonlinearities, counted from those of the layer itself (1: these alone) up to the logits (default: 20).',
    ),
  newtonSteps: count.optional().describe('Newton steps of snows, at most, for every layer (default: 3).'),
  cgIterations: positive
    .optional()
    .describe('Iterations of conjugate gradients, at most, in every Newton step of snows (default: 20).'),
  dense: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A file of weights of the dense network, whose activations snows reconstructs where another method has pruned before (default: the network as it is before the event).',
    ),
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

export type LayerwiseMethod = 'obc' | 'sparsegpt' | 'wanda' | 'ria' | 'alps' | 'snows'
