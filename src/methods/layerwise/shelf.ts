/**
 * @file Arrays that wait to be used again: in memory up to a limit, in files beyond it. In a page, which has
 * no files, all are in memory.
 */
import type { Floats } from '../../engine/machine.ts'
import { UserError } from '../../util/errors.ts'
import { nodeModule } from '../../util/node-module.ts'

const disk = nodeModule<typeof import('node:fs')>('node:fs')
const temporary = nodeModule<typeof import('node:os')>('node:os')?.tmpdir

/** Of arrays of one kind, or of either. */
export class Shelf<Kind extends Floats = Floats> {
  readonly #limit: number
  readonly #arrays = new Map<string, Kind>()
  /** What lies in files: how to read them, and their numbers. */
  readonly #files = new Map<string, { double: boolean; path: string }>()
  #folder?: string
  #written = 0
  #bytes = 0

  /** `limit`: bytes that are kept in memory. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Bytes in memory. */
  get bytes(): number {
    return this.#bytes
  }

  /** Takes over an array, in the place of what had its name. Throws UserError where a disk is full. */
  put(name: string, values: Kind): void {
    this.delete(name)
    if (!disk || this.#bytes + values.byteLength <= this.#limit) {
      this.#arrays.set(name, values)
      this.#bytes += values.byteLength
      return
    }
    const path = this.#write(values)
    this.#files.set(name, { double: values instanceof Float64Array, path })
  }

  /** Writes a file of its own, and returns its path. */
  #write({ buffer, byteOffset, byteLength }: Kind): string {
    try {
      this.#folder ??= disk!.mkdtempSync(`${temporary!()}/espalier-activations-`)
      const path = `${this.#folder}/${this.#written++}`
      disk!.writeFileSync(path, new Uint8Array(buffer, byteOffset, byteLength))
      return path
    } catch (error) {
      throw new UserError(
        `${this.#folder ?? temporary!()} cannot be written to (${(error as Error).message}): expected room for what does not fit into memory; fewer samples need less, and TMPDIR names another folder`,
      )
    }
  }

  /** Throws where there is none of that name. */
  get(name: string): Kind {
    const found = this.#arrays.get(name)
    if (found) return found
    const file = this.#files.get(name)
    if (!file) throw new Error(`nothing is kept under the name ${name}`)
    const { buffer, byteOffset, byteLength } = disk!.readFileSync(file.path)
    const bytes = buffer.slice(byteOffset, byteOffset + byteLength)
    return (file.double ? new Float64Array(bytes) : new Float32Array(bytes)) as Kind
  }

  delete(name: string): void {
    this.#bytes -= this.#arrays.get(name)?.byteLength ?? 0
    this.#arrays.delete(name)
    const file = this.#files.get(name)
    if (file) disk!.rmSync(file.path, { force: true })
    this.#files.delete(name)
  }

  /** Lets go of everything, files and their folder too. */
  clear(): void {
    this.#arrays.clear()
    this.#files.clear()
    this.#bytes = 0
    if (this.#folder !== undefined) disk!.rmSync(this.#folder, { recursive: true, force: true })
    this.#folder = undefined
  }
}
