/**
 * @file What a pickle is made of here: plain data, and placeholders for everything that has a class or a
 * function of Python's behind it. Nothing of either is ever run.
 */

/** Lists and tuples are arrays, dicts are maps; integers beyond 2^53 are their digits. */
export type PickleValue =
  | (null | boolean | number | string | Uint8Array | PickleValue[] | PickleDict | PickleSet)
  | (Named | Opaque | object)
export type PickleDict = Map<PickleValue, PickleValue>
export type PickleSet = Set<PickleValue>

/** A class or a function, by its name. */
export class Named {
  /** `module name`. */
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** What a class or a function would have made, of which nothing is known but what it was to be made from. */
export class Opaque {
  /** Of the class or function, `module name`. */
  readonly name: string
  readonly args: readonly PickleValue[]
  /** What its attributes were to be. */
  state: PickleValue = null
  /** Its items, if it is a dict of a class of its own. */
  readonly items: PickleDict = new Map()

  constructor(name: string, args: readonly PickleValue[]) {
    this.name = name
    this.args = args
  }
}

/** The entries of a dict, also of one of a class of its own. */
export function dictOf(value: PickleValue | undefined): PickleDict | undefined {
  if (value instanceof Map) return value as PickleDict
  return value instanceof Opaque && value.items.size > 0 ? value.items : undefined
}

/** How messages call a value. */
export function kindOf(value: PickleValue | undefined): string {
  if (value instanceof Opaque || value instanceof Named) return value.name.replaceAll(' ', '.').slice(0, 100)
  if (value instanceof Map) return 'a dict'
  if (value instanceof Set) return 'a set'
  if (Array.isArray(value)) return 'a list'
  if (value instanceof Uint8Array) return 'bytes'
  if (value === null || value === undefined) return 'nothing'
  return typeof value === 'string' ? 'text' : `a ${typeof value}`
}
