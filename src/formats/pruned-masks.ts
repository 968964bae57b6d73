/**
 * @file Weights that torch.nn.utils.prune has pruned and not yet made permanent: beside `weight_orig`, the
 * values, their state has `weight_mask`, zeros and ones, and the network computes with the product of both.
 */
import { UserError } from '../util/errors.ts'
import { BYTES_PER, type StoredTensor, toFloats } from './safetensors-bytes.ts'

const [VALUES, MASK] = ['_orig', '_mask']

/**
 * The same tensors with the product in the place of such a pair, under the name without an ending. A pair
 * beside a tensor of that name stays what it is. Throws UserError, which calls the file `source`, where a
 * mask does not fit.
 */
export function joinMasks(tensors: ReadonlyMap<string, StoredTensor>, source: string): Map<string, StoredTensor> {
  const joined = new Map<string, StoredTensor>()
  const isPair = (name: string) => [VALUES, MASK].every((end) => tensors.has(name + end)) && !tensors.has(name)
  for (const [name, tensor] of tensors) {
    const base = name.slice(0, -VALUES.length)
    if (name.endsWith(VALUES) && isPair(base))
      joined.set(base, product(tensor, tensors.get(base + MASK)!, `${source}: the mask ${base}${MASK}`))
    else if (!name.endsWith(MASK) || !isPair(base)) joined.set(name, tensor)
  }
  return joined
}

function product(values: StoredTensor, mask: StoredTensor, what: string): StoredTensor {
  const { dtype, shape } = values
  if (String(mask.shape) !== String(shape))
    throw new UserError(`${what} has shape [${mask.shape}], expected [${shape}], as its weight has`)
  const each = BYTES_PER[dtype]
  const data = new Uint8Array(values.data)
  toFloats(mask).forEach((bit, i) => {
    if (bit !== 0 && bit !== 1) throw new UserError(`${what} holds ${bit}, expected 0 or 1`)
    if (bit === 0) data.fill(0, i * each, (i + 1) * each)
  })
  return { dtype, shape, data }
}
