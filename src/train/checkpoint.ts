/**
 * @file Writes and reads checkpoints: one safetensors file holds everything that a network needs to go on.
 * Random streams are derived from seed and step (src/util/random.ts), so those two are the state of the
 * generator.
 */
import { type StoredTensor, storeFloats, type TensorFile, toFloats } from '../formats/safetensors.ts'
import type { Tensor } from '../graph/tensor.ts'
import { activeName, FROZEN } from '../optim/gsm.ts'
import { momentumName } from '../optim/sgd.ts'
import { UserError } from '../util/errors.ts'
import { suggestion } from '../util/suggest.ts'
import { maskName, smoothedName } from './graphs.ts'
import type { Network } from './network.ts'
import { preprocessingOf } from './preprocessing.ts'
import { loadTies, storedTies, tieValues } from './tied.ts'

const maskKey = (parameter: string) => `${parameter}.mask`

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

/**
 * A checkpoint of the network: parameters, masks (as bytes) and momentum, and where the network has them,
 * smoothed gradients, which weights were active and whether that is frozen, and which weights are copies of
 * which.
 */
export function checkpointOf(network: Network, metadata: Record<string, string>): TensorFile {
  const file = weightsOf(network, metadata)
  for (const { name, shape } of network.prunable)
    file.tensors.set(maskKey(name), {
      dtype: 'U8',
      shape,
      data: Uint8Array.from(network.weights.whole(name, maskName(name))),
    })
  for (const { name, shape } of network.parameters)
    file.tensors.set(momentumName(name), storeFloats(network.weights.whole(name, momentumName(name)), shape))
  for (const { name, shape } of smoothed(network))
    file.tensors.set(smoothedName(name), storeFloats(network.smoothedGradient(name), shape))
  for (const { name, shape } of activated(network))
    file.tensors.set(activeName(name), { dtype: 'U8', shape, data: Uint8Array.from(network.activity(name)) })
  if (network.executable.has(FROZEN)) file.tensors.set(FROZEN, storeFloats(network.executable.view(FROZEN), [1]))
  for (const [name, order] of storedTies(network)) file.tensors.set(name, order)
  return file
}

/**
 * Loads parameters and buffers by name; everything else in the file is left alone. Nothing is changed unless
 * all fit. Tied weights take the value of their first copy. Throws UserError where a parameter is missing or
 * has another shape. `source` is what messages call the file.
 */
export function loadWeights(network: Network, file: TensorFile, source: string): void {
  const loaded = network.stored.map((tensor) => valuesOf(file, tensor.name, tensor, source))
  network.densify()
  network.stored.forEach(({ name }, i) => {
    network.values(name).set(loaded[i])
  })
  tieValues(network)
}

/** Loads what {@link checkpointOf} saved. Throws UserError where something is missing or does not fit. */
export function loadCheckpoint(network: Network, file: TensorFile, source: string): void {
  const masks = network.prunable.map((tensor) => maskOf(file, tensor, source))
  const momentum = network.parameters.map((tensor) => valuesOf(file, momentumName(tensor.name), tensor, source))
  const gradients = smoothed(network).map((tensor) => valuesOf(file, smoothedName(tensor.name), tensor, source))
  const activities = activated(network).map((tensor) => valuesOf(file, activeName(tensor.name), tensor, source))
  const frozen = network.executable.has(FROZEN) && valuesOf(file, FROZEN, { shape: [1] }, source)[0] === 1
  loadTies(network, file, source)
  loadWeights(network, file, source)
  network.prunable.forEach(({ name }, i) => {
    network.mask(name).set(masks[i])
  })
  network.parameters.forEach(({ name }, i) => {
    network.momentum(name).set(momentum[i])
  })
  smoothed(network).forEach(({ name }, i) => {
    network.smoothedGradient(name).set(gradients[i])
  })
  activated(network).forEach(({ name }, i) => {
    network.activity(name).set(activities[i])
  })
  if (frozen) network.freezeActive()
  network.fitKernels()
}

/**
 * Prunes the weights that are pruned in a file: those that its masks prune where it is a checkpoint, else
 * those that are zero in it. Weights that stay keep their values. Throws UserError where a prunable tensor is
 * missing or has another shape. `source` is what messages call the file.
 */
export function loadMasks(network: Network, file: TensorFile, source: string): void {
  const masks = network.prunable.map((tensor) => {
    if (file.tensors.has(maskKey(tensor.name))) return maskOf(file, tensor, source)
    return valuesOf(file, tensor.name, tensor, source).map((weight) => (weight === 0 ? 0 : 1))
  })
  network.densify()
  network.prunable.forEach(({ name }, i) => {
    network.mask(name).set(masks[i])
  })
  network.applyMasks()
  network.fitKernels()
}

/** The prunable tensors whose dense gradients are smoothed. */
const smoothed = ({ prunable, executable }: Network): readonly Tensor[] =>
  prunable.filter(({ name }) => executable.has(smoothedName(name)))

/** The prunable tensors of which some weights are active at a step, and others passive. */
const activated = ({ prunable, executable }: Network): readonly Tensor[] =>
  prunable.filter(({ name }) => executable.has(activeName(name)))

function maskOf(file: TensorFile, tensor: Tensor, source: string): Float32Array {
  const mask = valuesOf(file, maskKey(tensor.name), tensor, source)
  const wrong = mask.find((bit) => bit !== 0 && bit !== 1)
  if (wrong !== undefined)
    throw new UserError(`${source}: the mask ${maskKey(tensor.name)} holds ${wrong}, expected 0 or 1`)
  return mask
}

function valuesOf(file: TensorFile, key: string, like: Pick<Tensor, 'shape'>, source: string): Float32Array {
  const stored = file.tensors.get(key)
  if (!stored) throw new UserError(`${source} has no tensor ${key}${suggestion(key, [...file.tensors.keys()])}`)
  if (String(stored.shape) !== String(like.shape))
    throw new UserError(`${source}: tensor ${key} has shape [${stored.shape}], the network expects [${like.shape}]`)
  return toFloats(stored)
}
