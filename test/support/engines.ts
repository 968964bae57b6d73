/**
 * @file The engines of this machine: native with each instruction set of the processor on several numbers of
 * threads, and wasm. ESPALIER_ADDON chooses another build of the addon, which must then be there and is tested alone.
 */
import { describe } from 'vitest'
import type { Machine } from '../../src/engine/machine.ts'
import { instructionSets, isBuilt, openNative } from '../../src/engine/machines/native.ts'
import { openWasm } from '../../src/engine/machines/wasm.ts'
import { breadth } from './breadth.ts'
import { needed } from './needed.ts'
import { isRecording } from './record-case.ts'

if (process.env.ESPALIER_ADDON && !isBuilt()) throw new Error(`no addon at ${process.env.ESPALIER_ADDON}`)
const hasNative = needed('the native engine', isBuilt(), 'node scripts/build-native.mjs, with a C compiler')

/** Instruction sets of the native engine; none where it is not built. */
export const sets: readonly string[] = hasNative ? instructionSets() : []

export const wasm: Machine = await openWasm()

/** The fastest engine here, on one thread: two test files run side by side. */
export const best: Machine = sets.length ? openNative(1) : wasm

/** Unequal shares for every change. */
const THREADS = breadth([1, 3], [1, 2, 3, 4])
/** Machines with this instruction set, on different numbers of threads. */
const machinesOf = (set: string): Machine[] => THREADS.map((threads) => openNative(threads, set))
/** Another build of the addon says nothing new about wasm. */
const withWasm = !process.env.ESPALIER_ADDON

/** One suite per engine; the native one is skipped where it is not built. */
export function onEveryEngine(suite: (machines: readonly Machine[]) => void): void {
  for (const set of sets) describe(`native ${set}`, () => suite(machinesOf(set)))
  if (sets.length === 0) describe.skip('native (not built on this machine)', () => suite([]))
  if (withWasm) describe('wasm', () => suite([wasm]))
}

/** One suite for all engines, whose cases are laid out once. Where cases are recorded, wasm alone has it. */
export function onAllEngines(suite: (machines: readonly Machine[]) => void): void {
  const native = isRecording ? [] : sets.flatMap(machinesOf)
  if (sets.length === 0) describe.skip('native (not built on this machine)', () => suite([]))
  suite(withWasm ? [...native, wasm] : native)
}
