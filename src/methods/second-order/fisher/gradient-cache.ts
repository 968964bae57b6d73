/**
 * @file Gradients, and what follows from them, kept on disk. A file's name is the SHA-256 of everything that
 * its values depend on, so that it is never used for others; it holds them and, at its end, the SHA-256 of
 * its name and them, so that no damaged file is used either.
 */
import { createHash, type Hash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { directionsName, targetsName } from '../../../train/distance.ts'
import type { Network } from '../../../train/network.ts'
import { preprocessingOf } from '../../../train/preprocessing.ts'
import { fileProblem } from '../../../util/errors.ts'
import { makeFolder, writeAtomically } from '../../../util/files.ts'

/** Part of every key: to be changed whenever gradients are computed or laid out differently. */
const VERSION = 'espalier gradients 1'

type Floats = Float32Array | Float64Array

const GRADIENTS = 'gradients'

/** Bytes of a SHA-256. */
const DIGEST = 32

/** Bytes that are read and hashed at once. */
const CHUNK = 2 ** 26

export interface GradientRequest {
  /** Names of the tensors, in order. */
  tensors: readonly string[]
  /** Training samples, in order. */
  indices: Uint32Array
  /** How many of them one gradient belongs to. */
  miniBatch: number
}

/**
 * The SHA-256, in hexadecimal, of all that gradients depend on: the network with its weights and statistics,
 * the training samples (bytes, labels, preprocessing), which of them in what batches, the tensors, and the
 * engine, whose last bits may differ from another's.
 */
export function gradientKey(network: Network, { tensors, indices, miniBatch }: GradientRequest): string {
  const { model, data, stored, machine } = network
  const { name, image, classes, train, test } = data
  const facts = {
    version: VERSION,
    engine: machine.description.split(',')[0],
    model: { name: model.name, classes: model.classes, widen: model.widen },
    data: { name, image, classes, train: train.count, test: test.count, ...preprocessingOf(data) },
    stored: stored.map((tensor) => [tensor.name, tensor.shape]),
    tensors,
    miniBatch,
    samples: indices.length,
  }
  const hash = createHash('sha256').update(JSON.stringify(facts))
  const judging = network.judgedByDistance ? [targetsName('train'), directionsName('train')] : []
  const arrays = [
    ...stored.map((tensor) => network.values(tensor.name)),
    train.images,
    train.labels ?? new Uint8Array(),
    indices,
    ...judging.map((state) => network.state(state)),
  ]
  for (const array of arrays) update(hash, bytesOf(array))
  return hash.digest('hex')
}

export class GradientCache {
  readonly #folder: string
  readonly #notice: (sentence: string) => void

  /**
   * Makes the folder where there is none; UserError where that fails. `notice` is told of files that were
   * used, or could not be read or written.
   */
  constructor(folder: string, notice: (sentence: string) => void = () => {}) {
    this.#folder = folder
    this.#notice = notice
    makeFolder(folder)
  }

  /** The key of gradients of a network: {@link gradientKey}. */
  keyOf = gradientKey

  /**
   * Fills `arrays` from the file of that key. False where there is none, or none that is whole: they may then
   * hold anything. `what` is for people.
   */
  restore(key: string, arrays: readonly Floats[], what = GRADIENTS): boolean {
    const path = this.#path(key)
    let file: number
    try {
      file = openSync(path, 'r')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#notice(`cannot read ${path}, ${what} are computed again: ${fileProblem(error)}`)
      return false
    }
    try {
      const problem = readWhole(file, key, arrays)
      this.#notice(problem ? `${path} ${problem}: ${what} are computed again` : `${what} are taken from ${path}`)
      return problem === undefined
    } catch (error) {
      this.#notice(`cannot read ${path}, ${what} are computed again: ${fileProblem(error)}`)
      return false
    } finally {
      closeSync(file)
    }
  }

  /** Writes the file of that key, whole or not at all. */
  save(key: string, arrays: readonly Floats[], what = GRADIENTS): void {
    try {
      writeAtomically(this.#path(key), partsOf(key, arrays))
    } catch (error) {
      this.#notice(`${what} are not kept: ${(error as Error).message}`)
    }
  }

  /**
   * What follows from the gradients of that key and the `settings`, of the given sizes: from its file, or
   * else computed and kept.
   */
  derived(
    key: string,
    settings: unknown,
    what: string,
    sizes: readonly number[],
    compute: () => Float64Array[],
  ): Float64Array[] {
    const own = createHash('sha256')
      .update(JSON.stringify([key, what, settings, sizes]))
      .digest('hex')
    const arrays = sizes.map((size) => new Float64Array(size))
    if (this.restore(own, arrays, what)) return arrays
    const computed = compute()
    this.save(own, computed, what)
    return computed
  }

  #path(key: string): string {
    return join(this.#folder, `${key}.fisher`)
  }
}

function* partsOf(key: string, floats: readonly Floats[]): Generator<Uint8Array> {
  const hash = createHash('sha256').update(key)
  for (const array of floats) {
    const bytes = bytesOf(array)
    update(hash, bytes)
    yield bytes
  }
  yield hash.digest()
}

/** Undefined, or what is wrong with the file. */
function readWhole(file: number, key: string, floats: readonly Floats[]): string | undefined {
  const expected = floats.reduce((sum, { byteLength }) => sum + byteLength, DIGEST)
  const { size } = fstatSync(file)
  if (size !== expected) return `has ${size} bytes, expected ${expected}`
  const hash = createHash('sha256').update(key)
  for (const array of floats) {
    const bytes = bytesOf(array)
    for (let at = 0; at < bytes.length; at += CHUNK) {
      const chunk = bytes.subarray(at, at + CHUNK)
      fill(file, chunk)
      hash.update(chunk)
    }
  }
  const digest = new Uint8Array(DIGEST)
  fill(file, digest)
  return hash.digest().equals(digest) ? undefined : 'does not match its checksum'
}

function fill(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    const count = readSync(file, bytes, at, bytes.length - at, null)
    if (count === 0) throw new Error('it ends early')
    at += count
  }
}

function update(hash: Hash, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += CHUNK) hash.update(bytes.subarray(at, at + CHUNK))
}

/** The memory of an array; floats and integers are little-endian on every machine that this runs on. */
const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)
