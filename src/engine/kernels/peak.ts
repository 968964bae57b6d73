/** @file The arithmetic peak of the machine, for benchmarks (kernels/peak.c). */
import type { Kernel } from '../kernel.ts'
import { limits } from './limits.ts'

/**
 * Runs `rounds` rounds of register multiply-adds on every thread; y[0] = floating-point operations per round
 * and thread. y has room for the most threads that a pool can have, and one float more.
 */
export const peak: Kernel<'rounds' | 'y'> = {
  name: 'peak',
  parameters: ['rounds', 'y'],
  extents: (p) => [{ offset: p.y, length: limits.MOST_THREADS + 1 }],
  reference: (p, { floats }) => {
    floats[p.y] = 0
  },
}
