/**
 * @file The arrays of a model's inputs, collected from files: all samples of an input one behind the other.
 */
import { UserError } from '../../util/errors.ts'
import { elements, type NumberArray } from './number-array.ts'

export { elements }

/** What a model takes of a sample. */
export interface ArrayInput {
  name: string
  /** Of one sample. */
  shape: readonly number[]
  /** Its values are whole numbers. */
  whole?: boolean
  /** Which whole numbers it takes; `why` ends a sentence. Absent: any. */
  range?: { least: number; most: number; why: string }
  /** Channels come last, but first in what the network is given. */
  layout?: 'NHWC'
}

/** Samples of one input. */
interface Piece {
  values: Float32Array
  count: number
}

/** The name of the array of labels, where no input is called that. */
export const LABELS = 'labels'
/** The same for what a measure of one's own goes by. */
export const TARGETS = 'targets'

export class CollectedInputs {
  readonly #inputs: readonly ArrayInput[]
  /** What messages call the network. */
  readonly #network: string
  readonly #pieces: ReadonlyMap<string, Piece[]>
  readonly #labels: number[] = []
  readonly #targets: NumberArray[] = []

  constructor(inputs: readonly ArrayInput[], network: string) {
    this.#inputs = inputs
    this.#network = network
    this.#pieces = new Map(inputs.map(({ name }) => [name, []]))
  }

  /**
   * The one input that arrays without a name stand for, beside some others. Throws UserError where there are
   * several.
   */
  single(path: string, beside: readonly string[] = []): ArrayInput {
    const inputs = this.#inputs.filter(({ name }) => !beside.includes(name))
    if (inputs.length === 1) return inputs[0]
    throw new UserError(`${path} does not say for which input it is: expected ${this.#expected()} as its name`)
  }

  /**
   * The input of that name, where characters that no file name has are underscores; undefined: there is none.
   */
  named(name: string): ArrayInput | undefined {
    const plain = (text: string) => text.replace(/[/\\:*?"<>|]/g, '_')
    return this.#inputs.find((input) => input.name === name) ?? this.#inputs.find((one) => plain(one.name) === name)
  }

  /** Whether an array of this name holds labels. */
  isLabels = (name: string): boolean => name === LABELS && !this.#pieces.has(LABELS)

  /** Whether an array of this name holds targets. */
  isTargets = (name: string): boolean => name === TARGETS && !this.#pieces.has(TARGETS)

  /** Adds [n, ...shape], or one sample; axes of size 1 are of no account. Throws UserError. */
  add(input: ArrayInput, { shape, values }: NumberArray, what: string): void {
    const count = values.length / elements(input.shape)
    if (count === 0)
      throw new UserError(`${what} has no samples: its shape is [${shape.join(', ')}], expected one or more`)
    const long = (sizes: readonly number[]) => String(sizes.filter((n) => n > 1))
    if (!(Number.isInteger(count) && count > 0 && long(shape) === long([count, ...input.shape])))
      throw new UserError(
        `${what} has shape [${shape.join(', ')}], expected [n, ${input.shape.join(', ')}] for input ${input.name}`,
      )
    this.addValues(input, values, count, what)
  }

  /**
   * Adds samples whose values lie one behind the other. Throws UserError where one is none that the input
   * takes.
   */
  addValues(input: ArrayInput, values: Float32Array, count: number, what: string): void {
    const wrong = values.findIndex((x) => !(Number.isFinite(x) && (!input.whole || Number.isInteger(x))))
    if (wrong >= 0) {
      const sample = Math.floor(wrong / elements(input.shape))
      const expected = input.whole ? 'whole numbers' : 'finite numbers'
      throw new UserError(
        `${what} has ${values[wrong]} in sample ${sample} of input ${input.name}, expected ${expected}`,
      )
    }
    const { least, most, why } = input.range ?? { least: -Infinity, most: Infinity, why: '' }
    const beyond = values.findIndex((x) => x < least || x > most)
    if (beyond >= 0) {
      const sample = Math.floor(beyond / elements(input.shape))
      throw new UserError(
        `${what} has ${values[beyond]} in sample ${sample} of input ${input.name}, expected ${least} to ${most}, ${why}`,
      )
    }
    this.#pieces.get(input.name)!.push({ values, count })
  }

  /** Zeros for inputs that have no samples yet, as many as `like` has. */
  addZeros(names: readonly string[], like: string): void {
    for (const { name, shape } of this.#inputs) {
      if (!names.includes(name)) continue
      const count = this.countOf(like)
      this.#pieces.get(name)!.push({ values: new Float32Array(count * elements(shape)), count })
    }
  }

  addLabels({ values }: NumberArray, what: string): void {
    const wrong = values.find((x) => !(Number.isInteger(x) && x >= 0))
    if (wrong !== undefined)
      throw new UserError(
        `${what} has the label ${wrong}, expected whole numbers from 0 on: numbers that are no classes are called ${TARGETS}`,
      )
    for (const label of values) this.#labels.push(label)
  }

  /** Adds [n, ...]. Throws UserError where its samples have another shape than those before. */
  addTargets(array: NumberArray, what: string): void {
    const [count, ...rest] = array.shape
    const [first = array] = this.#targets
    const expected = first.shape.slice(1)
    if (count === undefined || String(rest) !== String(expected))
      throw new UserError(`${what} has shape [${array.shape.join(', ')}], expected [${['n', ...expected].join(', ')}]`)
    this.#targets.push(array)
  }

  /** How many samples there are of every input. Throws UserError where these differ, or an input has none. */
  count(place: string): number {
    const counts = this.#inputs.map(({ name }) => this.countOf(name))
    this.#inputs.forEach(({ name, shape }, i) => {
      if (counts[i] === 0)
        throw new UserError(
          `${place} has no array for the input ${name} [${shape.join(', ')}] of ${this.#network}: expected ${this.#expected()}`,
        )
      if (counts[i] !== counts[0])
        throw new UserError(
          `${place} has ${counts[i]} samples of input ${name}, expected ${counts[0]} as of ${this.#inputs[0].name}`,
        )
    })
    if (this.#labels.length > 0 && this.#labels.length !== counts[0])
      throw new UserError(`${place} has ${this.#labels.length} labels, expected one for each of ${counts[0]} samples`)
    const targets = this.targets()?.shape[0] ?? counts[0]
    if (targets !== counts[0])
      throw new UserError(`${place} has ${targets} targets, expected one for each of ${counts[0]} samples`)
    return counts[0]
  }

  /** All inputs of every sample one behind the other, [n, values of a sample]; channels come first. */
  packed(place: string): Float32Array {
    const count = this.count(place)
    const width = this.#inputs.reduce((sum, { shape }) => sum + elements(shape), 0)
    const rows = new Float32Array(count * width)
    let start = 0
    for (const { name, shape, layout } of this.#inputs) {
      const size = elements(shape)
      const channels = layout === 'NHWC' ? shape[shape.length - 1] : 1
      const places = size / channels
      let row = 0
      for (const { values, count } of this.#pieces.get(name)!)
        for (let n = 0; n < count; n++, row++)
          for (let c = 0, to = row * width + start; c < channels; c++)
            for (let i = 0; i < places; i++) rows[to++] = values[n * size + i * channels + c]
      start += size
    }
    return rows
  }

  /** By sample, where files have any. */
  labels(): readonly number[] | undefined {
    return this.#labels.length > 0 ? this.#labels : undefined
  }

  /** [samples, ...], where files have any. */
  targets(): NumberArray | undefined {
    const [first] = this.#targets
    if (!first) return undefined
    const values = new Float32Array(this.#targets.reduce((sum, { values }) => sum + values.length, 0))
    let at = 0
    for (const piece of this.#targets) {
      values.set(piece.values, at)
      at += piece.values.length
    }
    const count = this.#targets.reduce((sum, { shape }) => sum + shape[0], 0)
    return { shape: [count, ...first.shape.slice(1)], values }
  }

  /** Samples of an input so far. */
  countOf = (name: string): number => this.#pieces.get(name)!.reduce((sum, { count }) => sum + count, 0)

  #expected = () => this.#inputs.map(({ name }) => name).join(', ')
}
