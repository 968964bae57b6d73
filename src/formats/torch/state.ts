/**
 * @file Where in a checkpoint the weights are. Training scripts save them under names of their own, beside
 * counters, accuracies, random states, optimizers, averaged copies.
 *
 * Weights are a dict of tensors by name (or a whole module) with at least one matrix, or one tensor named as
 * a weight; only where there is none such, any dict of tensors counts. Optimizers, told by their
 * `param_groups` or by their key, are never looked into. From the outermost dict on, the way to the weights
 * is followed key by key: where it parts, the first of {@link PREFERRED} is taken and a note says what else
 * there is; where none of those is there, nothing is chosen, and an error names the keys.
 */
import { UserError } from '../../util/errors.ts'
import { moduleEntries, type Walk } from './modules.ts'
import { isTensor, Tensor } from './tensors.ts'
import { dictOf, kindOf, type PickleDict, type PickleValue } from './values.ts'

/** Keys of weights, in any case of letters. */
const PREFERRED = [
  'state_dict',
  'model_state_dict',
  'model_state',
  'model_dict',
  'model',
  'network_state_dict',
  'network',
  'net_state_dict',
  'net',
  'module',
  'weights',
  'params',
  'parameters',
]
const OPTIMIZER = /optim/i
/** Keys on the way to weights, at most. */
const DEEPEST = 8

/** How much a dict looks like weights: no tensors by name, some, or what only networks have. */
type Likeness = 0 | 1 | 2

interface Place {
  entries: PickleDict
  own: Likeness
  /** Those that hold something. */
  inner: [key: string, place: Place][]
  /** Of itself and of what is within. */
  best: Likeness
}

export interface State {
  entries: PickleDict
  /** A sentence about what else there was. */
  note?: string
}

/** Throws UserError, which calls the file `source`, where there are no weights or several. */
export function findState(object: PickleValue, source: string): State {
  const root = placeOf(object, 0, { known: new Map(), walk: { around: new Set(), visits: 0 } })
  if (!root || root.best === 0)
    throw new UserError(
      `${source}: expected a state dict, a dict that holds one, or a module, found no tensors by name in ${isTensor(object) ? 'a tensor' : kindOf(object)}: save model.state_dict()`,
    )
  let place: Place = root
  const wanted = root.best
  const path: string[] = []
  let others: string[] = []
  for (;;) {
    const inner = place.inner.filter(([, { best }]) => best >= wanted)
    const own = place.own >= wanted
    if (inner.length === 0) return { entries: place.entries, ...noted(source, path, others) }
    const next: [string, Place] | undefined =
      own || new Set(inner.map(([, one]) => one)).size > 1 ? preferred(inner) : inner[0]
    if (!next) throw ambiguous(source, [...(own ? [itself(path)] : []), ...inner.map(([key]) => joined(path, key))])
    if (own) others.push(itself(path))
    others = others.concat(inner.filter(([, one]) => one !== next[1]).map(([key]) => joined(path, key)))
    path.push(next[0])
    place = next[1]
  }
}

/** What is known of a file so far. */
interface Search {
  known: Map<PickleValue, Place | undefined>
  walk: Walk
}

function placeOf(value: PickleValue, depth: number, search: Search): Place | undefined {
  if (depth > DEEPEST) return undefined
  const { known, walk } = search
  if (known.has(value)) return known.get(value)
  // Until it is known: a dict within itself is nothing.
  known.set(value, undefined)
  const module = moduleEntries(value, walk)
  const entries = module ?? dictOf(value) ?? (Array.isArray(value) ? listEntries(value) : undefined)
  if (!entries || entries.has('param_groups')) return undefined
  const inner = module ? [] : [...entries].flatMap(([key, within]) => innerPlace(key, within, depth, search))
  const own = likeness(entries)
  const best = inner.reduce<Likeness>((most, [, one]) => (one.best > most ? one.best : most), own)
  const place = { entries, own, inner, best }
  known.set(value, place)
  return place
}

const listEntries = (list: readonly PickleValue[]): PickleDict => new Map(list.entries())

function innerPlace(key: PickleValue, value: PickleValue, depth: number, search: Search): [string, Place][] {
  const name = typeof key === 'number' ? `[${key}]` : key
  if (typeof name !== 'string' || OPTIMIZER.test(name)) return []
  const place = typeof value === 'object' && value !== null ? placeOf(value, depth + 1, search) : undefined
  return place && place.best > 0 ? [[name, place]] : []
}

function likeness(entries: PickleDict): Likeness {
  let found: Likeness = 0
  for (const [name, value] of entries) {
    if (typeof name !== 'string' || !isTensor(value)) continue
    if (value instanceof Tensor && value.shape.length < 2 && !/(^|\.)(weight|bias)(_orig)?$/.test(name)) found = 1
    else return 2
  }
  return found
}

function preferred(inner: readonly [string, Place][]): [string, Place] | undefined {
  const rank = ([key]: [string, Place]) => PREFERRED.indexOf(key.toLowerCase())
  return inner.filter((one) => rank(one) >= 0).sort((a, b) => rank(a) - rank(b))[0]
}

const joined = (path: readonly string[], key: string) => [...path, key].join('.').replaceAll('.[', '[')
const itself = (path: readonly string[]) =>
  path.length > 0 ? joined(path.slice(0, -1), path.at(-1)!) : 'its outermost dict'
const listed = (names: readonly string[]) => {
  const shown = names.length > 6 ? [...names.slice(0, 5), `${names.length - 5} more`] : names
  return shown.length > 1 ? `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}` : shown[0]
}

const noted = (source: string, path: readonly string[], others: readonly string[]) =>
  others.length > 0
    ? {
        note: `${source} holds tensors under ${listed([...new Set(others)])} too; those under ${itself(path)} were taken`,
      }
    : {}

const ambiguous = (source: string, keys: readonly string[]) =>
  new UserError(
    `${source}: expected one set of weights, found tensors under ${listed(keys)}: save the one that is meant under the key state_dict`,
  )
