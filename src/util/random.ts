/**
 * @file Seeded random numbers. Every draw of a run comes from a stream that is named by what it is for
 * (`random(seed, 'shuffle', epoch)`), so nothing depends on the order in which things happen, and resuming a
 * run needs no generator state besides the seed and the step.
 */

/** xoshiro128** 1.1 (Blackman & Vigna 2018), seeded by hashing its name. */
export class Random {
  /** Signed, since unsigned words are doubles to the engine. */
  readonly #state: Int32Array

  constructor(state: Int32Array) {
    this.#state = state
  }

  /** 32 random bits. */
  bits(): number {
    const state = this.#state
    const [a, b] = [state[0], state[1]]
    const c = state[2] ^ a
    const d = state[3] ^ b
    state[0] = a ^ d
    state[1] = b ^ c
    state[2] = c ^ (b << 9)
    state[3] = rotate(d, 11)
    return Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    return ((this.bits() >>> 5) * 67108864 + (this.bits() >>> 6)) / 9007199254740992
  }

  /** Uniform whole number in [0, n), without bias (rejection). */
  below(n: number): number {
    const limit = Math.floor(4294967296 / n) * n
    let x = this.bits()
    while (x >= limit) x = this.bits()
    return x % n
  }

  /** Standard normal (Marsaglia's polar method). */
  normal(): number {
    for (;;) {
      const u = 2 * this.uniform() - 1
      const v = 2 * this.uniform() - 1
      const s = u * u + v * v
      if (s > 0 && s < 1) return u * Math.sqrt((-2 * Math.log(s)) / s)
    }
  }

  /** A random order of 0 .. n-1 (Fisher-Yates). */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i)
    for (let i = n - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const kept = order[i]
      order[i] = order[j]
      order[j] = kept
    }
    return order
  }
}

/** The stream of a name: equal names give equal streams, different names unrelated ones. */
export function random(seed: number, ...name: readonly (string | number)[]): Random {
  // FNV-1a over the name, then splitmix32 to spread it over 128 bits of state.
  let hash = 0x811c9dc5
  for (const char of [seed, ...name].join('\u0000')) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193)
  const state = new Int32Array(4)
  for (let i = 0; i < 4; i++) {
    hash = (hash + 0x9e3779b9) | 0
    let x = hash
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
    state[i] = x ^ (x >>> 15)
  }
  return new Random(state)
}

const rotate = (x: number, k: number) => (x << k) | (x >>> (32 - k))
