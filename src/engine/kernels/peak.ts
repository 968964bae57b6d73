/** @file The arithmetic peak of the machine, for benchmarks (kernels/peak.c). */
import type { Kernel } from '../kernel.ts'

/** Threads that the result has room for. */
export const PEAK_THREADS = 256

/**
 * Runs `rounds` rounds of register multiply-adds on every thread; y[0] = floating-point operations per round
 * and thread.
 */
export const peak: Kernel<'rounds' | 'y'> = {
  name: 'peak',
  parameters: ['rounds', 'y'],
  extents: (p) => [{ offset: p.y, length: PEAK_THREADS + 1 }],
  reference: (p, { floats }) => {
    floats[p.y] = 0
  },
}
