/**
 * @file The data on which stored weights are used, with inputs made as the weights were trained on: as the
 * flags say, else as their file says, else by guess, which is called one.
 */
import type { Recurrence } from '../../data/arrays/recurrence.ts'
import type { SampleSet, Samples } from '../../data/dataset.ts'
import { fits, type Geometry } from '../../data/geometry.ts'
import { readLabels, relabelled } from '../../data/labels.ts'
import { loadSamples } from '../../data/load-samples.ts'
import { type Asked, GUESSED, normalized, originOf } from '../../data/normalization.ts'
import type { OnProgress } from '../../data/progress.ts'
import { classesOf, type Model, usualGeometry } from '../../models/model.ts'
import type { Stated } from '../../train/preprocessing.ts'
import { UserError } from '../../util/errors.ts'
import { oneOf } from './choices.ts'
import type { PreprocessingFlags } from './preprocessing.ts'

export interface EvaluationData {
  data: SampleSet
  /** Who said the size and crop, in words; absent: images were taken as they are stored. */
  geometry?: string
  /** What the weights file says and flags overrule, in sentences. */
  notes: string[]
}

export interface Loading {
  onProgress: OnProgress
  /**
   * Whether labels that are not those of the model are left out; else they are an error later on. Default
   * false.
   */
  unlabelled?: boolean
  /** How the states of a recurrent network are found, of sound. */
  recurrence?: Recurrence
}

/**
 * Loads a data set, folder or file for a model. Throws UserError where data or flags are not as they should
 * be.
 */
export async function loadEvaluationData(
  name: string,
  model: Model,
  stated: Stated,
  flags: PreprocessingFlags,
  { onProgress, unlabelled = false, recurrence }: Loading,
): Promise<EvaluationData> {
  const { skipCorrupt, gray, rate } = flags
  const { options, by, notes } = geometryOf(model, stated.geometry, flags)
  // Where labels may be left out, those of other classes are no error.
  const taker = { ...model, recurrence, classes: model.outputs || unlabelled ? undefined : classesOf(model) }
  const found = await loadSamples(name, taker, {
    ...options,
    channels: model.image[0],
    skipCorrupt,
    gray,
    rate,
    onProgress,
  })
  const read = unlabelled ? withClassesOf(model, found) : found
  notes.push(...(read.notes ?? []))
  const named = withLabels(read, stated.labels, flags.labels)
  const useless = named.classes !== undefined && (model.outputs || (unlabelled && named.classes !== classesOf(model)))
  const data = useless ? withoutLabels(named) : named
  if (useless) notes.push(`labels are left out: ${model.name} does not tell these ${named.classes} classes apart`)
  if (data.floats) {
    const flag = (['mean', 'std'] as const).find((one) => flags[one] !== undefined)
    if (flag) throw new UserError(`--${flag} is for images, and ${name} holds arrays, which are taken as they are`)
    return { data, notes }
  }
  if (flags.labels !== undefined && stated.labels && String(data.classNames) !== String(stated.labels))
    notes.push(`the weights file has other labels, in another order: --labels was taken`)
  const inputs = withNormalization(data, model, stated, flags, notes)
  return { data: inputs, notes, ...(data.geometry && { geometry: by }) }
}

/** Labels that are numbers are of the classes of the model, where these are enough. */
function withClassesOf(model: Model, data: SampleSet): SampleSet {
  const { classes, classNames } = data
  const isOfModel = classes !== undefined && !classNames && !model.outputs && classes <= classesOf(model)
  return isOfModel ? { ...data, classes: classesOf(model) } : data
}

/**
 * How image files are resized and cropped: value by value what flags say, else the weights file; where
 * neither says anything, as is usual for the network.
 */
function geometryOf(model: Model, stated: Geometry | undefined, { size: sides, crop, fit: how }: PreprocessingFlags) {
  const fit = how === undefined ? undefined : oneOf('--fit', how, fits)
  const [, ...own] = model.image
  const plane = typeof sides === 'object' ? sides : sides !== undefined && fit ? ([sides, sides] as const) : undefined
  if (plane ?? fit) return { options: { plane: plane ?? own, fit, crop }, by: OF_FLAGS, notes: [] as string[] }
  const size = typeof sides === 'object' ? undefined : sides
  const notes = overruled({ ...stated }, { size, crop }, String)
  if (size === undefined && crop === undefined)
    // Data sets without image files refuse what flags say; what is stated or usual does not concern them.
    return {
      options: { usual: stated ?? usualFor(model) },
      by: stated ? OF_FILE : `${GUESSED}usual for ${model.name}; --size and --crop set it`,
      notes,
    }
  const taken = (['size', 'crop'] as const).filter((key) => ({ size, crop })[key] === undefined && stated?.[key])
  const by = taken.length === 0 ? OF_FLAGS : `${OF_FLAGS}, ${taken.join(' and ')} ${OF_FILE}`
  return { options: { size: size ?? stated?.size, crop: crop ?? stated?.crop }, by, notes }
}

/** Of images that are not square: their middle. */
const usualFor = (model: Model): Geometry => {
  const [, rows, columns] = model.image
  return rows === columns ? usualGeometry(model) : { plane: [rows, columns], fit: 'crop' }
}

/** A network whose input are bytes takes pixels as they are. */
const ofBytes = ({ inputs }: Model, channels: number): Stated['normalization'] =>
  inputs?.length === 1 && inputs[0].whole
    ? { mean: Array(channels).fill(0), std: Array(channels).fill(1 / 255) }
    : undefined

/** Mean and std: each by its flag, else by the weights file, else by the data set, which is a guess. */
function withNormalization(
  data: SampleSet,
  model: Model,
  { normalization }: Stated,
  flags: PreprocessingFlags,
  notes: string[],
): SampleSet {
  const bytes = ofBytes(model, data.image[0])
  const asked = { mean: numbers(flags.mean), std: numbers(flags.std) }
  const names = { mean: '--mean', std: '--std' }
  const given = normalized(data, asked, names, OF_FLAGS)
  const found = { mean: given.mean, std: given.std }
  const origin = { ...originOf(given) }
  for (const key of ['mean', 'std'] as const) {
    if (asked[key] !== undefined) continue
    const stated = normalization ?? bytes
    if (stated) Object.assign(found, { [key]: stated[key] })
    origin[key] = normalization
      ? OF_FILE
      : bytes
        ? 'of pixels as they are, since the network takes bytes'
        : guessOf(origin[key])
  }
  const own = { ...(normalization && { mean: normalization.mean, std: normalization.std }) }
  const taken = { mean: asked.mean && given.mean, std: asked.std && given.std }
  notes.push(...overruled<readonly number[]>(own, taken, (list) => list.join(', ')))
  return { ...data, ...found, origin }
}

/** The constants of the data set are those of weights that do not say theirs only by guess. */
const guessOf = (origin: string): string =>
  `${origin.startsWith(GUESSED) ? origin : `${GUESSED}those ${origin}, since the weights do not say theirs`}; --mean and --std set them`

const OF_FILE = 'of the weights file'
const OF_FLAGS = 'of the command line'

/** A sentence for every value of a flag that the weights file has otherwise. */
function overruled<T>(
  stated: Readonly<Record<string, T | undefined>>,
  flags: Readonly<Record<string, T | undefined>>,
  text: (value: T) => string,
): string[] {
  return Object.entries(flags).flatMap(([key, value]) => {
    const other = stated[key]
    if (value === undefined || other === undefined || text(other) === text(value)) return []
    return [`the weights file says ${key} ${text(other)}: --${key} was taken, ${text(value)}`]
  })
}

/**
 * The data with the labels of a file of names, or with those that the weights file states, where its classes
 * have names.
 */
function withLabels(data: SampleSet, known?: string[], path?: string): SampleSet {
  if (path !== undefined) return relabelled(data, readLabels(path), path)
  return known && data.classNames ? relabelled(data, known, 'the list of labels in the weights file') : data
}

function withoutLabels({ classes: _, classNames: __, ...data }: SampleSet): SampleSet {
  const bare = ({ labels: _, ...samples }: Samples): Samples => samples
  return { ...data, train: bare(data.train), test: bare(data.test) }
}

/** What --mean or --std says. */
function numbers(text: string | undefined): Asked | undefined {
  if (text === undefined || text === 'data') return text
  return text.split(',').map((part) => (part.trim() === '' || Number.isNaN(Number(part)) ? part : Number(part)))
}
