/**
 * @file The weights of the epoch that does best on held-out samples (`train.keep: best`), which are those
 * that are tested in the end. Epochs before the last pruning event do not count: their network is another
 * one. Of equals the first is best.
 */
import { readSafetensors, writeSafetensors } from '../../formats/safetensors.ts'
import { loadMasks, loadWeights, maskedWeightsOf } from '../../train/checkpoint.ts'
import type { Network } from '../../train/network.ts'
import type { EpochResult } from '../../train/train.ts'
import { UserError } from '../../util/errors.ts'
import type { RunPlan } from '../plan/resolve.ts'
import type { EpochEvaluations } from './evaluations.ts'
import type { RunFolder } from './folder.ts'

/** An epoch, counted from 1, and what it is compared by, from 0 to 1. */
export interface Best {
  epoch: number
  value: number
}

export class BestEpoch {
  readonly #metric: 'accuracy' | 'f1'
  /** The step of the last pruning event. */
  readonly #from: number
  readonly #network: Network
  readonly #folder: RunFolder
  #found?: Best

  /** `from`: the step of the first epoch that counts. */
  constructor({ recipe }: Pick<RunPlan, 'recipe'>, from: number, network: Network, folder: RunFolder) {
    this.#metric = recipe.validation?.metric ?? 'accuracy'
    this.#from = from
    this.#network = network
    this.#folder = folder
  }

  /** The best epoch so far; undefined before one counts. */
  get found(): Best | undefined {
    return this.#found
  }

  /**
   * Keeps the weights of an epoch where it is the best so far, and says whether it is. With train.gsm the
   * network is judged that has the largest weights alone.
   */
  see({ epoch, step }: EpochResult, { validation, pruned }: EpochEvaluations): boolean {
    const value = (pruned ?? validation)?.[this.#metric]
    if (value === undefined || step < this.#from || value <= (this.#found?.value ?? -1)) return false
    writeSafetensors(this.#folder.file('best'), maskedWeightsOf(this.#network, { epoch: String(epoch) }))
    this.#found = { epoch, value }
    return true
  }

  /** Brings back what a checkpoint says. Throws UserError where the weights are gone. */
  restore(found: Best | undefined): void {
    if (found && !this.#folder.has('best'))
      throw new UserError(`${this.#folder.file('best')}: expected the weights of epoch ${found.epoch}, found no file`)
    this.#found = found
  }

  /**
   * Gives the network the weights of the best epoch. Throws UserError where the file holds those of another.
   */
  load(): void {
    if (!this.#found) return
    const path = this.#folder.file('best')
    const file = readSafetensors(path)
    const { epoch } = file.metadata
    if (epoch !== String(this.#found.epoch))
      throw new UserError(`${path}: expected the weights of epoch ${this.#found.epoch}, found those of ${epoch}`)
    loadWeights(this.#network, file, path)
    loadMasks(this.#network, file, path)
  }
}
