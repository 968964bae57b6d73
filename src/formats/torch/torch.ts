/**
 * @file PyTorch's checkpoints (`.pth`, `.pt`, `.ckpt`, `.tar`): a pickle that names storages, and the
 * storages. Nothing in them is run. Weights are found by what they are (state.ts), whatever training scripts
 * save beside them.
 */
import { UserError } from '../../util/errors.ts'
import { joinMasks } from '../pruned-masks.ts'
import type { StoredTensor, TensorFile } from '../safetensors-bytes.ts'
import { isLegacy, isZip, readLegacy, readZip } from './containers.ts'
import { findState } from './state.ts'
import { isTensor, Tensor, Unread } from './tensors.ts'
import { kindOf, Opaque, type PickleDict } from './values.ts'

export const isTorchFile = (bytes: Uint8Array): boolean => isZip(bytes) || isLegacy(bytes)

/** Tensors may share storages, but not without end. */
const MOST_SHARED = 8
/** Bytes that sparse and expanded tensors may take where they are not in proportion to their file. */
const MOST_DENSE = 2 ** 30

export interface TorchFile extends TensorFile {
  /** What a reader should know of the choice that was made: sentences. */
  notes: string[]
}

/**
 * The weights of a checkpoint, dense. Throws UserError on anything malformed, and where there are none or
 * several; `source` is what messages call the file.
 */
export function parseTorch(bytes: Uint8Array, source: string): TorchFile {
  const { entries, note } = findState(isZip(bytes) ? readZip(bytes, source) : readLegacy(bytes, source), source)
  const state = withoutPrefix(tensorsOf(entries, source), source)
  checkSizes([...state.values()], bytes.length, source)
  const dense = [...state].map(([name, tensor]): [string, StoredTensor] => [
    name,
    tensor.dense(`${source}: tensor ${name}`),
  ])
  return { tensors: joinMasks(new Map(dense), source), metadata: {}, notes: note ? [note] : [] }
}

function checkSizes(tensors: readonly Tensor[], length: number, source: string): void {
  const sum = (of: (tensor: Tensor) => number) => tensors.reduce((total, tensor) => total + of(tensor), 0)
  const own = sum((tensor) => tensor.own)
  if (own > MOST_SHARED * length)
    throw new UserError(`${source}: its tensors are ${own} bytes, expected at most ${MOST_SHARED} times its own length`)
  const most = Math.max(MOST_SHARED * length, MOST_DENSE)
  const needs = sum((tensor) => tensor.needs)
  if (needs > most)
    throw new UserError(`${source}: its tensors take ${needs} bytes when dense, expected at most ${most}`)
}

/** Throws UserError where one of the entries has values of the network that are not read. */
function tensorsOf(entries: PickleDict, source: string): Map<string, Tensor> {
  const found = new Map<string, Tensor>()
  for (const [name, value] of entries) {
    if (typeof name !== 'string') {
      if (isTensor(value))
        throw new UserError(`${source}: found a tensor under a key that is ${kindOf(name)}, expected names`)
    } else if (value instanceof Tensor) found.set(name, value)
    else if (value instanceof Unread)
      throw new UserError(`${source}: tensor ${name} ${value.why}, expected dense or sparse values of a plain type`)
    else if (isMember(name) && (value instanceof Opaque || Array.isArray(value)))
      throw new UserError(`${source}: ${name} is ${kindOf(value)}, expected a tensor`)
  }
  return found
}

/**
 * Whether what has that name belongs to a layer: other entries are what scripts save beside the tensors.
 * `_extra_state` may be anything.
 */
const isMember = (name: string) => /\.|^(weight|bias)$/.test(name) && !name.endsWith('_extra_state')

/**
 * Without the `module.` of networks that were trained on several devices, and without the `._layer` of those
 * that WoodFisher's code wraps to prune them.
 */
function withoutPrefix(found: Map<string, Tensor>, source: string): Map<string, Tensor> {
  const all = [...found.keys()].every((name) => name.startsWith('module.'))
  const plain = (name: string) => (all ? name.slice('module.'.length) : name).replace('._layer.', '.')
  const state = new Map<string, Tensor>()
  for (const [name, tensor] of found) {
    if (state.has(plain(name)))
      throw new UserError(`${source}: found two tensors for ${plain(name)}, one of them ${name}`)
    state.set(plain(name), tensor)
  }
  return state
}
