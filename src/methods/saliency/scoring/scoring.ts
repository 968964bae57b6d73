/**
 * @file Scoring: what a saliency needs is measured on some training samples, then it scores. The network is
 * left as it was.
 */

import type { Network } from '../../../train/network.ts'
import { BatchNormRefresh } from '../../../train/refresh-batch-norm.ts'
import { checkName, checkPositive, checkWhole } from '../../../util/checks.ts'
import { UserError } from '../../../util/errors.ts'
import { random } from '../../../util/random.ts'
import type { NameOf } from '../../method.ts'
import { drawBalanced } from '../../samples.ts'
import { type SaliencyName, saliencyOf } from '../index.ts'
import type { Measured, Saliency, ScoredLayer, Statistic } from '../saliency.ts'
import {
  type BatchNormMode,
  batchNormModes,
  checkTogether,
  type MeasuringKey,
  measuringKeys,
  scoringSettings,
  usesLoss,
} from '../settings.ts'
import { Flow } from './flow.ts'
import { LossGradients } from './gradients.ts'
import { HessianDiagonal, HessianGradient } from './hessian.ts'
import type { LossSettings, Measurement, Programs } from './measurement.ts'

/** Settings that a method does not use must be absent. */
export interface ScoringOptions {
  method: SaliencyName
  /**
   * Training samples that derivatives of the loss are measured on, drawn anew for each round with equal
   * shares of the classes. Default 1000, or all where there are fewer.
   */
  samples?: number
  /** Training samples that there are, where that is known. */
  available?: number
  /** Samples per mini-batch. Default 1: gradients of single samples. */
  miniBatch?: number
  /** Most samples whose gradients are computed at once, see train/samples-at-once.ts. Default 100. */
  atOnce?: number
  /** Default `eval`. */
  batchNorm?: BatchNormMode
  /** What logits are divided by. Default: the method's. */
  temperature?: number
  /** Names of the tensors to be scored, the network's option of that name. Default: the weights of layers. */
  prunable?: readonly string[]
  /**
   * Random vectors per run of 50 samples, or as many as have room (with batchNorm `train`: per mini-batch),
   * in estimates of the Hessian's diagonal. Default 10.
   */
  probes?: number
  /** Of the first-order term. Default: the method's. */
  sign?: '+' | '-'
  /** Rounds of iterative methods. Default: the method's. */
  rounds?: number
  /** What messages call a setting. Default: `scoring.samples` and so on. */
  nameOf?: NameOf
}

/** Samples where no number is asked for. */
const USUAL_SAMPLES = 1000
const USUAL_PROBES = 10

/** When scores are taken: streams of random numbers are named by it. */
export interface ScoringTime {
  seed: number
  event: number
  round: number
}

/**
 * Make it before the network, whose option `programs` takes its programs; then score as often as the weights
 * change.
 */
export class Scoring {
  readonly method: SaliencyName
  /** The settings that the method has a use for, with what is usual filled in. */
  readonly settings: Partial<Record<MeasuringKey, number | string>>
  readonly programs: Programs
  /** Rounds on the way to a sparsity, and whether weights that one of them removed may come back. */
  readonly rounds: number
  readonly returning: boolean
  /** Whether the sum of squared scores counts where weights of different costs compete. */
  readonly sumsSquares: boolean
  /** Program runs of one scoring, for progress; 0 where nothing is measured. */
  readonly runs: number
  /** Gradients and Hessian products of single samples on the way to a sparsity, in all rounds. */
  readonly gradients: number
  readonly #saliency: Saliency<Statistic>
  readonly #samples: number
  readonly #miniBatch: number
  readonly #sign: 1 | -1
  readonly #measurements: readonly Measurement[]
  readonly #refresh?: BatchNormRefresh
  readonly #nameOf: NameOf

  /** Throws UserError where the method does not use a setting, or the settings do not fit together. */
  constructor(options: ScoringOptions) {
    const { nameOf = (setting) => `scoring.${setting}` } = options
    checkValues(options, nameOf)
    const { method, miniBatch = 1, batchNorm = 'eval', probes = USUAL_PROBES, available = Infinity } = options
    const samples = options.samples ?? Math.min(USUAL_SAMPLES, available)
    const saliency = saliencyOf(method)
    const { needs = [], temperature = 1, sign = 1 } = saliency
    checkUsed(options, saliency, nameOf)
    checkEnough(samples, available, nameOf)
    checkTogether({ samples, miniBatch, batchNorm }, nameOf)
    this.#nameOf = nameOf
    this.method = method
    this.rounds = options.rounds ?? saliency.rounds?.count ?? 1
    this.returning = saliency.rounds?.returning ?? false
    this.sumsSquares = saliency.summed === 'squares'
    this.#saliency = saliency
    this.#samples = usesLoss(saliency) ? samples : 0
    this.#miniBatch = miniBatch
    this.#sign = options.sign === undefined ? sign : options.sign === '+' ? 1 : -1
    const { prunable, atOnce } = options
    const all = {
      samples,
      miniBatch,
      batchNorm,
      temperature: options.temperature ?? temperature,
      probes,
      sign: this.#sign > 0 ? '+' : '-',
      rounds: this.rounds,
    }
    this.settings = Object.fromEntries(measuringKeys(saliency).map((key) => [key, all[key]]))
    const asked = options.temperature !== undefined
    const settings = {
      samples,
      miniBatch,
      atOnce,
      batchNorm,
      temperature: options.temperature ?? temperature,
      asked,
      prunable,
    }
    this.#measurements = measurementsOf(needs, settings, probes)
    if (batchNorm === 'refreshed') this.#refresh = new BatchNormRefresh(samples, { name: `statistics for ${method}` })
    this.programs = Object.assign({}, this.#refresh?.programs, ...this.#measurements.map(({ programs }) => programs))
    this.runs = this.#measurements.reduce((sum, { runs }) => sum + runs, 0)
    this.gradients = this.rounds * this.#measurements.reduce((sum, { gradients }) => sum + gradients, 0)
  }

  /**
   * Writes the scores of the given layers (tensors of the network with their weights, which may be others
   * than the network holds) from what is measured with the network's present weights. Throws UserError where
   * there are too few training samples.
   */
  score(network: Network, layers: readonly ScoredLayer[], time: ScoringTime, ran: () => void = () => {}): void {
    const { seed, event, round } = time
    const draw = (name: string) => random(seed, 'saliency', this.method, name, event, round)
    const measured = this.#measure(network, draw, ran)
    const complete = layers.map((layer) => {
      const own = Object.entries(measured).map(([statistic, values]) => [statistic, values?.get(layer.name)])
      return { ...layer, ...(Object.fromEntries(own) as Measured) }
    })
    this.#saliency.score(complete, { draw, miniBatch: this.#miniBatch, sign: this.#sign })
  }

  #measure(network: Network, draw: (name: string) => ReturnType<typeof random>, ran: () => void) {
    const { train } = network.indices
    checkEnough(this.#samples, train.length, this.#nameOf)
    const samples = drawBalanced(train, network.data.train.labels, this.#samples, draw('samples'))
    const buffers = network.stored.slice(network.parameters.length).map(({ name }) => network.values(name))
    const before = buffers.map((values) => values.slice())
    try {
      this.#refresh?.run(network, samples)
      return Object.assign(
        {},
        ...this.#measurements.map((one) => one.measure(network, samples, draw, ran)),
      ) as ReturnType<Measurement['measure']>
    } finally {
      buffers.forEach((values, i) => {
        values.set(before[i])
      })
    }
  }
}

function checkValues({ method, batchNorm, temperature, sign, ...counts }: ScoringOptions, nameOf: NameOf): void {
  saliencyOf(method)
  for (const name of ['samples', 'miniBatch', 'probes', 'rounds'] as const) checkWhole(nameOf(name), counts[name], 1)
  checkName(nameOf('batchNorm'), batchNorm, Object.keys(batchNormModes))
  checkPositive(nameOf('temperature'), temperature)
  checkName(nameOf('sign'), sign, ['+', '-'])
}

function checkEnough(samples: number, available: number, nameOf: NameOf): void {
  if (samples > available)
    throw new UserError(`${nameOf('samples')}: expected at most the ${available} training samples, found ${samples}`)
}

function checkUsed(options: ScoringOptions, saliency: Saliency<Statistic>, nameOf: NameOf): void {
  const used: readonly string[] = measuringKeys(saliency)
  for (const name of Object.keys(scoringSettings.shape))
    if (!used.includes(name) && options[name as keyof ScoringOptions] !== undefined)
      throw new UserError(`${nameOf(name)}: ${options.method} has no use for it, expected no such setting`)
}

/** Gradients and their squares come from one measurement, everything else from one of its own. */
function measurementsOf(needs: readonly Statistic[], settings: LossSettings, probes: number): Measurement[] {
  const result: Measurement[] = []
  const needed = (statistic: Statistic) => needs.includes(statistic)
  if (needed('gradient') || needed('squares'))
    result.push(new LossGradients(settings, { gradient: needed('gradient'), squares: needed('squares') }))
  if (needed('hessianGradient')) result.push(new HessianGradient(settings, false))
  if (needed('hessianGradientOfAll')) result.push(new HessianGradient(settings, true))
  if (needed('hessianDiagonal')) result.push(new HessianDiagonal(settings, probes))
  if (needed('flow')) result.push(new Flow(settings.prunable))
  return result
}
