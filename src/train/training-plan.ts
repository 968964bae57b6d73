/**
 * @file Plans what a training step of a model takes, in kernel calls and in memory. No memory is taken and no
 * data set is read.
 */

import { keptForBackward } from '../engine/kept.ts'
import { layOut } from '../engine/lay-out.ts'
import { floatsOf } from '../engine/plan.ts'
import { MOST_FLOATS } from '../engine/program.ts'
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import { classesOf, type Model } from '../models/model.ts'
import { BIAS_HYPER, HYPER, momentumName } from '../optim/sgd.ts'
import { checkWhole } from '../util/checks.ts'
import { maskName, scoreName, trainingStep } from './graphs.ts'

/** The plan of a training step. Memory is in bytes, for float32 values. */
export interface TrainingPlan {
  /** How often a step calls each kernel, in the order of first calls. */
  kernels: Record<string, number>
  /** The memory whose content stays between steps. */
  persistent: PersistentMemory
  /** The size of the region that all temporary values share. */
  peak: number
  /** The sum of the activations that the backward pass must keep, see {@link keptForBackward}. */
  kept: number
  /** Whether an engine can address all of it. */
  addressable: boolean
}

export interface PersistentMemory {
  parameters: number
  /** The running statistics of batch normalizations. */
  buffers: number
  /** Momentum and the settings of the optimizer. */
  optimizer: number
  /** The masks and scores of prunable weights. */
  pruning: number
  /** Images (bytes) and labels (floats); the plan counts one batch of samples. */
  data: number
  /** Constants, inputs, outputs, counters. */
  other: number
}

/** Plans one step on `batch` samples, without augmentation, with a data set of as many samples. */
export function planTraining(model: Model, batch: number): TrainingPlan {
  checkWhole('batch', batch ?? null, 1)
  const channels = Array.from({ length: model.image[0] }, () => 0.5)
  const count = { count: batch }
  const data = {
    classes: classesOf(model),
    image: model.image,
    mean: channels,
    std: channels,
    train: count,
    test: count,
  }
  const { graph, forward } = trainingStep(model, data, batch)
  const { programs, shared, memory } = layOut({ train: graph })
  const program = programs.get('train')!
  const kernels: Record<string, number> = {}
  for (const { kernel } of program.instructions) kernels[kernel.name] = (kernels[kernel.name] ?? 0) + 1

  const persistent = { parameters: 0, buffers: 0, optimizer: 0, pruning: 0, data: 0, other: 0 }
  const kindOf = kinds(forward.withRole('parameter'))
  for (const { tensor } of shared.values()) persistent[kindOf(tensor)] += 4 * floatsOf(tensor)
  persistent.other += 4 * memory.persistent - Object.values(persistent).reduce((sum, bytes) => sum + bytes, 0)

  let kept = 0
  for (const { shape } of keptForBackward(program.graph, forward)) kept += 4 * sizeOf(shape)
  const addressable = memory.persistent + memory.temporary <= MOST_FLOATS
  return { kernels, persistent, peak: 4 * memory.temporary, kept, addressable }
}

/** Returns the function that says which part of the persistent memory a shared tensor belongs to. */
function kinds(parameters: readonly Tensor[]): (tensor: Tensor) => keyof PersistentMemory {
  const named = new Map<string, keyof PersistentMemory>([
    [HYPER, 'optimizer'],
    [BIAS_HYPER, 'optimizer'],
  ])
  for (const part of ['train.images', 'train.labels']) named.set(part, 'data')
  for (const { name } of parameters) {
    named.set(momentumName(name), 'optimizer')
    for (const state of [maskName(name), scoreName(name)]) named.set(state, 'pruning')
  }
  return ({ name, role }) => {
    if (role === 'parameter') return 'parameters'
    return role === 'buffer' ? 'buffers' : (named.get(name) ?? 'other')
  }
}
