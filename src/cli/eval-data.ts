/**
 * @file The data on which stored weights are used, with inputs made as the weights were trained on: as their file says, else as the flags say, else
 * as is usual.
 */
import type { Command } from 'commander'
import type { Dataset } from '../data/dataset.ts'
import type { Geometry } from '../data/decode-image.ts'
import { loadDataset } from '../data/index.ts'
import { readLabels, relabelled } from '../data/labels.ts'
import type { OnProgress } from '../data/progress.ts'
import { percent } from '../experiment/report.ts'
import type { ImportOptions } from '../formats/onnx/input.ts'
import { classesOf, type Model, usualGeometry } from '../models/model.ts'
import type { Evaluation } from '../train/evaluation.ts'
import { perChannel, type Stated } from '../train/preprocessing.ts'
import { oneOf } from './choices.ts'
import { type ImageOptions, imageOptions, leftOut } from './image-options.ts'

export interface PreprocessingFlags extends ImageOptions {
  mean?: string
  std?: string
  layout?: string
  labels?: string
}

export interface EvaluationData {
  data: Dataset
  /** Who said what was done, in words: of the size and crop (absent: images were taken as they are stored), of mean and std. */
  sources: { geometry?: string; normalization: string }
}

/** For help texts. */
export const PRECEDENCE = `
How pixels become inputs is decided by the first of these that says it:
  mean, std    the weights file; --mean and --std; the data set
  size, crop   the weights file; --size and --crop; the network (ImageNet's: 224 pixels out of 256). Only for folders of image files.
What was done is printed, flags that the weights file overrules too.`

export const layoutOption = (command: Command): Command =>
  command.option(
    '--layout <order>',
    'of the input of an ONNX model: nchw or nhwc (default: told by where its channels are)',
  )

/** Adds --mean, --std, --layout, --labels, --size, --crop and --skip-corrupt. */
export const preprocessingFlags = (command: Command): Command =>
  imageOptions(
    layoutOption(
      command
        .option('--mean <numbers>', 'of pixels scaled to 0..1, per channel, such as 0.5 or 0.49,0.48,0.45')
        .option('--std <numbers>', 'likewise'),
    ).option(
      '--labels <file>',
      'class names in the order of the outputs, one per line; of one score, that below zero first (default: sorted)',
    ),
  )

/** What an ONNX model leaves open. Throws UserError, naming the flag. */
export function importOptions({ layout, crop, size }: PreprocessingFlags): ImportOptions {
  const side = crop ?? size
  return {
    ...(side !== undefined && { plane: [side, side] }),
    ...(layout !== undefined && { layout: oneOf('--layout', layout, ['nchw', 'nhwc']) === 'nhwc' ? 'NHWC' : 'NCHW' }),
  }
}

/** Loads a data set or folder for a model. Throws UserError where data or flags are not as they should be. */
export async function loadEvaluationData(
  name: string,
  model: Model,
  stated: Stated,
  flags: PreprocessingFlags,
  onProgress: OnProgress,
): Promise<EvaluationData> {
  const { size, crop, skipCorrupt } = flags
  const [geometry, by] = firstOf<Geometry>(stated.geometry, { size, crop }, `of ${model.name}`)
  // Data sets without image files refuse flags; what is stated or usual does not concern them.
  const options = geometry && !stated.geometry ? geometry : { usual: geometry ?? usualGeometry(model) }
  const stored = await loadDataset(name, { ...options, skipCorrupt, onProgress })
  const data = withLabels(stored, stated.labels, flags.labels)

  const channels = data.image[0]
  const given = { mean: numbers(flags.mean, channels, '--mean'), std: numbers(flags.std, channels, '--std') }
  const [normalization, source] = firstOf(stated.normalization, given, 'of the data set')
  const { mean = data.mean, std = data.std } = normalization ?? {}
  return { data: { ...data, mean, std }, sources: { ...(data.geometry && { geometry: by }), normalization: source } }
}

/** The data with the labels of a file of names, or with those that the weights file states, where its classes have names. */
function withLabels(data: Dataset, known?: string[], path?: string): Dataset {
  if (path !== undefined) return relabelled(data, readLabels(path), path)
  return known && data.classNames ? relabelled(data, known, 'the list of labels in the weights file') : data
}

/** What flags say beyond what data sets say of themselves, as metadata of an output. */
export function flagMetadata({ layout, labels }: PreprocessingFlags): Record<string, string> {
  return {
    ...(layout !== undefined && { layout: layout.toUpperCase() }),
    ...(labels !== undefined && { labels: JSON.stringify(readLabels(labels)) }),
  }
}

/** A warning where a dense network is hardly better than chance: its inputs, or its labels, are probably not what it was trained on. */
export function chanceWarning({ accuracy, count }: Evaluation, model: Model): string | undefined {
  const classes = classesOf(model)
  if (count < 20 * classes || accuracy > 1.5 / classes) return undefined
  if (classes === 2 && accuracy < 0.25)
    return `warning: an accuracy of ${percent(accuracy)} is far below chance (1 of 2 classes): the two classes are probably the other way round, see --labels`
  return `warning: an accuracy of ${percent(accuracy)} is near chance (1 of ${classes} classes): the preprocessing is probably wrong, see --mean, --std, --size, --crop, --layout and --labels`
}

/** What was done, in lines for people. */
export function preprocessingLines({ data, sources }: EvaluationData, model: Model): string[] {
  const { image, mean, std, geometry, classNames: [zero, one] = ['class 0', 'class 1'], skipped = [] } = data
  const made = geometry ? `${described(geometry)} (${sources.geometry})` : `${image.join(' x ')}, as they are stored`
  const normalized = `mean ${mean.join(', ')} and std ${std.join(', ')} (${sources.normalization})`
  return [
    `images: ${made}`,
    `inputs: (pixel / 255 - mean) / std with ${normalized}`,
    ...(model.classes === 1 ? [`labels: a score above zero is ${one}, else ${zero}`] : []),
    ...(skipped.length > 0 ? [leftOut(skipped)] : []),
  ]
}

/** The same for machines. */
export const preprocessingJson = ({ data: { mean, std, geometry, skipped = [] }, sources }: EvaluationData) => ({
  ...{ mean, std, ...geometry, sources, skipped },
})

/** `shorter side resized to 256, the middle 224 x 224 cut out`. */
function described({ size, crop = size }: Geometry): string {
  const cut = `the middle ${crop} x ${crop} cut out`
  return size === undefined ? cut : `shorter side resized to ${size}, ${cut}`
}

/** What the file says, else what the flags say, else undefined; and who that is. */
function firstOf<T extends object>(
  file: T | undefined,
  flags: Partial<T>,
  otherwise: string,
): [Partial<T> | undefined, string] {
  const names = Object.entries(flags).filter(([, value]) => value !== undefined)
  const set = names.map(([flag]) => `--${flag}`).join(' and ')
  if (file) return [file, set ? `of the weights file, which overrules ${set}` : 'of the weights file']
  return set ? [flags, 'of the command line'] : [undefined, otherwise]
}

function numbers(text: string | undefined, channels: number, what: string): number[] | undefined {
  const values = text?.split(',').map((part) => (part.trim() === '' ? part : Number(part)))
  return values && perChannel(values, channels, what)
}
