/** @file What is said of how data became the inputs of a network, for people and for machines. */
import type { Geometry } from '../../data/geometry.ts'
import { GUESSED, guessedOf, normalizationText, originOf } from '../../data/normalization.ts'
import { classesOf, type Model } from '../../models/model.ts'
import type { Evaluation } from '../../train/evaluation.ts'
import { percent } from '../../util/format.ts'
import type { EvaluationData } from './data.ts'
import { leftOut } from './images.ts'

/** What was done, in lines for people. */
export function preprocessingLines({ data, geometry: by, notes }: EvaluationData, model: Model): string[] {
  const lines = notes.map((note) => `note: ${note}`)
  if (data.floats) {
    const shapes = model.inputs?.map(({ name, shape }) => `${name} [${shape.join(', ')}]`) ?? [model.image.join(' x ')]
    return [`samples: ${data.train.count} + ${data.test.count} of ${shapes.join(', ')}, as they are stored`, ...lines]
  }
  const { image, geometry, classNames: [zero, one] = ['class 0', 'class 1'], skipped = [] } = data
  const made = geometry ? `${described(geometry)} (${by})` : `${image.join(' x ')}, as they are stored`
  return [
    `images: ${made}`,
    `inputs: (pixel / 255 - mean) / std with ${normalizationText(data)}`,
    ...(model.classes === 1 && data.classes !== undefined
      ? [`labels: a score above zero is ${one}, else ${zero}`]
      : []),
    ...lines,
    ...(skipped.length > 0 ? [leftOut(skipped)] : []),
  ]
}

/** The same for machines. */
export const preprocessingJson = (inputs: EvaluationData) => {
  const { mean, std, geometry, skipped = [], floats } = inputs.data
  if (floats) return { arrays: true, notes: inputs.notes }
  const sources = { ...(inputs.geometry && { geometry: inputs.geometry }), ...originOf(inputs.data) }
  return { mean, std, ...geometry, sources, notes: inputs.notes, guess: guessWarning(inputs), skipped }
}

/** A warning that figures are worth no more than what was guessed for them; undefined where nothing was. */
export function guessWarning({ data, geometry }: EvaluationData): string | undefined {
  if (data.floats) return undefined
  const guessed = [guessedOf(data), geometry?.startsWith(GUESSED) ? 'size and crop' : undefined].filter(Boolean)
  if (guessed.length === 0) return undefined
  const figures = data.classes === undefined ? 'distances are' : 'the accuracy is'
  return `warning: ${guessed.join(', ')} of the inputs are guessed, and ${figures} worth no more than the guess: see --mean, --std, --size and --crop`
}

/**
 * A warning where a dense network is hardly better than chance: its inputs, or its labels, are probably not
 * what it was trained on.
 */
export function chanceWarning({ accuracy, count }: Evaluation, model: Model): string | undefined {
  const classes = classesOf(model)
  if (count < 20 * classes || accuracy > 1.5 / classes) return undefined
  if (classes === 2 && accuracy < 0.25)
    return `warning: an accuracy of ${percent(accuracy)} is far below chance (1 of 2 classes): the two classes are probably the other way round, see --labels`
  return `warning: an accuracy of ${percent(accuracy)} is near chance (1 of ${classes} classes): the preprocessing is probably wrong, see --mean, --std, --size, --crop, --layout and --labels`
}

const FITTED = {
  crop: 'the middle of each resized to',
  letterbox: 'each with margins in',
  stretch: 'each stretched to',
}

/** `shorter side resized to 256, the middle 224 x 224 cut out`. */
function described({ size, crop = size, plane, fit }: Geometry): string {
  if (plane) return `${FITTED[fit ?? 'crop']} ${plane.join(' x ')} (rows x columns)`
  const cut = `the middle ${crop} x ${crop} cut out`
  return size === undefined ? cut : `shorter side resized to ${size}, ${cut}`
}
