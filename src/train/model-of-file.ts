/**
 * @file Finds out which network a file of weights holds.
 */
import type { OnnxModel } from '../formats/onnx/onnx.ts'
import type { TensorFile } from '../formats/safetensors-bytes.ts'
import { findModel } from '../models/index.ts'
import type { Model, ModelOptions } from '../models/model.ts'
import { UserError } from '../util/errors.ts'

/**
 * The network that a file of weights is or names, or that of `name`. Throws UserError, which calls the file
 * `source`, where there is none.
 */
export function modelOfFile(
  { metadata, onnx }: TensorFile & { onnx?: OnnxModel },
  source: string,
  name?: string,
  find: (name: string, options: ModelOptions) => Model = findModel,
): Model {
  if (onnx && !name) {
    if (onnx.network instanceof UserError)
      throw new UserError(
        `${onnx.network.message}; pruning by --method magnitude or random works all the same, it only rewrites stored weights`,
      )
    return onnx.network.model
  }
  const networkName = name ?? metadata.model
  if (!networkName) throw new UserError(`${source} does not say what network it holds: add --model`)
  const number = (text: string | undefined) => (text === undefined ? undefined : Number(text))
  return find(networkName, { classes: number(metadata.classes), widen: number(metadata.widen) })
}
