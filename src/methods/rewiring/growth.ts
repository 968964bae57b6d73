/**
 * @file Where weights grow: free places drawn at random, in time that depends on the weights and not on the
 * places.
 */
import type { Random } from '../../util/random.ts'
import type { SparseLayer } from './rewiring.ts'

/**
 * {@link growAtRandom} in a layer, but at places whose input varies as long as there are enough of them.
 */
export function growInLayer(
  random: Random,
  { size, idle }: Pick<SparseLayer, 'size' | 'idle'>,
  taken: Int32Array,
  count: number,
): Int32Array {
  const closed = idle ? union(taken, idle) : taken
  return growAtRandom(random, size, size - closed.length < count ? taken : closed, count)
}

/** Of ascending numbers, ascending. */
function union(a: Int32Array, b: Int32Array): Int32Array {
  const all = new Int32Array(a.length + b.length)
  let count = 0
  for (let i = 0, j = 0; i < a.length || j < b.length; count++) {
    const next = j >= b.length || a[i] <= b[j] ? a[i] : b[j]
    if (a[i] === next) i++
    if (b[j] === next) j++
    all[count] = next
  }
  return all.subarray(0, count)
}

/**
 * `count` places of 0 .. size - 1 that are not in `taken` (ascending), each choice as likely as any other;
 * ascending. Ranks among the free places are drawn, then each rank is moved past the taken places before it:
 * O(taken + count log count). Throws where too few are free.
 */
export function growAtRandom(random: Random, size: number, taken: Int32Array, count: number): Int32Array {
  const free = size - taken.length
  if (count > free) throw new Error(`cannot grow ${count} weights in ${free} free places`)
  const grown = distinct(random, free, count)
  for (let i = 0, before = 0; i < count; i++) {
    while (before < taken.length && taken[before] <= grown[i] + before) before++
    grown[i] += before
  }
  return grown
}

/** `count` different whole numbers below n, ascending: Floyd's method. */
function distinct(random: Random, n: number, count: number): Int32Array {
  const chosen = new Set<number>()
  for (let top = n - count; top < n; top++) {
    const x = random.below(top + 1)
    chosen.add(chosen.has(x) ? top : x)
  }
  return Int32Array.from(chosen).sort()
}
