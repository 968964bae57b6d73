/**
 * @file Which network a file of weights holds.
 */
import type { TensorFile } from '../formats/safetensors-bytes.ts'
import { findModel } from '../models/index.ts'
import type { Model } from '../models/model.ts'
import { UserError } from '../util/errors.ts'

/** The network that a file of weights names, or that of `name`. Throws UserError, which calls the file `source`, where there is none. */
export function modelOfFile({ metadata }: TensorFile, source: string, name = metadata.model): Model {
  if (!name) throw new UserError(`${source} does not say what network it holds: add --model`)
  const number = (text: string | undefined) => (text === undefined ? undefined : Number(text))
  return findModel(name, { classes: number(metadata.classes), widen: number(metadata.widen) })
}
