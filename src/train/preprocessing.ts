/**
 * @file Writes and reads how pixels became inputs in the metadata of a file of weights: weights reach their
 * accuracy only with the inputs that they were trained on.
 *
 * `mean` and `std` are JSON lists with a number per channel, `labels` is a JSON list of class names in the
 * order of the outputs, and `size` (one number, or rows x columns), `crop` and `fit` are those of {@link
 * Geometry} where image files were resized or cropped.
 */
import type { Normalization, SampleSet } from '../data/dataset.ts'
import { fits, type Geometry } from '../data/geometry.ts'
import { deviationPerChannel, perChannel } from '../data/normalization.ts'
import { UserError } from '../util/errors.ts'

/** What a file says about its inputs; a field is absent where the file says nothing. */
export interface Stated {
  normalization?: Normalization
  geometry?: Geometry
  /** Class names in the order of the outputs. */
  labels?: string[]
}

/** The metadata for weights that are trained on this data; none where samples are floats. */
export function preprocessingOf({ mean, std, geometry, floats }: SampleSet): Record<string, string> {
  if (floats) return {}
  const { plane, ...sides } = geometry ?? {}
  const pixels = Object.entries({ ...(plane && { size: plane.join('x') }), ...sides })
  const texts = Object.fromEntries(pixels.map(([name, value]) => [name, String(value)]))
  return { mean: JSON.stringify(mean), std: JSON.stringify(std), ...texts }
}

/**
 * Reads that metadata, for images of `channels` channels; a normalization may also be a text such as
 * `normalization: mean 0.5 std 0.5`. Throws UserError, which calls the file `source`, where a value is not of
 * that kind.
 */
export function statedPreprocessing(metadata: Record<string, string>, source: string, channels: number): Stated {
  const { mean, std } = normalizationTexts(metadata)
  const plane = planeOf(metadata.size)
  const size = plane ? undefined : pixels(metadata.size, `${source}: metadata size`)
  const crop = pixels(metadata.crop, `${source}: metadata crop`)
  return {
    ...(mean !== undefined &&
      std !== undefined && {
        normalization: {
          mean: perChannel(list(mean), channels, `${source}: metadata mean`),
          std: deviationPerChannel(list(std), channels, `${source}: metadata std`),
        },
      }),
    ...((size ?? crop) !== undefined && { geometry: { size, crop } }),
    ...(plane && { geometry: { plane, fit: fits.find((fit) => fit === metadata.fit) } }),
    ...(metadata.labels !== undefined && { labels: list(metadata.labels).map(String) }),
  }
}

function normalizationTexts({ mean, std, normalization = '' }: Record<string, string>): {
  mean?: string
  std?: string
} {
  if (mean !== undefined && std !== undefined) return { mean, std }
  const [, m, s] = /^mean ([\d., ]+?) std ([\d., ]+)$/.exec(normalization) ?? []
  return m && s ? { mean: `[${m}]`, std: `[${s}]` } : {}
}

function list(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value : [value]
  } catch {
    return [text]
  }
}

/** Rows and columns of `48x192`; undefined of anything else. */
export function planeOf(text: string | undefined): [number, number] | undefined {
  const [, rows, columns] = /^([1-9]\d{0,8})x([1-9]\d{0,8})$/.exec(text ?? '') ?? []
  return rows && columns ? [Number(rows), Number(columns)] : undefined
}

function pixels(text: string | undefined, what: string): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new UserError(`${what}: expected a whole number of pixels above 0, found ${text}`)
}
