/**
 * @file Folders of images that are not sorted into classes: their labels, where there are any, stand in a
 * table `labels.csv` beside them, a file and its label on each line.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { UserError } from '../util/errors.ts'
import { readText } from '../util/files.ts'
import { hasClasses, isImageName, otherImages } from './class-folders.ts'
import { labelArray, type SampleSet, type Samples } from './dataset.ts'
import { imageDecoder } from './decode-image.ts'
import { decodeImages } from './decode-images.ts'
import { geometryOf } from './geometry.ts'
import type { ImageFolderOptions } from './image-folder.ts'
import { findNormalization } from './normalization.ts'
import { splitOf } from './split.ts'

const TABLE = 'labels.csv'

export interface FlatImageOptions extends ImageFolderOptions {
  /** How many classes labels that are numbers stand for. Default: as many as occur. */
  classes?: number
}

/** Whether images lie in the folder itself, or in its part `train`. */
export const isFlatImages = (folder: string): boolean =>
  !hasClasses(folder) && (imagesIn(folder).length > 0 || imagesIn(join(folder, 'train')).length > 0)

/**
 * Loads `train/*` and `test/*` (or `val/`), or `*`, of which every fifth image is one of the test. Labels
 * that are whole numbers are the places of classes; others are names of classes, sorted. Throws UserError as
 * {@link loadImageFolder}, and where an image has no label and others have.
 */
export async function loadFlatImages(folder: string, name: string, options: FlatImageOptions = {}): Promise<SampleSet> {
  const { normalization = 'imagenet' } = options
  const constants = findNormalization(normalization, 3)
  const geometry = geometryOf(options)
  const parts = partsOf(folder)
  const paths = parts.flat()
  const decoder = await imageDecoder(geometry)
  const { height, width, images, skipped } = await decodeImages(folder, paths, decoder, options)
  const left = new Set(skipped.map((i) => paths[i]))
  const table = labelsOf(folder, parts, options.classes)
  const size = 3 * height * width
  let start = 0
  const samples = parts.map((list): Samples => {
    const kept = list.filter((path) => !left.has(path))
    const part = images.subarray(start * size, (start + kept.length) * size)
    start += kept.length
    if (kept.length === 0) throw new UserError(`${folder}: none of ${list.length} images of a part can be decoded`)
    const files = kept.map((path) => relative(folder, path))
    if (!table) return { count: kept.length, images: part, files }
    const labels = labelArray(table.classes, kept.length)
    labels.set(kept.map((path) => table.of(path)))
    return { count: kept.length, images: part, labels, files }
  })
  const split = samples.length === 1 ? splitOf(samples[0], size) : undefined
  const [train, test] = split ? [split.train, split.test] : samples
  return {
    name,
    image: [3, height, width],
    ...constants,
    train,
    test,
    ...(table && { classes: table.classes, ...(table.names && { classNames: table.names }) }),
    notes: [...(split ? [split.note] : []), ...othersOf(folder)],
    ...(Object.keys(geometry).length > 0 && { geometry }),
    ...(skipped.length > 0 && { skipped: skipped.map((i) => relative(folder, paths[i])) }),
  }
}

/** The images of the training and the test part, or all where they are not told apart. */
function partsOf(folder: string): string[][] {
  const train = imagesIn(join(folder, 'train'))
  if (train.length === 0) return [imagesIn(folder)]
  const test = ['test', 'val'].map((part) => imagesIn(join(folder, part))).find((list) => list.length > 0)
  if (!test) throw new UserError(`${folder} has images in train/, but none in test/ or val/`)
  return [train, test]
}

/** What is left out of the folder and its parts for its format, in sentences. */
const othersOf = (folder: string): string[] =>
  otherImages(
    ['.', 'train', 'test', 'val'].flatMap((part) => {
      const place = join(folder, part)
      if (!existsSync(place) || !statSync(place).isDirectory()) return []
      return readdirSync(place).map((name) => join(part, name))
    }),
  )

/** Paths of images, sorted by name. */
function imagesIn(folder: string): string[] {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return []
  const names = readdirSync(folder).filter((name) => !name.startsWith('.') && isImageName(name))
  return names.sort().map((name) => join(folder, name))
}

interface Table {
  classes: number
  /** Absent: labels are numbers. */
  names?: string[]
  of(path: string): number
}

/** The labels of all images; undefined where no table is there. */
function labelsOf(folder: string, parts: readonly string[][], classes?: number): Table | undefined {
  const source = join(folder, TABLE)
  if (!existsSync(source)) return undefined
  const byFile = new Map(rowsOf(source).map(([file, label]) => [join(folder, file), label]))
  const labelOf = (path: string) => {
    const label = byFile.get(path)
    if (label === undefined) throw new UserError(`${source} has no line for ${relative(folder, path)}`)
    return label
  }
  const labels = parts.flat().map(labelOf)
  if (labels.every((label) => /^\d+$/.test(label))) {
    const most = labels.reduce((largest, label) => Math.max(largest, Number(label)), 0)
    if (classes !== undefined && most >= classes)
      throw new UserError(`${source} has the label ${most}, expected at most ${classes - 1}`)
    return { classes: classes ?? most + 1, of: (path) => Number(labelOf(path)) }
  }
  const names = [...new Set(labels)].sort()
  return { classes: names.length, names, of: (path) => names.indexOf(labelOf(path)) }
}

/** File and label of each line, but for a line of headings. */
function rowsOf(source: string): [file: string, label: string][] {
  const lines = readText(source).split(/\r?\n/)
  return lines.flatMap((line, i): [string, string][] => {
    if (line.trim() === '') return []
    const cells = line.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'))
    if (cells.length !== 2 || cells.includes(''))
      throw new UserError(`${source}, line ${i + 1}: expected a file and its label, found ${line.slice(0, 80)}`)
    return i === 0 && !isImageName(cells[0]) ? [] : [[cells[0], cells[1]]]
  })
}
