/**
 * @file The engines of this machine: native with each instruction set of the processor on 1, 2 and 4 threads,
 * and wasm. ESPALIER_ADDON chooses another build of the addon, which must then be there.
 */
import { describe } from 'vitest'
import type { Machine } from '../../src/engine/machine.ts'
import { instructionSets, isBuilt, openNative } from '../../src/engine/machines/native.ts'
import { openWasm } from '../../src/engine/machines/wasm.ts'
import { needed } from './needed.ts'

if (process.env.ESPALIER_ADDON && !isBuilt()) throw new Error(`no addon at ${process.env.ESPALIER_ADDON}`)
const hasNative = needed('the native engine', isBuilt(), 'node scripts/build-native.mjs, with a C compiler')

/** Instruction sets of the native engine; none where it is not built. */
export const sets: readonly string[] = hasNative ? instructionSets() : []

export const wasm: Machine = await openWasm()

/** The fastest engine here, on one thread: two test files run side by side. */
export const best: Machine = sets.length ? openNative(1) : wasm

/** One suite per engine; the native one is skipped where it is not built. */
export function onEveryEngine(suite: (machines: readonly Machine[]) => void): void {
  for (const set of sets) {
    const machines = [1, 2, 4].map((threads) => openNative(threads, set))
    describe(`native ${set}`, () => suite(machines))
  }
  if (sets.length === 0) describe.skip('native (not built on this machine)', () => suite([]))
  describe('wasm', () => suite([wasm]))
}
