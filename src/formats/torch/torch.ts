/**
 * @file PyTorch's checkpoints (`.pth`, `.pt`, `.ckpt`, `.tar`): a pickle that names storages, and the storages. Since version 1.6 `torch.save` writes a zip archive of them, uncompressed; before,
 * five pickles in a row (magic number, version, machine, the object, keys of storages), then the storages. Optimizers and the like, which training scripts save too, are passed over.
 */
import { unzipSync } from 'fflate'
import { UserError } from '../../util/errors.ts'
import { BYTES_PER, type TensorFile } from '../safetensors-bytes.ts'
import { type PickleDict, type PickleValue, type PickleWorld, unpickle } from './pickle.ts'
import { bytesOf, contiguous, rebuildTensor, type Storage, storageOf, storageTypes, TorchTensor } from './tensors.ts'

/** How the archives begin, and the older files: protocol 2, an integer of ten bytes. */
const ZIP = [0x50, 0x4b, 0x03, 0x04]
const LEGACY = [0x80, 0x02, 0x8a, 0x0a]
/** That integer. */
const MAGIC = '119547037146038801333356'

/** Tensors may share storages, but not without end. */
const MOST_SHARED = 8

const begins = (bytes: Uint8Array, start: readonly number[]) => start.every((byte, i) => bytes[i] === byte)

export const isTorchFile = (bytes: Uint8Array): boolean => begins(bytes, ZIP) || begins(bytes, LEGACY)

/** The state dict of a checkpoint. Throws UserError on anything malformed, and where a pickle names what is neither tensor nor plain data; `source` is what messages call the file. */
export function parseTorch(bytes: Uint8Array, source: string): TensorFile {
  const state = stateDict(begins(bytes, ZIP) ? readZip(bytes, source) : readLegacy(bytes, source), source)
  const size = [...state.values()].reduce((sum, tensor) => sum + bytesOf(tensor), 0)
  if (size > MOST_SHARED * bytes.length)
    throw new UserError(
      `${source}: its tensors are ${size} bytes, expected at most ${MOST_SHARED} times its own length`,
    )
  return { tensors: new Map([...state].map(([name, tensor]) => [name, contiguous(tensor)])), metadata: {} }
}

/** Classes whose objects training scripts save beside the weights; they are not made, their contents are dropped. */
const passedOver = [
  ...['SGD', 'Adam', 'AdamW', 'RMSprop', 'Adagrad', 'Adadelta'].map(
    (name) => `torch.optim.${name.toLowerCase()} ${name}`,
  ),
  ...['StepLR', 'MultiStepLR', 'ExponentialLR', 'CosineAnnealingLR', 'LambdaLR', 'ReduceLROnPlateau', 'OneCycleLR'].map(
    (name) => `torch.optim.lr_scheduler ${name}`,
  ),
  ...['torch device', 'argparse Namespace'],
]

function worldOf(storages: Map<string, Storage>, source: string): PickleWorld {
  const nothing = () => null
  const tensor = (args: readonly PickleValue[]) => rebuildTensor(args, source)
  return {
    make: {
      'collections OrderedDict': () => new Map(),
      'torch Size': ([size]) => size,
      'torch._utils _rebuild_tensor': tensor,
      'torch._utils _rebuild_tensor_v2': tensor,
      'torch._utils _rebuild_parameter': ([data]) => data,
      ...Object.fromEntries(Object.keys(storageTypes).map((name) => [name, nothing])),
      ...Object.fromEntries(passedOver.map((name) => [name, nothing])),
    },
    persistent: (id) => storageOf(id, storages, source),
  }
}

function readLegacy(bytes: Uint8Array, source: string): PickleValue {
  const storages = new Map<string, Storage>()
  const world = worldOf(storages, source)
  let at = 0
  const next = () => {
    const { value, end } = unpickle(bytes, at, world, source)
    at = end
    return value
  }
  const fail = (what: string) => new UserError(`${source} is no PyTorch checkpoint that can be read: ${what}`)
  if (next() !== MAGIC) throw fail('it does not begin with the magic number')
  // The version of the format, and what machine it was.
  next()
  next()
  const object = next()
  const keys = next()
  if (!Array.isArray(keys)) throw fail('expected a list of storages after its object')
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined
    if (!storage) throw fail(`one of its storages belongs to no tensor`)
    const size = storage.length * BYTES_PER[storage.dtype]
    // The number of elements comes first.
    if (at + 8 + size > bytes.length) throw fail(`it ends within its storage ${storage.key}`)
    const length = Number(new DataView(bytes.buffer, bytes.byteOffset + at).getBigUint64(0, true))
    if (length !== storage.length)
      throw fail(`its storage ${storage.key} has ${length} elements, expected ${storage.length}`)
    storage.bytes = bytes.subarray(at + 8, at + 8 + size)
    at += 8 + size
  }
  return complete(object, storages, source)
}

function readZip(bytes: Uint8Array, source: string): PickleValue {
  const fail = (what: string) => new UserError(`${source} is no PyTorch checkpoint that can be read: ${what}`)
  let files: Record<string, Uint8Array>
  try {
    files = unzipSync(bytes, {
      filter: ({ name, compression }) => {
        if (compression !== 0) throw fail(`${name} is compressed, which torch.save never does`)
        return true
      },
    })
  } catch (error) {
    throw error instanceof UserError ? error : fail('its zip archive is damaged')
  }
  const pickle = Object.keys(files).find((name) => name === 'data.pkl' || name.endsWith('/data.pkl'))
  if (pickle === undefined) throw fail('its zip archive holds no data.pkl')
  const folder = pickle.slice(0, -'data.pkl'.length)
  const order = files[`${folder}byteorder`]
  if (order && new TextDecoder().decode(order) !== 'little') throw fail('its numbers are not little-endian')
  const storages = new Map<string, Storage>()
  const { value } = unpickle(files[pickle], 0, worldOf(storages, source), source)
  for (const storage of storages.values()) {
    const data = files[`${folder}data/${storage.key}`]
    if (data?.length === storage.length * BYTES_PER[storage.dtype]) storage.bytes = data
  }
  return complete(value, storages, source)
}

function complete(object: PickleValue, storages: ReadonlyMap<string, Storage>, source: string): PickleValue {
  for (const { key, bytes } of storages.values())
    if (!bytes)
      throw new UserError(`${source} is no PyTorch checkpoint that can be read: its storage ${key} is missing`)
  return object
}

/** The tensors of a state dict: the object itself, or the first of its entries that holds tensors. */
function stateDict(object: PickleValue, source: string): Map<string, TorchTensor> {
  const entries = object instanceof Map ? [object, ...(object as PickleDict).values()] : []
  for (const entry of entries) {
    const found = tensorsIn(entry)
    if (found.size > 0) return withoutPrefix(found)
  }
  throw new UserError(`${source}: expected a state dict, or a dict that holds one, found no tensors by name`)
}

function tensorsIn(entry: PickleValue): Map<string, TorchTensor> {
  const pairs = entry instanceof Map ? [...(entry as PickleDict)] : []
  return new Map(
    pairs.filter(
      (pair): pair is [string, TorchTensor] => typeof pair[0] === 'string' && pair[1] instanceof TorchTensor,
    ),
  )
}

/** Without the `module.` of networks that were trained on several devices, and without the `._layer` of those that WoodFisher's code wraps to prune them. */
function withoutPrefix(found: Map<string, TorchTensor>): Map<string, TorchTensor> {
  const all = [...found.keys()].every((name) => name.startsWith('module.'))
  const plain = (name: string) => (all ? name.slice('module.'.length) : name).replace('._layer.', '.')
  return new Map([...found].map(([name, tensor]) => [plain(name), tensor]))
}
