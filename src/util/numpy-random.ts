/**
 * @file NumPy's legacy random permutations, for results that were published with them:
 * `numpy.random.seed(seed)` followed by `numpy.random.permutation(n)`. Everything else draws from
 * ./random.ts.
 */

/**
 * A random order of 0 .. n-1, equal to NumPy's for the same seed: Fisher-Yates from the end, each index drawn
 * by masking 32 bits of MT19937 and rejecting what is too large. Throws where the seed is not a whole number
 * from 0 to 2^32 - 1.
 */
export function numpyPermutation(seed: number, n: number): Uint32Array {
  const next = mersenneTwister(seed)
  const order = Uint32Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const mask = 0xffffffff >>> Math.clz32(i)
    let j = (next() & mask) >>> 0
    while (j > i) j = (next() & mask) >>> 0
    const kept = order[i]
    order[i] = order[j]
    order[j] = kept
  }
  return order
}

const length = 624
const middle = 397

/** MT19937 (Matsumoto & Nishimura 1998), seeded by their `init_genrand`: each call gives 32 bits. */
function mersenneTwister(seed: number): () => number {
  if (seed !== seed >>> 0) throw new Error(`expected a seed from 0 to 4294967295, found ${seed}`)
  const state = new Uint32Array(length)
  state[0] = seed
  for (let i = 1; i < length; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i
  let at = length
  return () => {
    if (at === length) {
      twist(state)
      at = 0
    }
    let x = state[at++]
    x ^= x >>> 11
    x ^= (x << 7) & 0x9d2c5680
    x ^= (x << 15) & 0xefc60000
    return (x ^ (x >>> 18)) >>> 0
  }
}

/** Replaces the state by the next 624 words of the recurrence. */
function twist(state: Uint32Array): void {
  for (let i = 0; i < length; i++) {
    const x = (state[i] & 0x80000000) | (state[(i + 1) % length] & 0x7fffffff)
    state[i] = state[(i + middle) % length] ^ (x >>> 1) ^ (x & 1 ? 0x9908b0df : 0)
  }
}
