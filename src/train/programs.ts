/**
 * @file Builds the programs of a network: one of each kind for every size of batch that its data set needs.
 */
import type { Graph } from '../graph/graph.ts'
import { judgesByDistance } from './distance.ts'
import { evaluationBatch, evaluationName, type Source } from './evaluation.ts'
import { addMasks, denseGradientGraph, evaluationGraph, forwardPass, trainingStep } from './graphs.ts'
import type { NetworkOptions } from './options.ts'

/** The names of the programs on batches of so many training samples. */
export const stepName = (samples: number): string => `train/${samples}`
export const denseGradientsName = (samples: number): string => `dense gradients/${samples}`

/**
 * Builds all programs. `core` are steps and evaluations; `further` are those that the options ask for, which
 * run while all weights are dense. `trained` is how many training samples are not held out.
 */
export function programsOf(
  options: Omit<NetworkOptions, 'machine'>,
  trained: number,
): Record<'core' | 'further', Record<string, Graph>> {
  const { model, batch = 0, validation = 0, judged = 0, prunable: chosen, augment } = options
  const data = { ...options.data, crops: { count: batch } }
  const core: Record<string, Graph> = {}
  const further: Record<string, Graph> = {}
  const steps = batch ? batchSizes(trained, batch) : []
  for (const size of steps)
    core[stepName(size)] = trainingStep(model, data, size, { augment, chosen, rules: options.rules }).graph
  for (const size of options.denseGradients ? steps : [])
    core[denseGradientsName(size)] = denseGradientGraph(model, data, size, augment, chosen)
  const evaluated: [Source, number][] = [
    ['test', data.test.count],
    ['train', validation],
    ['train', judged],
    ['train', options.judgedToo ?? 0],
    ['train', options.evaluatesTraining ? trained : 0],
    ['train', judgesByDistance(model, data) && measuresTraining(options) ? data.train.count : 0],
  ]
  for (const [source, count] of evaluated)
    for (const size of batchSizes(count, evaluationBatch(model)))
      core[evaluationName(source, size)] = evaluationGraph(model, data, source, size)
  if (options.masks) addMasks(Object.values(core)[0], chosen)
  for (const [name, build] of Object.entries(options.programs ?? {}))
    further[name] = build((size, training = false) => forwardPass(model, data, 'train', size, training), model)
  return { core, further }
}

/**
 * Whether losses of training samples are asked for: their distances then need what the dense network makes of
 * all.
 */
const measuresTraining = ({
  batch = 0,
  validation = 0,
  judged = 0,
  judgedToo = 0,
  programs = {},
  evaluatesTraining,
}: Omit<NetworkOptions, 'machine'>) =>
  batch + validation + judged + judgedToo + Object.keys(programs).length > 0 || evaluatesTraining === true

/** The sizes of the batches that `count` samples are cut into: full ones and the rest. */
function batchSizes(count: number, batch: number): number[] {
  return [...new Set([Math.min(count, batch), count % batch])].filter((size) => size > 0)
}
