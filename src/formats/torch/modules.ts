/**
 * @file Whole networks that were pickled (`torch.save(model)`, TorchScript): their tensors, by the names that
 * `state_dict()` gives them. Their code is neither there nor needed.
 */
import { isTensor, Unread } from './tensors.ts'
import { kindOf, Opaque, type PickleDict, type PickleValue } from './values.ts'

/** More levels, or more modules, no network has; a pickle may refer to one module from many. */
const DEEPEST = 100
const MOST = 100_000

interface Parts {
  /** Parameters and buffers. */
  own: [string, PickleValue][]
  modules: [string, PickleValue][]
}

/** Of modules, while some are looked at. */
export interface Walk {
  around: Set<Opaque>
  visits: number
}

/**
 * The entries that the state dict of a module would have, {@link Unread} where a part of it keeps its values
 * in a way of its own; undefined where it is no module. `walk` is one for all modules of a file.
 */
export function moduleEntries(value: PickleValue, walk: Walk): PickleDict | undefined {
  if (!(value instanceof Opaque) || !partsOf(value)) return undefined
  const entries: PickleDict = new Map()
  walk.around.clear()
  return collect(value, '', entries, walk) ? entries : undefined
}

/** False: too deep, too many, or a module within itself. */
function collect(module: Opaque, prefix: string, entries: PickleDict, walk: Walk): boolean {
  if (walk.around.has(module) || walk.around.size > DEEPEST || ++walk.visits > MOST) return false
  const parts = partsOf(module)
  if (!parts) {
    entries.set(prefix.slice(0, -1), new Unread(`is a ${kindOf(module)}, which keeps its values in a way of its own`))
    return true
  }
  for (const [name, value] of parts.own) entries.set(`${prefix}${name}`, value)
  if (entries.size > MOST) return false
  walk.around.add(module)
  const all = parts.modules.every(
    ([name, part]) => !(part instanceof Opaque) || collect(part, `${prefix}${name}.`, entries, walk),
  )
  walk.around.delete(module)
  return all
}

function partsOf(module: Opaque): Parts | undefined {
  if (/\bquantized\b/.test(module.name)) return undefined
  // Networks of torch.fx are made by a function from what others have as their state.
  const attributes = [module.state, module.args[0]].find(
    (value): value is PickleDict => value instanceof Map && value.get('_modules') instanceof Map,
  )
  if (attributes) {
    const passing = attributes.get('_non_persistent_buffers_set')
    const buffers = named(attributes.get('_buffers')).filter(([name]) => !(passing instanceof Set && passing.has(name)))
    return {
      own: [...named(attributes.get('_parameters')), ...buffers].filter(([, value]) => value !== null),
      modules: named(attributes.get('_modules')),
    }
  }
  // TorchScript has one attribute for everything, in its order.
  if (!module.name.startsWith('__torch__.') || !(module.state instanceof Map)) return undefined
  const all = named(module.state)
  return {
    own: all.filter(([, value]) => isTensor(value)),
    modules: all.filter(([, value]) => value instanceof Opaque && value.name.startsWith('__torch__.')),
  }
}

const named = (value: PickleValue | undefined): [string, PickleValue][] =>
  value instanceof Map
    ? [...(value as PickleDict)].filter((pair): pair is [string, PickleValue] => typeof pair[0] === 'string')
    : []
