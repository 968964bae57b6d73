/**
 * @file Keeps tied weights of a network (src/sparsity/tied.ts) tied: which weights are copies of which is a
 * state of the training step and is stored in checkpoints.
 */
import type { Executable } from '../engine/compile.ts'
import type { StoredTensor, TensorFile } from '../formats/safetensors.ts'
import type { Tensor } from '../graph/tensor.ts'
import { bankOf, drawOrder, makeEqual, type Tying } from '../sparsity/tied.ts'
import { UserError } from '../util/errors.ts'
import { orderName } from './graphs.ts'

/** What these functions need of a network; they do nothing where it ties no weights. */
interface Tied {
  prunable: readonly Tensor[]
  executable: Executable
  tying?: Tying
}

/** Draws which weights are copies of which. */
export function drawTies({ prunable, executable, tying }: Tied, seed: number): void {
  if (!tying) return
  for (const { name, shape } of prunable)
    executable.integers(orderName(name)).set(drawOrder(seed, name, bankOf(shape, tying)))
}

/** Makes copies equal, which is needed after weights have been given values. */
export function tieValues({ prunable, executable, tying }: Tied): void {
  if (!tying) return
  for (const { name, shape } of prunable)
    makeEqual(executable.view(name), executable.integers(orderName(name)), bankOf(shape, tying))
}

/** The orders of all tied weights as tensors of a checkpoint. */
export function storedTies({ prunable, executable, tying }: Tied): Map<string, StoredTensor> {
  const orders = (tying ? prunable : []).map(({ name }) => {
    const order = executable.integers(orderName(name)).slice()
    return [orderName(name), { dtype: 'I32', shape: [order.length], data: new Uint8Array(order.buffer) }] as const
  })
  return new Map(orders)
}

/**
 * Loads what {@link storedTies} gave. Throws UserError, and changes nothing, where the file does not have it.
 */
export function loadTies({ prunable, executable, tying }: Tied, file: TensorFile, source: string): void {
  if (!tying) return
  const orders = prunable.map(({ name, shape }) => {
    const { units } = bankOf(shape, tying)
    const stored = file.tensors.get(orderName(name))
    const order = stored?.dtype === 'I32' ? new Int32Array(Uint8Array.from(stored.data).buffer) : new Int32Array(0)
    const seen = new Set(order.filter((unit) => unit >= 0 && unit < units))
    if (order.length !== units || seen.size !== units)
      throw new UserError(`${source}: ${orderName(name)}: expected a permutation of ${units} integers, found none`)
    return order
  })
  prunable.forEach(({ name }, i) => {
    executable.integers(orderName(name)).set(orders[i])
  })
}
