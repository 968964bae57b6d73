/** @file The mean loss of a network on some training samples, with weights and masks that it does not keep. */
import type { Vector } from '../../linear/vector.ts'
import type { Network } from '../../train/network.ts'

export class Judge {
  readonly #network: Network
  readonly #names: readonly string[]
  readonly #samples: Uint32Array

  /** `samples`: as many as the network's option `judged`, or a multiple of the evaluation batch, 125. */
  constructor(network: Network, names: readonly string[], samples: Uint32Array) {
    this.#network = network
    this.#names = names
    this.#samples = samples
  }

  /** Infinity where the loss is not a number. The tensors' own weights come back. */
  loss(weights: readonly Vector[], masks: readonly ArrayLike<number>[]): number {
    const tensors = this.#names.map((name) => this.#network.values(name))
    const present = tensors.map((values) => values.slice())
    tensors.forEach((values, t) => void values.set(weights[t].map((w, q) => (masks[t][q] === 0 ? 0 : w))))
    const { loss } = this.#network.evaluateTraining(this.#samples)
    tensors.forEach((values, t) => void values.set(present[t]))
    return Number.isNaN(loss) ? Number.POSITIVE_INFINITY : loss
  }
}
