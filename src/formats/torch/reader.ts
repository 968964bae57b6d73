/**
 * @file The operands of pickle's instructions: counts, integers of any length, floats, text, lines. Nothing
 * is read past the end of the file.
 */

/** Bytes of the longest integer that is told from others: far more than anything that is counted. */
const LONGEST = 64

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const latin = new TextDecoder('latin1')

export class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #fail: (what: string) => never
  /** The byte that comes next. */
  at: number

  /** Reads from `at` on; `fail` throws and is told what is in the file. */
  constructor(bytes: Uint8Array, at: number, fail: (what: string) => never) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#fail = fail
    this.at = at
  }

  take(count: number): Uint8Array {
    if (count > this.#bytes.length - this.at) this.#fail(`${count} bytes at ${this.at}, after the end of the file`)
    this.at += count
    return this.#bytes.subarray(this.at - count, this.at)
  }

  /** A little-endian count of so many bytes. */
  uint(size: 1 | 2 | 4 | 8): number {
    const at = this.at
    this.take(size)
    if (size === 1) return this.#view.getUint8(at)
    if (size === 2) return this.#view.getUint16(at, true)
    if (size === 4) return this.#view.getUint32(at, true)
    const value = Number(this.#view.getBigUint64(at, true))
    return Number.isSafeInteger(value) ? value : this.#fail(`a length of ${value}`)
  }

  double(): number {
    this.take(8)
    return this.#view.getFloat64(this.at - 8)
  }

  /** UTF-8, or what the strings of Python 2 may hold instead: one byte per character. */
  text(count: number): string {
    const bytes = this.take(count)
    try {
      return strict.decode(bytes)
    } catch {
      return latin.decode(bytes)
    }
  }

  /** Up to the end of the line. */
  line(): string {
    const end = this.#bytes.indexOf(10, this.at)
    if (end < 0) this.#fail('a line without an end')
    const text = this.text(end - this.at)
    this.at++
    return text
  }

  /** A little-endian integer in two's complement; its digits where a number cannot hold it. */
  long(count: number): number | string {
    const bytes = this.take(count)
    if (count > LONGEST) return `an integer of ${count} bytes`
    const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
    return numberOrDigits(BigInt.asIntN(8 * count, value))
  }

  /**
   * An integer in a line, perhaps with an L behind it; 00 and 01 are how the first protocols write booleans.
   */
  integerLine(): number | string | boolean {
    const text = this.line()
    if (text === '00' || text === '01') return text === '01'
    if (!/^[+-]?\d{1,150}L?$/.test(text)) this.#fail(`the number ${text.slice(0, 40)}`)
    return numberOrDigits(BigInt(text.replace(/^\+|L$/g, '')))
  }

  floatLine(): number {
    const text = this.line()
    const value = Number(text.replace(/^([+-]?)inf$/, '$1Infinity'))
    if (text.trim() === '' || (Number.isNaN(value) && text !== 'nan')) this.#fail(`the number ${text.slice(0, 40)}`)
    return value
  }
}

const numberOrDigits = (value: bigint) => (Number.isSafeInteger(Number(value)) ? Number(value) : String(value))
