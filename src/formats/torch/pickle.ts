/**
 * @file Python's pickle format, restricted: a program for a stack machine that can build numbers, strings, lists, tuples, dicts and the few named things that the caller makes itself. No code can
 * run. Whatever else a pickle names is refused, by its name, before anything is made of it. Format: the documentation of CPython's pickletools, protocols 0 to 5.
 */
import { UserError } from '../../util/errors.ts'

/** Lists and tuples are arrays, dicts are maps; integers beyond 2^53 are their digits. */
export type PickleValue = null | boolean | number | string | Uint8Array | PickleValue[] | PickleDict | object
export type PickleDict = Map<PickleValue, PickleValue>

export interface PickleWorld {
  /** Makes what a pickle names, `module name`, from its arguments. Absent names are refused. */
  make: Readonly<Record<string, (args: readonly PickleValue[]) => PickleValue>>
  /** What stands for a persistent id. */
  persistent(id: PickleValue): PickleValue
}

/** A name of `make`, before it is called. */
export class Named {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** Reads the pickle that begins at `start`; `end` is where it ends. Throws UserError; `source` is what messages call the file. */
export function unpickle(
  bytes: Uint8Array,
  start: number,
  world: PickleWorld,
  source: string,
): { value: PickleValue; end: number } {
  return new Unpickler(bytes, start, world, source).run()
}

const MARK = Symbol('mark')
type Slot = PickleValue | typeof MARK

class Unpickler {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #world: PickleWorld
  readonly #source: string
  readonly #memo = new Map<number, PickleValue>()
  readonly #stack: Slot[] = []
  #at: number

  constructor(bytes: Uint8Array, start: number, world: PickleWorld, source: string) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#world = world
    this.#source = source
    this.#at = start
  }

  run(): { value: PickleValue; end: number } {
    for (;;) {
      const code = this.#take(1)[0]
      if (code === STOP) return { value: this.#pop(), end: this.#at }
      const step = this.#steps[code]
      if (!step) this.#fail(`the unknown instruction 0x${code.toString(16).padStart(2, '0')} at byte ${this.#at - 1}`)
      step()
    }
  }

  #fail(what: string): never {
    throw new UserError(`${this.#source} is no PyTorch checkpoint that can be read: its pickle holds ${what}`)
  }

  #take(count: number): Uint8Array {
    if (count > this.#bytes.length - this.#at) this.#fail(`${count} bytes at ${this.#at}, after the end of the file`)
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }

  #uint(size: 1 | 2 | 4 | 8): number {
    const at = this.#at
    this.#take(size)
    if (size === 1) return this.#view.getUint8(at)
    if (size === 2) return this.#view.getUint16(at, true)
    if (size === 4) return this.#view.getUint32(at, true)
    const value = Number(this.#view.getBigUint64(at, true))
    return Number.isSafeInteger(value) ? value : this.#fail(`a length of ${value}`)
  }

  #text(count: number): string {
    return new TextDecoder().decode(this.#take(count))
  }

  /** Up to the end of the line. */
  #line(): string {
    const end = this.#bytes.indexOf(10, this.#at)
    if (end < 0) this.#fail('a line without an end')
    const text = this.#text(end - this.#at)
    this.#at++
    return text
  }

  /** A little-endian integer in two's complement, of any length. */
  #long(count: number): number | string {
    if (count > 64) this.#fail(`an integer of ${count} bytes`)
    const value = [...this.#take(count)].reduce((sum, byte, i) => sum + (BigInt(byte) << BigInt(8 * i)), 0n)
    const signed = BigInt.asIntN(8 * count, value)
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : String(signed)
  }

  #push(value: PickleValue): void {
    this.#stack.push(value)
  }

  #pop(): PickleValue {
    const value = this.#stack.pop()
    if (value === undefined || value === MARK)
      this.#fail(`nothing where the instruction before byte ${this.#at} needs a value`)
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
    if (mark < 0) this.#fail(`no mark for the instruction before byte ${this.#at}`)
    const values = this.#stack.splice(mark).slice(1)
    return values as PickleValue[]
  }

  #list(value: PickleValue): PickleValue[] {
    return Array.isArray(value) ? value : this.#fail(`no list where the instruction before byte ${this.#at} needs one`)
  }

  #setItems(values: readonly PickleValue[]): void {
    const dict = this.#top()
    if (!(dict instanceof Map) || values.length % 2 !== 0) this.#fail(`no dict and pairs before byte ${this.#at}`)
    for (let i = 0; i < values.length; i += 2) (dict as PickleDict).set(values[i], values[i + 1])
  }

  #name(module: PickleValue, name: PickleValue): void {
    if (typeof module !== 'string' || typeof name !== 'string') this.#fail('a name that is no text')
    const full = `${module} ${name}`
    if (!Object.hasOwn(this.#world.make, full))
      this.#fail(`${module}.${name}, where only tensors, dicts, lists, numbers and strings are made`)
    this.#push(new Named(full))
  }

  #call(): void {
    const args = this.#list(this.#pop())
    const named = this.#pop()
    if (!(named instanceof Named)) this.#fail(`a call of something without a name before byte ${this.#at}`)
    this.#push(this.#world.make[named.name](args))
  }

  /** State of what was made: none of what is made here has any that matters. */
  #build(): void {
    this.#pop()
    this.#top()
  }

  #memoize(key: number): void {
    this.#memo.set(key, this.#top())
  }

  #recall(key: number): void {
    const value = this.#memo.get(key)
    if (value === undefined) this.#fail(`the reference ${key} to nothing`)
    this.#push(value)
  }

  #number(text: string, value = Number(text)): void {
    if (text.trim() === '' || Number.isNaN(value)) this.#fail(`the number ${text}`)
    this.#push(value)
  }

  #tuple(count: number): void {
    const values = Array.from({ length: count }, () => this.#pop())
    this.#push(values.reverse())
  }

  readonly #steps: Readonly<Record<number, () => void>> = {
    128: () => void this.#take(1), // PROTO
    149: () => void this.#take(8), // FRAME
    40: () => void this.#stack.push(MARK), // MARK
    48: () => void this.#stack.pop(), // POP
    49: () => void this.#above(), // POP_MARK
    50: () => this.#push(this.#top()), // DUP
    78: () => this.#push(null), // NONE
    136: () => this.#push(true), // NEWTRUE
    137: () => this.#push(false), // NEWFALSE
    75: () => this.#push(this.#uint(1)), // BININT1
    77: () => this.#push(this.#uint(2)), // BININT2
    74: () => this.#push(this.#uint(4) | 0), // BININT
    138: () => this.#push(this.#long(this.#uint(1))), // LONG1
    139: () => this.#push(this.#long(this.#uint(4))), // LONG4
    71: () => this.#push(new DataView(this.#take(8).slice().buffer).getFloat64(0)), // BINFLOAT
    73: () => this.#integer(this.#line()), // INT
    76: () => this.#number(this.#line().replace(/L$/, '')), // LONG
    70: () => this.#number(this.#line()), // FLOAT
    140: () => this.#push(this.#text(this.#uint(1))), // SHORT_BINUNICODE
    88: () => this.#push(this.#text(this.#uint(4))), // BINUNICODE
    141: () => this.#push(this.#text(this.#uint(8))), // BINUNICODE8
    86: () => this.#push(this.#line()), // UNICODE
    85: () => this.#push(this.#text(this.#uint(1))), // SHORT_BINSTRING
    84: () => this.#push(this.#text(this.#uint(4))), // BINSTRING
    67: () => this.#push(this.#take(this.#uint(1))), // SHORT_BINBYTES
    66: () => this.#push(this.#take(this.#uint(4))), // BINBYTES
    142: () => this.#push(this.#take(this.#uint(8))), // BINBYTES8
    93: () => this.#push([]), // EMPTY_LIST
    41: () => this.#push([]), // EMPTY_TUPLE
    125: () => this.#push(new Map()), // EMPTY_DICT
    108: () => this.#push(this.#above()), // LIST
    116: () => this.#push(this.#above()), // TUPLE
    100: () => {
      // DICT
      const items = this.#above()
      this.#push(new Map())
      this.#setItems(items)
    },
    133: () => this.#tuple(1), // TUPLE1
    134: () => this.#tuple(2), // TUPLE2
    135: () => this.#tuple(3), // TUPLE3
    97: () => {
      // APPEND
      const value = this.#pop()
      this.#list(this.#top()).push(value)
    },
    101: () => {
      // APPENDS
      const values = this.#above()
      const list = this.#list(this.#top())
      for (const value of values) list.push(value)
    },
    115: () => {
      // SETITEM
      const value = this.#pop()
      this.#setItems([this.#pop(), value])
    },
    117: () => this.#setItems(this.#above()), // SETITEMS
    113: () => this.#memoize(this.#uint(1)), // BINPUT
    114: () => this.#memoize(this.#uint(4)), // LONG_BINPUT
    148: () => this.#memoize(this.#memo.size), // MEMOIZE
    112: () => this.#memoize(Number(this.#line())), // PUT
    104: () => this.#recall(this.#uint(1)), // BINGET
    106: () => this.#recall(this.#uint(4)), // LONG_BINGET
    103: () => this.#recall(Number(this.#line())), // GET
    99: () => this.#name(this.#line(), this.#line()), // GLOBAL
    147: () => {
      // STACK_GLOBAL
      const name = this.#pop()
      this.#name(this.#pop(), name)
    },
    82: () => this.#call(), // REDUCE
    129: () => this.#call(), // NEWOBJ
    98: () => this.#build(), // BUILD
    81: () => this.#push(this.#world.persistent(this.#pop())), // BINPERSID
  }

  /** 00 and 01 are how the first protocols write booleans. */
  #integer(text: string): void {
    if (text === '00' || text === '01') this.#push(text === '01')
    else this.#number(text)
  }
}

const STOP = 0x2e
