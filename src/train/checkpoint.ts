/**
 * @file Writes and reads checkpoints: one safetensors file holds everything that a network needs to go on.
 * Random streams are derived from seed and step (src/util/random.ts), so those two are the state of the
 * generator.
 */
import type { Floats } from '../engine/machine.ts'
import { type StoredTensor, storeFloats, type TensorFile, toFloats } from '../formats/safetensors-bytes.ts'
import type { Tensor } from '../graph/tensor.ts'
import { UserError } from '../util/errors.ts'
import { suggestion } from '../util/suggest.ts'
import { maskName } from './graphs.ts'
import type { Network } from './network.ts'
import { preprocessingOf } from './preprocessing.ts'

/** The parameters and buffers of a network as a file, whose metadata say which network it is. */
export function weightsOf(network: Network, metadata: Record<string, string> = {}): TensorFile {
  const tensors = new Map<string, StoredTensor>()
  for (const { name, shape } of network.stored) tensors.set(name, storeFloats(network.weights.whole(name), shape))
  return { tensors, metadata: { ...identity(network), ...preprocessingOf(network.data), ...metadata } }
}

/** The metadata that say which network a file holds. */
const identity = ({ model: { name, classes, widen } }: Network): Record<string, string> => ({
  model: name,
  classes: String(classes),
  ...(widen !== undefined && { widen: String(widen) }),
})

/** Parameters, buffers and masks, for {@link loadWeights} and {@link loadMasks}. */
export function maskedWeightsOf(network: Network, metadata: Record<string, string>): TensorFile {
  const file = weightsOf(network, metadata)
  const masks = new Set(network.prunable.map(({ name }) => maskName(name)))
  for (const state of network.states)
    if (masks.has(state.name)) file.tensors.set(state.name, storedState(network, state))
  return file
}

/** Parameters and buffers, and every state that training goes on with: masks, momentum, those of rules. */
export function checkpointOf(network: Network, metadata: Record<string, string>): TensorFile {
  const file = weightsOf(network, metadata)
  for (const state of network.states) file.tensors.set(state.name, storedState(network, state))
  return file
}

/**
 * Loads parameters and buffers by name; everything else in the file is left alone. Nothing is changed unless
 * all fit. Tied weights take the value of their first copy. Throws UserError where a parameter is missing or
 * has another shape. `source` is what messages call the file.
 */
export function loadWeights(network: Network, file: TensorFile, source: string): void {
  writeWeights(network, storedIn(network, file, source))
}

const storedIn = (network: Network, file: TensorFile, source: string): Float32Array[] =>
  network.stored.map((tensor) => storedValues(file, tensor, source))

function writeWeights(network: Network, values: readonly Float32Array[]): void {
  network.densify()
  network.stored.forEach(({ name }, i) => {
    network.values(name).set(values[i])
  })
  for (const rule of network.rules) rule.loaded?.(network)
}

/**
 * Loads what {@link checkpointOf} saved. Throws UserError, and changes nothing, where something is missing or
 * does not fit.
 */
export function loadCheckpoint(network: Network, file: TensorFile, source: string): void {
  const found = network.states.map((state) => ({ state, values: readState(state, file, source) }))
  const weights = storedIn(network, file, source)
  const write = (some: typeof found) => {
    for (const { state, values } of some) viewOf(network, state).set(values)
  }
  // Rules look at their states when weights are given values; what lies beside a weight is held as it is.
  write(found.filter(({ state }) => state.beside === undefined))
  writeWeights(network, weights)
  write(found.filter(({ state }) => state.beside !== undefined))
  network.fitKernels()
}

/**
 * Masks of some tensors in a file, one for each: those of a checkpoint, else 0 where a weight is zero. Throws
 * UserError where a tensor is missing or has another shape. `source` is what messages call the file.
 */
export const masksIn = (file: TensorFile, tensors: readonly Tensor[], source: string): Float32Array[] =>
  tensors.map((tensor) => {
    const name = maskName(tensor.name)
    if (file.tensors.has(name)) return bitsOf(file, { name, shape: tensor.shape }, source)
    return valuesOf(file, tensor.name, tensor, source).map((weight) => (weight === 0 ? 0 : 1))
  })

/**
 * Prunes the weights that are pruned in a file, as {@link masksIn} says. Weights that stay keep their values.
 * Throws UserError where a prunable tensor is missing or has another shape. `source` is what messages call
 * the file.
 */
export function loadMasks(network: Network, file: TensorFile, source: string): void {
  const masks = masksIn(file, network.prunable, source)
  network.densify()
  network.prunable.forEach(({ name }, i) => {
    network.mask(name).set(masks[i])
  })
  network.applyMasks()
  network.fitKernels()
}

/** The live view of a state, as the network holds it now. */
const viewOf = (network: Network, { name, saved, beside }: Tensor): Floats | Int32Array => {
  if (saved === 'permutation') return network.executable.integers(name)
  return beside === undefined ? network.state(name) : network.weights.view(beside, name)
}

function storedState(network: Network, state: Tensor): StoredTensor {
  const { name, shape, saved, beside } = state
  if (saved === 'permutation') {
    const order = network.executable.integers(name).slice()
    return { dtype: 'I32', shape: [order.length], data: new Uint8Array(order.buffer) }
  }
  const values = beside === undefined ? network.state(name) : network.weights.whole(beside, name)
  return saved === 'bits' ? { dtype: 'U8', shape, data: Uint8Array.from(values) } : storeFloats(values, shape)
}

function readState(state: Tensor, file: TensorFile, source: string): Float32Array | Int32Array {
  const { name, shape, saved } = state
  if (saved === 'permutation') return permutationOf(file, name, shape[0] / 4, source)
  return saved === 'bits' ? bitsOf(file, state, source) : valuesOf(file, name, state, source)
}

function permutationOf(file: TensorFile, key: string, size: number, source: string): Int32Array {
  const stored = file.tensors.get(key)
  const order = stored?.dtype === 'I32' ? new Int32Array(Uint8Array.from(stored.data).buffer) : new Int32Array(0)
  const seen = new Set(order.filter((place) => place >= 0 && place < size))
  if (order.length === size && seen.size === size) return order
  throw new UserError(`${source}: ${key}: expected a permutation of ${size} integers, found none`)
}

function bitsOf(file: TensorFile, state: Pick<Tensor, 'name' | 'shape'>, source: string): Float32Array {
  const bits = valuesOf(file, state.name, state, source)
  const wrong = bits.find((bit) => bit !== 0 && bit !== 1)
  if (wrong !== undefined) throw new UserError(`${source}: ${state.name} holds ${wrong}, expected 0 or 1`)
  return bits
}

/** The values of one parameter or buffer. Throws UserError where it is missing or has another shape. */
export const storedValues = (file: TensorFile, tensor: Tensor, source: string): Float32Array =>
  valuesOf(file, tensor.name, tensor, source)

function valuesOf(file: TensorFile, key: string, like: Pick<Tensor, 'shape'>, source: string): Float32Array {
  const stored = file.tensors.get(key)
  if (!stored) throw new UserError(`${source} has no tensor ${key}${suggestion(key, [...file.tensors.keys()])}`)
  if (String(stored.shape) !== String(like.shape))
    throw new UserError(`${source}: tensor ${key} has shape [${stored.shape}], the network expects [${like.shape}]`)
  return toFloats(stored)
}
