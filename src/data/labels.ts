/**
 * @file Says which output of a network is which class: a text file names one class per line, in the order of
 * the outputs.
 */
import { UserError } from '../util/errors.ts'
import { readText } from '../util/files.ts'
import { labelArray, type SampleSet, type Samples } from './dataset.ts'

/** Reads the names of the outputs. Throws UserError where the file has none, or one of them twice. */
export function readLabels(path: string): string[] {
  const names = readText(path)
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (names.length === 0) throw new UserError(`${path}: expected one class name per line, found none`)
  if (twice !== undefined) throw new UserError(`${path}: expected every class once, found ${twice} twice`)
  return names
}

/**
 * The data set with its labels changed to the positions of its classes among `names`. Throws UserError, which
 * calls the list `source`, where a class is not among them.
 */
export function relabelled<D extends SampleSet>(data: D, names: readonly string[], source: string): D {
  const { classNames } = data
  if (!classNames)
    throw new UserError(`${source}: the classes of ${data.name} have no names, expected a folder of image files`)
  const places = classNames.map((name) => names.indexOf(name))
  const unknown = classNames.find((_, i) => places[i] < 0)
  if (unknown !== undefined) throw new UserError(`${source} has no line ${unknown}, which is a class of ${data.name}`)
  const part = ({ labels = new Uint8Array(), ...rest }: Samples): Samples => {
    const moved = labelArray(names.length, labels.length)
    moved.set(Array.from(labels, (label) => places[label]))
    return { ...rest, labels: moved }
  }
  return { ...data, classes: names.length, classNames: [...names], train: part(data.train), test: part(data.test) }
}
