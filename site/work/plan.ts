/** @file Magnitude in units of several weights, as `espalier prune` does it with data. */
import type { SampleSet } from '../../src/data/dataset.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import { methods } from '../../src/methods/index.ts'
import type { PruningPlan } from '../../src/methods/method.ts'
import { prunableTensors } from '../../src/sparsity/tensors.ts'
import type { Asked } from './asked.ts'
import type { Opened } from './opened.ts'

/** Throws UserError where it does not fit the network. Of random inputs nothing is learnt afterwards. */
export function planOf({ model }: Opened, asked: Asked, data: SampleSet): Promise<PruningPlan> {
  const { granularity, scope, goal, samples } = asked
  const noise = samples.kind === 'random'
  const settings = {
    ...(noise && { refreshBatchNorm: 'none' as const }),
    ...(noise && granularity === 'channel' && { reconstruct: 'none' as const }),
  }
  const tensors = prunableTensors(model!)
  const weights = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  return methods.magnitude.plan(settings, {
    model: model!,
    data: { name: data.name, samples: data.train.count },
    tensors,
    scope,
    masks: { granularity },
    left: Math.round(weights * (1 - goal.value)),
    seed: 0,
    nameOf: (setting) => setting,
  })
}
