/** @file Which files of values lie beside an ONNX model. */
import type { OnnxFile } from './file.ts'
import { isSparse, placesOf } from './places.ts'

/** Their paths from the folder of the model, each once. */
export function besideOf({ proto }: Pick<OnnxFile, 'proto'>): string[] {
  const tensors = placesOf(proto).flatMap(({ tensor }) => (isSparse(tensor) ? [] : [tensor]))
  const entries = tensors.flatMap(({ externalData }) => externalData)
  return [...new Set(entries.flatMap(({ key, value }) => (key === 'location' ? [value] : [])))]
}
