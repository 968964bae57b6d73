/**
 * @file The layout of ImageNet: `train/<class>/<image>` and the same under `test/` or `val/`. Classes are the
 * sorted folder names.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileProblem, UserError } from '../util/errors.ts'

export interface ImageFile {
  path: string
  label: number
}

export interface ClassFolders {
  classNames: string[]
  /** Both parts are sorted by class, then by name. */
  train: ImageFile[]
  test: ImageFile[]
  /** What was left out for its format, in sentences. */
  notes: readonly string[]
  /** A hash of every file's name, size and time of change. */
  fingerprint: string
}

const IMAGE = /\.(jpe?g|png|webp)$/i
/** Images in formats that are not read. */
const OTHER_IMAGE = /\.(gif|bmp|tiff?|avif|hei[cf]|jp2|jxl|p[bgpn]m|tga|svg)$/i

export const isImageName = (name: string): boolean => IMAGE.test(name)

/** In words. */
export const IMAGES = '.jpg, .jpeg, .png or .webp files'

/** What is said of images that are left out for their format; nothing where there are no such. */
export function otherImages(names: readonly string[]): string[] {
  const others = names.filter((name) => OTHER_IMAGE.test(name))
  const more = others.length > 3 ? ` and ${others.length - 3} more` : ''
  return others.length === 0
    ? []
    : [`images in other formats are left out: ${others.slice(0, 3).join(', ')}${more}; expected ${IMAGES}`]
}

const testPart = (folder: string) => ['test', 'val'].find((part) => isFolder(join(folder, part)))

export const isImageFolder = (folder: string): boolean =>
  isFolder(join(folder, 'train')) && testPart(folder) !== undefined

/** Whether images lie in folders of classes. */
export const hasClasses = (folder: string): boolean =>
  isImageFolder(folder) && readdirSync(join(folder, 'train')).some((name) => isFolder(join(folder, 'train', name)))

/** Lists all images. Throws UserError where the parts have different classes, or a class has no images. */
export function scanClassFolders(folder: string): ClassFolders {
  const hash = createHash('sha256')
  const [trainFolder, testFolder] = ['train', testPart(folder) ?? 'test'].map((part) => join(folder, part))
  const classNames = classesOf(trainFolder)
  requireEqual(trainFolder, classNames, testFolder, classesOf(testFolder))
  const others: string[] = []
  const list = (part: string): ImageFile[] =>
    classNames.flatMap((className, label) => {
      const place = join(part, className)
      const all = listing(place)
      const names = all.filter(isImageName)
      if (names.length === 0) throw new UserError(`${place} holds no images: expected ${IMAGES}`)
      others.push(...all.filter((name) => !isImageName(name)).map((name) => join(place, name)))
      hash.update(`${place}\n`)
      return names.map((name) => {
        const path = join(place, name)
        const { size, mtimeMs } = stat(path)
        hash.update(`${name}\0${size}\0${mtimeMs}\n`)
        return { path, label }
      })
    })
  const [train, test] = [list(trainFolder), list(testFolder)]
  return { classNames, train, test, notes: otherImages(others), fingerprint: hash.digest('hex') }
}

function classesOf(part: string): string[] {
  const names = listing(part).filter((name) => isFolder(join(part, name)))
  if (names.length === 0) throw new UserError(`${part} holds no folders: expected one per class`)
  return names
}

function requireEqual(trainFolder: string, train: string[], testFolder: string, test: string[]): void {
  const missing = (names: string[], expected: string[]) => expected.filter((name) => !names.includes(name))
  for (const [place, lacking, other] of [
    [testFolder, missing(test, train), trainFolder],
    [trainFolder, missing(train, test), testFolder],
  ] as const)
    if (lacking.length > 0) {
      const more = lacking.length > 3 ? ` and ${lacking.length - 3} more` : ''
      throw new UserError(
        `${place} lacks the class ${lacking.slice(0, 3).join(', ')}${more} that ${other} has: both must have the same folders`,
      )
    }
}

/** The names in a folder, sorted by code unit, without hidden ones. */
function listing(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !name.startsWith('.'))
      .sort()
  } catch (error) {
    throw new UserError(`cannot read ${folder}: ${fileProblem(error)}`)
  }
}

function stat(path: string) {
  try {
    return statSync(path)
  } catch (error) {
    throw new UserError(`cannot read ${path}: ${fileProblem(error)}`)
  }
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory()
}
