/**
 * @file The few names of PyTorch's pickles that are made: dicts, sets, shapes, tensors. All others stay
 * placeholders.
 */
import { UserError } from '../../util/errors.ts'
import type { DType } from '../safetensors-bytes.ts'
import type { PickleWorld } from './pickle.ts'
import { rebuildSparse } from './sparse-tensors.ts'
import { persistent, type Storage } from './storage.ts'
import { rebuildTensor, Unread } from './tensors.ts'
import { Named, Opaque, type PickleDict, type PickleValue } from './values.ts'

/** `storages` gets those that are named. `source` is what messages call the file; `length`: its bytes. */
export function torchWorld(storages: Map<string, Storage>, source: string, length: number): PickleWorld {
  const fail = (what: string) => new UserError(`${source} is no PyTorch checkpoint that can be read: it holds ${what}`)
  // A pickle may ask for copies of the same list without end.
  let copied = 0
  const items = (value: PickleValue | undefined): readonly PickleValue[] => {
    const list = Array.isArray(value) ? value : []
    copied += list.length
    if (copied > length) throw fail('more copies of lists than it has bytes')
    return list
  }
  const dict = ([from]: readonly PickleValue[]): PickleDict => {
    if (from instanceof Map) return from as PickleDict
    const pairs = items(from)
    if (!pairs.every((pair): pair is PickleValue[] => Array.isArray(pair) && pair.length === 2))
      throw fail('a dict of something else than pairs')
    return new Map(pairs as [PickleValue, PickleValue][])
  }
  const set = ([from]: readonly PickleValue[]) => new Set(items(from))
  const tensor = (args: readonly PickleValue[]) => rebuildTensor(args, fail)
  const typed = (args: readonly PickleValue[]) => {
    const name = args[6] instanceof Named ? args[6].name : 'unknown'
    if (!Object.hasOwn(types, name)) return new Unread(`is of the type ${name.replace(' ', '.')}`)
    return rebuildTensor(args.toSpliced(6, 1), fail, types[name])
  }
  const sparse = (args: readonly PickleValue[]) => rebuildSparse(args, fail)
  const parameter = ([data]: readonly PickleValue[]) => data
  const make: Record<string, (args: readonly PickleValue[]) => PickleValue> = {
    'collections OrderedDict': dict,
    'collections Counter': dict,
    'collections defaultdict': () => new Map(),
    '__builtin__ dict': dict,
    'builtins dict': dict,
    '__builtin__ set': set,
    'builtins set': set,
    '__builtin__ frozenset': set,
    'builtins frozenset': set,
    'copy_reg _reconstructor': reconstructed,
    'copyreg _reconstructor': reconstructed,
    'torch Size': ([size]) => size,
    'torch._utils _rebuild_tensor': tensor,
    'torch._utils _rebuild_tensor_v2': tensor,
    'torch._utils _rebuild_tensor_v3': typed,
    'torch._utils _rebuild_sparse_tensor': sparse,
    'torch._utils _rebuild_sparse_csr_tensor': sparse,
    'torch._utils _rebuild_parameter': parameter,
    'torch._utils _rebuild_parameter_with_state': parameter,
  }
  for (const [name, why] of Object.entries(unread)) make[`torch._utils ${name}`] = () => new Unread(why)
  // A tensor with attributes of its own: (function, class, arguments, attributes).
  const withAttributes = ([what, , args]: readonly PickleValue[]): PickleValue => {
    const rebuild =
      what instanceof Named && /^torch\._utils _rebuild_\w+$/.test(what.name) ? make[what.name] : undefined
    return rebuild && Array.isArray(args) ? rebuild(args) : new Opaque('torch Tensor', [])
  }
  for (const module of ['torch.tensor', 'torch._tensor'])
    for (const name of ['_rebuild_from_type', '_rebuild_from_type_v2']) make[`${module} ${name}`] = withAttributes
  return { make, persistent: (id) => persistent(id, storages, source) }
}

/** How the first protocols write objects: (class, the class of Python that it extends, what that holds). */
function reconstructed([type, , contents]: readonly PickleValue[]): PickleValue {
  const made = new Opaque(type instanceof Named ? type.name : 'an object', [])
  return contents instanceof Map ? new Opaque(made.name, [contents]) : made
}

/** What makes tensors of kinds that are not read. */
const unread: Readonly<Record<string, string>> = {
  _rebuild_qtensor: 'is quantized',
  _rebuild_nested_tensor: 'is nested',
  _rebuild_meta_tensor_no_storage: 'has no values',
  _rebuild_device_tensor_from_numpy: 'is of a device of its own',
  _rebuild_device_tensor_from_cpu_tensor: 'is of a device of its own',
  _rebuild_xla_tensor: 'is of a device of its own',
  _rebuild_wrapper_subclass: 'is of a class of its own',
}

const types: Readonly<Record<string, DType>> = {
  'torch float64': 'F64',
  'torch float32': 'F32',
  'torch float16': 'F16',
  'torch bfloat16': 'BF16',
  'torch int64': 'I64',
  'torch int32': 'I32',
  'torch int16': 'I16',
  'torch int8': 'I8',
  'torch uint8': 'U8',
  'torch bool': 'BOOL',
}
