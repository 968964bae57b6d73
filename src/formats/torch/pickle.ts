/**
 * @file Python's pickle format, restricted: a program for a stack machine that can build numbers, strings,
 * bytes, lists, tuples, dicts, sets and the few named things that the caller makes itself. No code can run:
 * whatever else a pickle names, and whatever it would have it make, are placeholders (values.ts). Format: the
 * documentation of CPython's pickletools, protocols 0 to 5.
 */
import { UserError } from '../../util/errors.ts'
import { Reader } from './reader.ts'
import { Named, Opaque, type PickleDict, type PickleSet, type PickleValue } from './values.ts'

export interface PickleWorld {
  /**
   * Makes what a pickle names, `module name`, from its arguments, in a time that does not depend on how much
   * they hold. What is absent stays a placeholder.
   */
  make: Readonly<Record<string, (args: readonly PickleValue[]) => PickleValue>>
  /** What stands for a persistent id. */
  persistent(id: PickleValue): PickleValue
}

/**
 * Reads the pickle that begins at `start`; `end` is where it ends. Throws UserError; `source` is what
 * messages call the file.
 */
export function unpickle(
  bytes: Uint8Array,
  start: number,
  world: PickleWorld,
  source: string,
): { value: PickleValue; end: number } {
  return new Unpickler(bytes, start, world, source).run()
}

const STOP = 0x2e
const MARK = Symbol('mark')
type Slot = PickleValue | typeof MARK

class Unpickler {
  readonly #read: Reader
  readonly #world: PickleWorld
  readonly #source: string
  readonly #memo = new Map<number, PickleValue>()
  readonly #stack: Slot[] = []

  constructor(bytes: Uint8Array, start: number, world: PickleWorld, source: string) {
    this.#read = new Reader(bytes, start, (what) => this.#fail(what))
    this.#world = world
    this.#source = source
  }

  run(): { value: PickleValue; end: number } {
    for (;;) {
      const code = this.#read.uint(1)
      if (code === STOP) return { value: this.#pop(), end: this.#read.at }
      const step = this.#steps[code]
      if (!step)
        this.#fail(`the unknown instruction 0x${code.toString(16).padStart(2, '0')} at byte ${this.#read.at - 1}`)
      step()
    }
  }

  #fail(what: string): never {
    throw new UserError(`${this.#source} is no PyTorch checkpoint that can be read: its pickle holds ${what}`)
  }

  #push(value: PickleValue): void {
    this.#stack.push(value)
  }

  #pop(): PickleValue {
    const value = this.#stack.pop()
    if (value === undefined || value === MARK)
      this.#fail(`nothing where the instruction before byte ${this.#read.at} needs a value`)
    return value
  }

  #top(): PickleValue {
    const value = this.#pop()
    this.#push(value)
    return value
  }

  /** What lies above the last mark, which goes too. */
  #above(): PickleValue[] {
    const mark = this.#stack.lastIndexOf(MARK)
    if (mark < 0) this.#fail(`no mark for the instruction before byte ${this.#read.at}`)
    const values = this.#stack.splice(mark).slice(1)
    return values as PickleValue[]
  }

  #list(value: PickleValue): PickleValue[] {
    return Array.isArray(value)
      ? value
      : this.#fail(`no list where the instruction before byte ${this.#read.at} needs one`)
  }

  /** Items of a placeholder for a list are dropped. */
  #append(values: readonly PickleValue[]): void {
    const target = this.#top()
    if (target instanceof Opaque) return
    const list = this.#list(target)
    for (const value of values) list.push(value)
  }

  /** As {@link #append}. */
  #addItems(values: readonly PickleValue[]): void {
    const target = this.#top()
    if (target instanceof Opaque) return
    if (!(target instanceof Set)) this.#fail(`no set where the instruction before byte ${this.#read.at} needs one`)
    for (const value of values) (target as PickleSet).add(value)
  }

  #setItems(values: readonly PickleValue[]): void {
    const target = this.#top()
    const dict = target instanceof Opaque ? target.items : target
    if (!(dict instanceof Map) || values.length % 2 !== 0) this.#fail(`no dict and pairs before byte ${this.#read.at}`)
    for (let i = 0; i < values.length; i += 2) (dict as PickleDict).set(values[i], values[i + 1])
  }

  #name(module: PickleValue, name: PickleValue): void {
    if (typeof module !== 'string' || typeof name !== 'string') this.#fail('a name that is no text')
    this.#push(new Named(`${module} ${name}`))
  }

  /** What a class or function makes. Of what a placeholder makes in its turn, nothing is known. */
  #call(what: PickleValue, args: readonly PickleValue[]): void {
    if (what instanceof Named && Object.hasOwn(this.#world.make, what.name))
      this.#push(this.#world.make[what.name](args))
    else if (what instanceof Named || what instanceof Opaque) this.#push(new Opaque(what.name, args))
    else this.#fail(`a call of something without a name before byte ${this.#read.at}`)
  }

  #reduce(): void {
    const args = this.#list(this.#pop())
    this.#call(this.#pop(), args)
  }

  /** The state of placeholders is kept; what is made here has none that matters. */
  #build(): void {
    const state = this.#pop()
    const target = this.#top()
    if (target instanceof Opaque) target.state = state
  }

  #memoize(key: number): void {
    this.#memo.set(key, this.#top())
  }

  #recall(key: number): void {
    const value = this.#memo.get(key)
    if (value === undefined) this.#fail(`the reference ${key} to nothing`)
    this.#push(value)
  }

  #tuple(count: number): void {
    const values = Array.from({ length: count }, () => this.#pop())
    this.#push(values.reverse())
  }

  #extension(size: 1 | 2 | 4): void {
    this.#push(new Named(`extension ${this.#read.uint(size)}`))
  }

  readonly #steps: Readonly<Record<number, () => void>> = {
    128: () => void this.#read.take(1), // PROTO
    149: () => void this.#read.take(8), // FRAME
    40: () => void this.#stack.push(MARK), // MARK
    48: () => void this.#stack.pop(), // POP
    49: () => void this.#above(), // POP_MARK
    50: () => this.#push(this.#top()), // DUP
    78: () => this.#push(null), // NONE
    136: () => this.#push(true), // NEWTRUE
    137: () => this.#push(false), // NEWFALSE
    75: () => this.#push(this.#read.uint(1)), // BININT1
    77: () => this.#push(this.#read.uint(2)), // BININT2
    74: () => this.#push(this.#read.uint(4) | 0), // BININT
    138: () => this.#push(this.#read.long(this.#read.uint(1))), // LONG1
    139: () => this.#push(this.#read.long(this.#read.uint(4))), // LONG4
    71: () => this.#push(this.#read.double()), // BINFLOAT
    73: () => this.#push(this.#read.integerLine()), // INT
    76: () => this.#push(this.#read.integerLine()), // LONG
    70: () => this.#push(this.#read.floatLine()), // FLOAT
    140: () => this.#push(this.#read.text(this.#read.uint(1))), // SHORT_BINUNICODE
    88: () => this.#push(this.#read.text(this.#read.uint(4))), // BINUNICODE
    141: () => this.#push(this.#read.text(this.#read.uint(8))), // BINUNICODE8
    86: () => this.#push(this.#read.line()), // UNICODE
    83: () => this.#push(this.#read.line().replace(/^(['"])(.*)\1$/, '$2')), // STRING
    85: () => this.#push(this.#read.text(this.#read.uint(1))), // SHORT_BINSTRING
    84: () => this.#push(this.#read.text(this.#read.uint(4))), // BINSTRING
    67: () => this.#push(this.#read.take(this.#read.uint(1))), // SHORT_BINBYTES
    66: () => this.#push(this.#read.take(this.#read.uint(4))), // BINBYTES
    142: () => this.#push(this.#read.take(this.#read.uint(8))), // BINBYTES8
    150: () => this.#push(this.#read.take(this.#read.uint(8))), // BYTEARRAY8
    152: () => void this.#top(), // READONLY_BUFFER
    93: () => this.#push([]), // EMPTY_LIST
    41: () => this.#push([]), // EMPTY_TUPLE
    125: () => this.#push(new Map()), // EMPTY_DICT
    143: () => this.#push(new Set()), // EMPTY_SET
    108: () => this.#push(this.#above()), // LIST
    116: () => this.#push(this.#above()), // TUPLE
    145: () => this.#push(new Set(this.#above())), // FROZENSET
    100: () => {
      // DICT
      const items = this.#above()
      this.#push(new Map())
      this.#setItems(items)
    },
    133: () => this.#tuple(1), // TUPLE1
    134: () => this.#tuple(2), // TUPLE2
    135: () => this.#tuple(3), // TUPLE3
    97: () => this.#append([this.#pop()]), // APPEND
    101: () => this.#append(this.#above()), // APPENDS
    144: () => this.#addItems(this.#above()), // ADDITEMS
    115: () => {
      // SETITEM
      const value = this.#pop()
      this.#setItems([this.#pop(), value])
    },
    117: () => this.#setItems(this.#above()), // SETITEMS
    113: () => this.#memoize(this.#read.uint(1)), // BINPUT
    114: () => this.#memoize(this.#read.uint(4)), // LONG_BINPUT
    148: () => this.#memoize(this.#memo.size), // MEMOIZE
    112: () => this.#memoize(Number(this.#read.line())), // PUT
    104: () => this.#recall(this.#read.uint(1)), // BINGET
    106: () => this.#recall(this.#read.uint(4)), // LONG_BINGET
    103: () => this.#recall(Number(this.#read.line())), // GET
    99: () => this.#name(this.#read.line(), this.#read.line()), // GLOBAL
    147: () => {
      // STACK_GLOBAL
      const name = this.#pop()
      this.#name(this.#pop(), name)
    },
    130: () => this.#extension(1), // EXT1
    131: () => this.#extension(2), // EXT2
    132: () => this.#extension(4), // EXT4
    82: () => this.#reduce(), // REDUCE
    129: () => this.#reduce(), // NEWOBJ
    146: () => {
      // NEWOBJ_EX: keywords are dropped
      this.#pop()
      this.#reduce()
    },
    105: () => this.#call(new Named(`${this.#read.line()} ${this.#read.line()}`), this.#above()), // INST
    111: () => {
      // OBJ
      const [what, ...args] = this.#above()
      this.#call(what, args)
    },
    98: () => this.#build(), // BUILD
    80: () => this.#push(this.#world.persistent(this.#read.line())), // PERSID
    81: () => this.#push(this.#world.persistent(this.#pop())), // BINPERSID
  }
}
