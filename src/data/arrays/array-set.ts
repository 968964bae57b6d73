/**
 * @file Files of arrays as samples: their arrays are sorted into the inputs of a network, labels and targets.
 * Files with several arrays name the inputs of the model; of others the file's name does, where there are
 * several inputs. Sound is cut into stretches as long as the input. Needs no Node.
 */
import { UserError } from '../../util/errors.ts'
import { grouped } from '../../util/format.ts'
import { type Labels, labelArray, type SampleSet, type Samples } from '../dataset.ts'
import { type ArrayFile, isArrayFile } from './array-bytes.ts'
import { type ArrayInput, CollectedInputs, LABELS, TARGETS } from './inputs.ts'
import { elements } from './number-array.ts'
import type { Recurrence } from './recurrence.ts'
import type { Sound } from './wav.ts'

export interface ArrayOptions {
  /** What the network takes, in this order. */
  inputs: readonly ArrayInput[]
  /** The shape that samples have for the network: [C, H, W], of the inputs one behind the other. */
  image: SampleSet['image']
  /** What messages call the network. */
  network: string
  /** How many classes labels may have. Default: as many as occur. */
  classes?: number
  /** Samples of sound in a second. Default: those of the first file, which all must have. */
  rate?: number
  /** How states are found that sound does not hold. Default: they are expected as arrays. */
  recurrence?: Recurrence
}

/** A file of arrays, when it is its turn. */
export interface ArraySource {
  /** Its name, with the folders that it lies in or without. */
  path: string
  read(): ArrayFile
}

/** Training and test samples of arrays as a set. Throws UserError where one part alone has labels. */
export function arraySet(
  { train, test, notes }: { train: Samples; test: Samples; notes: readonly string[] },
  path: string,
  name: string,
  options: ArrayOptions,
): SampleSet {
  const [channels] = options.image
  const labelled = train.labels !== undefined && test.labels !== undefined
  if (!labelled && (train.labels ?? test.labels)) throw new UserError(`${path} has labels of one of its parts only`)
  const most = [train, test].flatMap(({ labels = [] }) => [...labels]).reduce((a, b) => Math.max(a, b), 0)
  if (labelled && options.classes !== undefined && most >= options.classes)
    throw new UserError(`${path} has the label ${most}, expected at most ${options.classes - 1} of ${options.network}`)
  return {
    name,
    image: options.image,
    floats: true,
    mean: Array(channels).fill(0),
    std: Array(channels).fill(1),
    train,
    test,
    notes: [...notes],
    ...(labelled && { classes: options.classes ?? most + 1 }),
  }
}

/** Which input sounds were read for, and which of its samples follow the one before in a sound. */
interface Heard {
  input?: string
  follow: Set<number>
}

/** Collects files, whose sound has all the same rate. */
export class ArrayReader {
  readonly #options: ArrayOptions
  /** The rate of all sound, and which file has it. */
  #rate?: { rate: number; of: string }
  /** Whether states were found. */
  #carries = false

  constructor(options: ArrayOptions) {
    this.#options = options
    if (options.rate !== undefined) this.#rate = { rate: options.rate, of: '--rate' }
  }

  get notes(): string[] {
    const rate = this.#rate && this.#rate.of !== '--rate'
    return [
      ...(rate ? [`sound has ${grouped(this.#rate!.rate)} samples a second`] : []),
      ...(this.#carries ? [this.#options.recurrence!.note] : []),
    ]
  }

  /** The samples of some files, one behind the other, which messages call `place`. Rejects with UserError. */
  async read(files: readonly ArraySource[], place: string): Promise<Samples> {
    const { inputs, network, recurrence } = this.#options
    const collected = new CollectedInputs(inputs, network)
    const heard: Heard = { follow: new Set() }
    for (const file of files) this.#collect(file, collected, files.length > 1, heard)
    const carries = heard.input !== undefined && recurrence?.states.every((name) => collected.countOf(name) === 0)
    if (carries) collected.addZeros(recurrence!.states, heard.input!)
    const count = collected.count(place)
    const images = collected.packed(place)
    if (carries) await recurrence!.fill(images, heard.follow)
    this.#carries ||= carries === true
    const labels = collected.labels()
    const targets = collected.targets()
    return { count, images, ...(labels && { labels: labelsOf(labels) }), ...(targets && { targets }) }
  }

  #collect({ path, read }: ArraySource, collected: CollectedInputs, isOneOfMany: boolean, heard: Heard): void {
    const file = read()
    const stem = stemOf(path)
    if (file.kind === 'named') {
      for (const [name, array] of file.arrays) {
        const what = `${path}: ${name}`
        if (collected.isLabels(name)) collected.addLabels(array, what)
        else if (collected.isTargets(name)) collected.addTargets(array, what)
        else collected.add(collected.named(name) ?? alone(file.arrays, collected, what), array, what)
      }
      return
    }
    if (file.kind === 'single' && isOneOfMany && collected.isLabels(stem)) {
      collected.addLabels(file.array, path)
      return
    }
    if (file.kind === 'single' && isOneOfMany && collected.isTargets(stem)) {
      collected.addTargets(file.array, path)
      return
    }
    const beside = file.kind === 'sound' ? this.#options.recurrence?.states : undefined
    const input = collected.named(stem) ?? collected.single(path, beside)
    if (file.kind === 'single') collected.add(input, file.array, path)
    else if (file.kind === 'raw') collected.addValues(input, file.values, samplesOf(input, file.values, path), path)
    else {
      const sound = this.#checked(file.sound, path)
      const size = elements(input.shape)
      const count = Math.floor(sound.values.length / size)
      if (count === 0)
        throw new UserError(
          `${path} has ${grouped(sound.values.length)} samples of sound, expected at least the ${grouped(size)} of input ${input.name}`,
        )
      heard.input = input.name
      const first = collected.countOf(input.name)
      for (let i = 1; i < count; i++) heard.follow.add(first + i)
      collected.addValues(input, sound.values.subarray(0, count * size), count, path)
    }
  }

  #checked(sound: Sound, path: string): Sound {
    this.#rate ??= { rate: sound.rate, of: path }
    if (sound.rate === this.#rate.rate) return sound
    throw new UserError(
      `${path} has ${grouped(sound.rate)} samples a second, expected ${grouped(this.#rate.rate)} (${this.#rate.of}): resample it`,
    )
  }
}

/** The last part of a path, without its ending. */
const stemOf = (path: string): string => {
  const name = path.replace(/^.*[/\\]/, '')
  return isArrayFile(name) ? name.replace(/\.[^.]*$/, '') : name
}

/** The input that the one array of a file, but for labels and targets, stands for whatever its name is. */
function alone(arrays: ReadonlyMap<string, unknown>, collected: CollectedInputs, what: string): ArrayInput {
  const others = [...arrays.keys()].filter((name) => !collected.isLabels(name) && !collected.isTargets(name))
  if (others.length === 1) return collected.single(what)
  throw new UserError(`${what} is no input: expected no other arrays than those of inputs, ${LABELS} and ${TARGETS}`)
}

function samplesOf({ name, shape }: ArrayInput, values: Float32Array, path: string): number {
  const count = values.length / elements(shape)
  if (Number.isInteger(count) && count > 0) return count
  throw new UserError(
    `${path} has ${grouped(values.length)} floats, expected a multiple of the ${grouped(elements(shape))} of input ${name} [${shape.join(', ')}]`,
  )
}

function labelsOf(list: readonly number[]): Labels {
  const labels = labelArray(list.reduce((most, label) => Math.max(most, label), 0) + 1, list.length)
  labels.set(list)
  return labels
}
