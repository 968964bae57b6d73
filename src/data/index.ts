/**
 * @file The data sets by name.
 */
import { existsSync, statSync } from 'node:fs'
import { UserError } from '../util/errors.ts'
import { suggestion } from '../util/suggest.ts'
import type { Dataset } from './dataset.ts'
import { isIdxFolder, loadIdxFolder, loadMnist } from './mnist.ts'
import { synthetic } from './synthetic.ts'

export interface DatasetEntry {
  summary: string
  load(): Dataset
}

/** Adding a data set: a file and a line here. */
export const datasets: Record<string, DatasetEntry> = {
  mnist: { summary: 'handwritten digits, 60,000 + 10,000 images of 28 x 28, 10 classes', load: loadMnist },
  synthetic: { summary: 'procedural patterns under noise, 2,000 + 500 images of 28 x 28, 10 classes', load: synthetic },
}

/** A data set by name, or a folder with the IDX files of one. Throws UserError. */
export function loadDataset(nameOrFolder: string): Dataset {
  const known = Object.hasOwn(datasets, nameOrFolder) ? datasets[nameOrFolder] : undefined
  if (known) return known.load()
  if (existsSync(nameOrFolder) && statSync(nameOrFolder).isDirectory()) {
    if (isIdxFolder(nameOrFolder)) return loadIdxFolder(nameOrFolder, nameOrFolder)
    throw new UserError(`${nameOrFolder} holds no data set that is known: expected the IDX files of MNIST's layout`)
  }
  throw new UserError(
    `there is no data set or folder named ${nameOrFolder}${suggestion(nameOrFolder, Object.keys(datasets))}`,
  )
}
