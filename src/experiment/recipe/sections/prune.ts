/** @file The section `prune` of a recipe: by which method, how much, which weights and when. */
import { z } from 'zod'
import { type MethodName, methods } from '../../../methods/index.ts'
import { layerwiseSettings } from '../../../methods/layerwise/settings.ts'
import { scoringSettings } from '../../../methods/saliency/settings.ts'
import { secondOrderSettings } from '../../../methods/second-order/settings.ts'
import { scheduleKinds } from '../../../sparsity/schedule.ts'
import { type ScopeName, scopes } from '../../../sparsity/scope.ts'
import { duration, nameIn } from '../../../util/schema.ts'
import { maskKeys } from '../mask-keys.ts'
import { targetSchema } from './target.ts'

export const pruneSchema = z.strictObject({
  method: nameIn<MethodName>(methods),
  scope: nameIn<ScopeName>(scopes).default('global').describe('Which weights compete.'),
  sparsity: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('Final share of zeros among prunable weights; needed without a target (default: the target decides).'),
  target: targetSchema
    .optional()
    .describe(
      'In the place of sparsity: what the network may take. Each tensor gets the sparsity that costs least, chosen when the network is pruned for the first time.',
    ),
  sparsities: z
    .record(z.string(), z.number().min(0).lt(1))
    .optional()
    .describe('Of the kinds conv and linear, and of tensors by name, where it is another; needs scope layerwise.'),
  flops: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe(
      'Final share of the dense multiply-adds of the prunable layers that may stay, beside the sparsity; needs scope global and granularity weight (default: all).',
    ),
  schedule: z
    .enum(scheduleKinds)
    .default('one-shot')
    .describe('When how much is pruned; alternating: AC/DC, sparse phases with dense ones between them.'),
  start: duration.default('0it').describe('First event.'),
  end: duration
    .optional()
    .describe('Last event at the latest (not for one-shot); of alternating phases the last sparse one begins then.'),
  initial: z.number().min(0).lt(1).optional().describe('Of a cubic schedule: the sparsity after its first event.'),
  every: duration.default('100it').describe('Time between events; of alternating phases the length of each.'),
  scoring: scoringSettings.optional().describe('How scores are measured that are not of weights alone.'),
  ...maskKeys,
  secondOrder: secondOrderSettings.optional().describe('Of the methods that use gradients of samples.'),
  layerwise: layerwiseSettings.optional().describe('Of the methods that prune layer by layer (obc, sparsegpt, snows).'),
})
