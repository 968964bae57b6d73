/**
 * @file The weights behind the masks of DSR's published code (`rewire.faithful`). There a mask hides weights,
 * and the optimizer goes on with them: weight decay and the penalty act on them, momentum moves them, the
 * loss does not. At an event they are set to zero (or drawn anew), so a weight that grows has the value 0,
 * but the momentum that its place still has from before. At the beginning they are what the initializer drew.
 */
import type { StoredTensor, TensorFile } from '../../formats/safetensors-bytes.ts'
import { storeFloats, toFloats } from '../../formats/safetensors-bytes.ts'
import type { SgdOptions } from '../../optim/sgd.ts'
import type { Network } from '../../train/network.ts'
import type { Nonzeros } from '../../train/weights.ts'

/** Visits the weights at the positions `grown`, ascending: the index of each, and its position. */
export function eachGrown({ positions }: Nonzeros, grown: Int32Array, visit: (e: number, place: number) => void): void {
  for (let e = 0, next = 0; next < grown.length; e++) if (positions[e] === grown[next]) visit(e, grown[next++])
}

interface Hidden {
  values: Float32Array
  momentum: Float32Array
}

export class HiddenWeights {
  readonly #options: SgdOptions
  readonly #initial: (name: string) => ArrayLike<number>
  /** By tensor, of all places; what it says of places that hold a weight means nothing. */
  readonly #hidden = new Map<string, Hidden>()

  /** `initial`: values of a tensor before it was masked. */
  constructor(options: SgdOptions, initial: (name: string) => ArrayLike<number>) {
    this.#options = options
    this.#initial = initial
  }

  begin(names: Iterable<string>): void {
    for (const name of names) {
      const values = Float32Array.from(this.#initial(name))
      this.#hidden.set(name, { values, momentum: new Float32Array(values.length) })
    }
  }

  /** What the optimizer step of src/optim/sgd.ts does to weights that the loss does not depend on. */
  step(network: Network, rate: number): void {
    const { momentum: share = 0, nesterov = false, weightDecay = 0, l1 = 0 } = this.#options
    for (const [name, { values, momentum }] of this.#hidden) {
      const mask = network.mask(name)
      for (let i = 0; i < values.length; i++) {
        if (mask[i] !== 0) continue
        const d = weightDecay * values[i] + l1 * Math.sign(values[i])
        momentum[i] = share * momentum[i] + d
        values[i] -= rate * (nesterov ? d + share * momentum[i] : momentum[i])
      }
    }
  }

  /**
   * An event of a tensor: weights that are taken away leave their momentum here, those that grow get it back.
   * All masked values are set to zero or, with `draw`, drawn anew; those that grow begin with that.
   */
  event(
    name: string,
    before: Nonzeros,
    pruned: ArrayLike<number>,
    after: Nonzeros,
    grown: Int32Array,
    draw: () => number = () => 0,
  ): void {
    const { values, momentum } = this.#hidden.get(name)!
    for (let i = 0; i < values.length; i++) values[i] = draw()
    for (let i = 0; i < pruned.length; i++) momentum[before.positions[pruned[i]]] = before.momentum[pruned[i]]
    eachGrown(after, grown, (e, place) => {
      after.values[e] = values[place]
      after.momentum[e] = momentum[place]
    })
  }

  save(): [string, StoredTensor][] {
    return [...this.#hidden].flatMap(([name, { values, momentum }]) => [
      [valuesKey(name), storeFloats(values, [values.length])],
      [momentumKey(name), storeFloats(momentum, [momentum.length])],
    ])
  }

  restore(name: string, { tensors }: TensorFile): void {
    const [values, momentum] = [valuesKey, momentumKey].map((key) =>
      Float32Array.from(toFloats(tensors.get(key(name))!)),
    )
    this.#hidden.set(name, { values, momentum })
  }
}

const valuesKey = (name: string) => `${name}.hidden`
const momentumKey = (name: string) => `${name}.hidden.momentum`
