/** @file The network of a file, and its weights by the names that the network has for them. */
import type { WeightsFile } from '../../formats/weights-file.ts'
import type { Model } from '../../models/model.ts'
import { foundIn } from '../../train/find-network.ts'
import { namedAs } from '../../train/layer-names.ts'
import { printNote } from '../display/output.ts'

/**
 * The network that a file is or names, or that of `name`, and the file with the names of that network, and
 * with the ONNX model that the network is; says so where names were others. Throws UserError where there is
 * no such network.
 */
export function namedNetwork(file: WeightsFile, path: string, name?: string): { model: Model; file: WeightsFile } {
  const { model, onnx } = foundIn(file, path, name)
  return { model, file: { ...namedFor(model, file, path), onnx } }
}

/** The file with the names that the network has; says so where they were others. */
export function namedFor(model: Model, file: WeightsFile, path: string): WeightsFile {
  const named = namedAs(model, file)
  const [first] = named.renamed
  if (first)
    printNote(
      `${path} has other names for ${named.renamed.size} layers of ${model.name} (${first[1]} is its ${first[0]}); they were matched by shape and order`,
    )
  return named.file
}
