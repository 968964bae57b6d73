/** @file Trains LeNet-300-100 on the digits that lie beside the pages, and makes it sparse on the way. */
import type { Dataset } from '../../src/data/dataset.ts'
import type { Machine } from '../../src/engine/machine.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import { prunableTensors } from '../../src/sparsity/tensors.ts'
import type { TrainOptions } from '../../src/train/train.ts'
import {
  findModel,
  globalSparseMomentum,
  gradualPruning,
  keepTop,
  Network,
  prune,
  RewiringHook,
  rewirings,
  type SgdOptions,
  train,
} from '../../src/web-train.ts'

export const trainMethods = ['gradual', 'rigl', 'set', 'gsm'] as const
export type TrainMethod = (typeof trainMethods)[number]

export interface AskedTraining {
  method: TrainMethod
  /** Share of zeros in the end, 0 to below 1. */
  sparsity: number
}

/** The recipe `quickstart`, on fewer images for half as many epochs; times in epochs, intervals in steps. */
export const EPOCHS = 10
const TIMES = { drop: 4, start: 4.5, end: 8.5, rewired: 7.5 }
const EVERY = { pruning: 25, rewiring: 50 }

const SGD: SgdOptions = { momentum: 0.9, nesterov: true, weightDecay: 1e-4 }

/** What decays is to vanish in some hundred steps, through much momentum, as in its paper. */
const GSM = { optimizer: { ...SGD, momentum: 0.98, weightDecay: 5e-3 }, rate: 0.05 }

/** Of a weight that has all but vanished, as GSM leaves those that are passive. */
const VANISHED = 1e-4

/** A network that is ready to be trained so. */
export interface Training {
  network: Network
  /** Steps that there are in all. */
  steps: number
  /** Trains: resolves with the steps that were taken. */
  run(hears?: Pick<TrainOptions, 'onStep' | 'onEpoch' | 'signal'>): Promise<number>
  /** The share of weights that are removed now, or by GSM have all but vanished. */
  zeros(): number
}

/** The same on every machine of a kind, whatever the number of threads. */
export function trainingOf(machine: Machine, data: Dataset, { method, sparsity }: AskedTraining): Training {
  const model = findModel('lenet-300-100')
  const given = { machine, model, data, batch: 128, init: 'xavier-uniform' } as const
  const weights = prunableTensors(model).reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  const keep = Math.max(1, weights - Math.round(sparsity * weights))
  const network = new Network({
    ...given,
    ...(method === 'rigl' && { denseGradients: true }),
    ...(method === 'rigl' || method === 'set' ? { kernels: 'auto' as const } : {}),
    ...(method === 'gsm' && { rules: [globalSparseMomentum(keep)] }),
  })
  const perEpoch = network.stepsPerEpoch
  const at = (epochs: number) => Math.round(epochs * perEpoch)
  const [base, optimizer] = method === 'gsm' ? [GSM.rate, GSM.optimizer] : [0.1, SGD]
  return {
    network,
    steps: EPOCHS * perEpoch,
    async run(hears) {
      const taken = await train(network, {
        epochs: EPOCHS,
        schedule: { kind: 'steps', base, warmup: perEpoch, drops: [at(method === 'gsm' ? TIMES.rewired : TIMES.drop)] },
        optimizer,
        hooks: [hookOf(network, method, sparsity, at)].flatMap((hook) => hook ?? []),
        ...hears,
      })
      if (method === 'gsm') keepTop(network, keep)
      return taken
    },
    zeros: () => (method === 'gsm' ? vanished(network) : weights - kept(network)) / weights,
  }
}

function hookOf(network: Network, method: TrainMethod, sparsity: number, at: (epochs: number) => number) {
  if (method === 'gsm') return undefined
  if (method === 'gradual') {
    const times = { start: at(TIMES.start), end: at(TIMES.end), every: EVERY.pruning }
    return gradualPruning({ schedule: { kind: 'cubic', sparsity, ...times } })
  }
  // Sparse from the first step on; layers get what Erdős and Rényi's graphs would.
  prune(network, { method: 'random', sparsity, scope: 'erk' })
  return new RewiringHook({
    rewiring: rewirings[method].make({ seed: 0 }),
    ...(method === 'rigl' && { gradients: 'batch' as const }),
    schedule: { start: 0, end: at(TIMES.rewired), period: () => EVERY.rewiring },
    rate: () => 0.1,
    seed: 0,
  })
}

const kept = (network: Network): number => network.counts().reduce((sum, layer) => sum + layer.kept, 0)

function vanished(network: Network): number {
  let count = 0
  for (const { name } of network.prunable) {
    const values = network.values(name)
    for (let i = 0; i < values.length; i++) if (Math.abs(values[i]) < VANISHED) count++
  }
  return count
}
