/**
 * @file Levels of an opened network's tensors: what `espalier sensitivity` measures, and targets choose from.
 */
import type { SampleSet } from '../../src/data/dataset.ts'
import type { Machine } from '../../src/engine/machine.ts'
import { sizeOf, type Tensor } from '../../src/graph/tensor.ts'
import { costOf, weightCosts } from '../../src/sparsity/multiply-adds.ts'
import { prunableTensors } from '../../src/sparsity/tensors.ts'
import { FEW_LEVELS, usualEffort } from '../../src/target/effort.ts'
import { levelsFor } from '../../src/target/levels.ts'
import type { TrialOptions } from '../../src/target/trial-plan.ts'
import { Trials } from '../../src/target/trials.ts'
import type { Asked } from './asked.ts'
import { SAMPLES } from './judge.ts'
import type { Opened } from './opened.ts'
import { withFew } from './samples.ts'

/** Multiply-adds that judging may take, about: some ten seconds of one thread. */
const WORK = 5e10

/** Of a network whose forward passes take more all the same: fewer levels, judged by fewer samples. */
const DEAR = { levels: [0.5, 0.8, 0.92, 0.98], judges: 4 }

export interface Levelled {
  trials: Trials
  tensors: Tensor[]
  sparsities: readonly number[]
}

/**
 * Trials of an opened network that runs here. `afterwards`: whether what is done to all weights afterwards
 * can be asked for, which takes longer than all else; `masks`: what goes together, of one sparsity.
 */
export function trialsOf(
  { name, version, model }: Opened,
  { method, granularity }: Pick<Asked, 'method' | 'granularity'>,
  data: SampleSet,
  machine: Machine,
  { afterwards = false, masks }: { afterwards?: boolean; masks?: TrialOptions['masks'] } = {},
): Levelled {
  const tensors = prunableTensors(model!)
  const costs = weightCosts(model!)
  const usual = usualEffort(tensors, costs, { work: WORK })
  const pass = tensors.reduce((sum, { name: of, shape }) => sum + sizeOf(shape) * costOf(costs, of), 0)
  const isDear = pass * tensors.length * FEW_LEVELS.length * usual.judges > 2 * WORK
  const trials = new Trials({
    machine,
    model: model!,
    data: withFew(data),
    weights: version.weights,
    source: name,
    tensors,
    method,
    settings: method === 'magnitude' ? {} : { samples: Math.min(SAMPLES, data.train.count) },
    ...(granularity !== 'weight' && granularity !== 'channel' && { granularity }),
    masks,
    seed: 0,
    work: WORK,
    ...(isDear && { judges: DEAR.judges }),
    bare: !afterwards,
  })
  return { trials, tensors, sparsities: levelsFor(granularity, isDear ? DEAR.levels : FEW_LEVELS) }
}
