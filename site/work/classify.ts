/** @file What versions of a classifier make of a picture: their most likely classes. */
import type { Machine } from '../../src/engine/machine.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import { SparseModel } from '../../src/infer/sparse-model.ts'
import { classesOf } from '../../src/models/model.ts'
import { statedPreprocessing } from '../../src/train/preprocessing.ts'
import { mnist } from './mnist.ts'
import { inferred, type Opened, type Version } from './opened.ts'
import { constantsFor, pictureOf, planesOf, takesImages } from './samples.ts'

/** An image file or a frame of the camera, or a digit by its number among those beside the page. */
export type Picture = { source: Blob | ImageBitmap } | { digit: number }

export interface AskedPicture {
  picture: Picture
  /** Whether dark is light: networks for digits want them light. */
  invert: boolean
  /** As of {@link AskedSamples}. */
  normalization?: string
}

export interface Guess {
  name: string
  /** Its probability. */
  share: number
}

export interface Guesses {
  /** What the network is shown. */
  seen: ImageData
  /** The class that is known of a digit. */
  label?: string
  /** Of each version, the most likely classes first. */
  versions: Guess[][]
}

/** Classes that are shown. */
const MOST = 5

/** Why a network tells nothing of a picture, a sentence; undefined where it does. */
export function noClassifier({ model, reason }: Opened): string | undefined {
  if (!model) return `Pictures are shown to networks that run here: ${reason}.`
  if (model.outputs)
    return 'Only classifiers are shown on pictures: what this network computes, boxes or words or maps, is not drawn here.'
  if (!takesImages(model)) return 'Only classifiers of images are shown on pictures: this network takes no images.'
  return undefined
}

export class Classifier {
  readonly #opened: Opened
  readonly #models: SparseModel[]

  constructor(opened: Opened, versions: readonly Version[], machine: Machine) {
    this.#opened = opened
    this.#models = versions.map((one) => new SparseModel(inferred(opened, one), { machine, source: opened.name }))
  }

  /** Throws UserError where the picture is none. */
  async guess({ picture, invert, normalization }: AskedPicture): Promise<Guesses> {
    const { model } = this.#opened
    const digit = 'digit' in picture ? await digitOf(picture.digit) : undefined
    const seen = 'digit' in picture ? digit!.seen : await pictureOf(picture.source, model!.image)
    if (invert && !digit) for (let i = 0; i < seen.data.length; i++) if (i % 4 < 3) seen.data[i] = 255 - seen.data[i]
    const planes = planesOf(seen, model!.image)
    const { mean, std } = constantsFor(this.#opened, normalization)
    const size = sizeOf(model!.image.slice(1))
    const values = Float32Array.from(planes, (pixel, i) => {
      const channel = Math.floor(i / size)
      return (pixel / 255 - mean[channel]) / std[channel]
    })
    return { seen, label: digit?.label, versions: this.#models.map((one) => this.#named(one.run(values))) }
  }

  #named(scores: Float32Array): Guess[] {
    const { model, version, name } = this.#opened
    const { labels } = statedPreprocessing(version.weights.metadata, name, model!.image[0])
    const shares = sharesOf(scores, model!.softmax === false)
    const best = [...shares.keys()].sort((a, b) => shares[b] - shares[a] || a - b).slice(0, MOST)
    const known = labels?.length === classesOf(model!) ? labels : undefined
    return best.map((i) => ({ name: known?.[i] ?? `class ${i}`, share: shares[i] }))
  }
}

/**
 * Probabilities of classes; one score is that of class 1. `open`: the file does not say whether its scores
 * are logits, and they are taken for probabilities where they can be some.
 */
function sharesOf(scores: Float32Array, open: boolean): Float64Array {
  const total = scores.reduce((a, b) => a + b, 0)
  const can = open && scores.every((score) => score >= 0 && score <= 1)
  if (scores.length === 1) {
    const one = can ? scores[0] : 1 / (1 + Math.exp(-scores[0]))
    return Float64Array.of(1 - one, one)
  }
  if (can && Math.abs(total - 1) < 1e-3) return Float64Array.from(scores)
  const most = scores.reduce((a, b) => Math.max(a, b))
  const shares = Float64Array.from(scores, (score) => Math.exp(score - most))
  const sum = shares.reduce((a, b) => a + b, 0)
  return shares.map((share) => share / sum)
}

/** A test image of MNIST, and which digit it is. */
async function digitOf(number: number): Promise<{ seen: ImageData; label: string }> {
  const { test, image } = await mnist()
  const size = sizeOf(image)
  const at = number % test.count
  const pixels = test.images.subarray(at * size, (at + 1) * size)
  const seen = new ImageData(image[2], image[1])
  pixels.forEach((pixel, i) => void seen.data.set([pixel, pixel, pixel, 255], 4 * i))
  return { seen, label: `class ${test.labels[at]}` }
}
