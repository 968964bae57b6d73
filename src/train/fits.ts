/** @file Checks that a file of weights belongs to a network. */
import type { TensorFile } from '../formats/safetensors-bytes.ts'
import { graphOf, type Model } from '../models/model.ts'
import { UserError } from '../util/errors.ts'
import { suggestion } from '../util/suggest.ts'
import { PARTS } from './layer-names.ts'

/**
 * Throws UserError, which calls the file `source`, unless it has every tensor of the network in its shape,
 * and no layer that the network does not have. Other tensors (masks, momentum, counters of batches) may be
 * there.
 */
export function checkFits(model: Model, { tensors }: TensorFile, source: string): void {
  const stored = graphOf(model).stored()
  for (const { name, shape } of stored) {
    const tensor = tensors.get(name)
    const expected = `expected shape [${shape}] as ${model.name} has it`
    if (!tensor)
      throw new UserError(`${source} has no tensor ${name}, ${expected}${suggestion(name, [...tensors.keys()], 5)}`)
    if (String(tensor.shape) !== String(shape))
      throw new UserError(`${source}: tensor ${name} has shape [${tensor.shape}], ${expected}`)
  }
  const names = new Set(stored.map(({ name }) => name))
  for (const [name, { shape }] of tensors)
    if (!names.has(name) && PARTS.includes(name.slice(name.lastIndexOf('.') + 1)))
      throw new UserError(`${source}: tensor ${name} of shape [${shape}] belongs to no layer of ${model.name}`)
}
