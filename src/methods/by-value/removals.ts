/**
 * @file Which weights go, by their magnitudes alone: exactly as many as asked for, with no more memory than
 * one copy of all magnitudes.
 */
import { sizeOf } from '../../graph/tensor.ts'
import { type Scores, topOf } from '../../select/top.ts'
import type { LayerCount } from '../../sparsity/mask.ts'
import { type ScopeName, scopes } from '../../sparsity/scope.ts'
import { random } from '../../util/random.ts'

/** Methods that know a weight by its value and place alone, with a line about each. */
export const storedMethods = {
  magnitude: 'the smallest |w|',
  random: 'any, each as likely as any other: the control',
} as const
export type StoredMethod = keyof typeof storedMethods

/** Whether a method is one of them. */
export const isStored = (name: string): name is StoredMethod => Object.hasOwn(storedMethods, name)

export interface Removing {
  method: StoredMethod
  /** Share of zeros among the weights of the tensors. */
  sparsity: number
  /** Which weights compete. */
  scope: ScopeName
  /** Of random draws. */
  seed: number
}

/** A tensor to be pruned. */
export interface Prunable {
  name: string
  shape: readonly number[]
  /** |w| of each weight, made anew at every call, finite; 0 where it is zero already. */
  magnitudes(): Scores
}

/** What becomes of a tensor. */
export interface Removal {
  /** Its place in the list. */
  index: number
  magnitudes: Scores
  /** 1 where a weight goes. */
  removed: Uint8Array
  /** What is left: neither removed nor zero before. */
  count: LayerCount
}

/**
 * Removes the lowest of each group of the scope until it has as many zeros as asked for, those that it has
 * already counted; ties by tensor and index. Tensors come in the order of the groups.
 */
export function* removals(
  weights: readonly Prunable[],
  { method, sparsity, scope, seed }: Removing,
): Generator<Removal> {
  const scoresOf = ({ name }: Prunable, magnitudes: Scores): Scores => {
    if (method === 'magnitude') return magnitudes
    const draw = random(seed, 'prune', name)
    // What is zero goes first: zeros that are there count.
    return Float64Array.from(magnitudes, (value) => (value === 0 ? -1 : draw.uniform()))
  }
  const layers = weights.map((weight, index) => ({ ...weight, index, ...known(weight.magnitudes()) }))
  for (const { layers: group, keep } of scopes[scope].groups(layers, sparsity)) {
    const members = group.map(({ name }) => layers.find((layer) => layer.name === name)!)
    const size = members.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
    const double = method === 'random' || members.some((member) => member.double)
    const all = double ? new Float64Array(size) : new Float32Array(size)
    let at = 0
    for (const member of members) {
      all.set(scoresOf(member, member.magnitudes()), at)
      at += sizeOf(member.shape)
    }
    const isKept = topOf(all, keep)
    for (const { name, index, magnitudes: read } of members) {
      const magnitudes = read()
      const scores = scoresOf(weights[index], magnitudes)
      const removed = new Uint8Array(scores.length)
      let kept = 0
      for (let i = 0; i < scores.length; i++) {
        removed[i] = isKept(scores[i]) ? 0 : 1
        if (removed[i] === 0 && magnitudes[i] !== 0) kept++
      }
      yield { index, magnitudes, removed, count: { name, size: removed.length, kept } }
    }
  }
}

function known(magnitudes: Scores): { left: number; double: boolean } {
  let left = 0
  for (let i = 0; i < magnitudes.length; i++) if (magnitudes[i] !== 0) left++
  return { left, double: magnitudes instanceof Float64Array }
}
