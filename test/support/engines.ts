/**
 * @file The engines of this machine: native with each instruction set of the processor on several numbers of
 * threads, and wasm. ESPALIER_ADDON chooses another build of the addon, which must then be there and is
 * tested alone; ESPALIER_WASM names another module, such as kernels/espalier-relaxed.wasm. With
 * ESPALIER_WEBGPU set (scripts/test-webgpu.mjs), kernels are tested on the WebGPU engine alone.
 */
import { describe } from 'vitest'
import type { Machine } from '../../src/engine/machine.ts'
import { instructionSets, isBuilt, openNative } from '../../src/engine/machines/native.ts'
import { openMachine } from '../../src/engine/machines/open.ts'
import { openWasm } from '../../src/engine/machines/wasm.ts'
import { wasmMachine } from '../../src/engine/machines/wasm-module.ts'
import { breadth } from './breadth.ts'
import { needed } from './needed.ts'
import { isRecording } from './record-case.ts'
import { compiledRelaxed } from './relaxed.ts'

if (process.env.ESPALIER_ADDON && !isBuilt()) throw new Error(`no addon at ${process.env.ESPALIER_ADDON}`)
const hasNative = needed('the native engine', isBuilt(), 'node scripts/build-native.mjs, with a C compiler')

/** Instruction sets of the native engine; none where it is not built, or where calls on wasm are recorded. */
export const sets: readonly string[] = hasNative && !isRecording ? instructionSets() : []

export const wasm: Machine = process.env.ESPALIER_WASM
  ? wasmMachine(await compiledRelaxed(process.env.ESPALIER_WASM))
  : await openWasm()

/** The fastest engine here, on one thread: two test files run side by side. */
export const best: Machine = sets.length ? openNative(1) : wasm

/** For every change one number of threads beside one, which leaves unequal shares. */
const THREADS = breadth([1, 3], [1, 2, 3, 4])
const machinesOf = (set: string): Machine[] => THREADS.map((threads) => openNative(threads, set))
/** Another build of the addon says nothing new about wasm. */
const withWasm = !process.env.ESPALIER_ADDON

const webgpu = process.env.ESPALIER_WEBGPU ? await openMachine({ engine: 'webgpu', threads: 1 }) : undefined

/** One suite per engine; the native one is skipped where it is not built. */
export function onEveryEngine(suite: (machines: readonly Machine[]) => void): void {
  if (webgpu) {
    describe('webgpu', () => suite([webgpu]))
    return
  }
  for (const set of sets) describe(`native ${set}`, () => suite(machinesOf(set)))
  if (!hasNative) describe.skip('native (not built on this machine)', () => suite([]))
  if (withWasm) describe('wasm', () => suite([wasm]))
}

/** One suite for all engines together, whose cases are laid out once. */
export function onAllEngines(suite: (machines: readonly Machine[]) => void): void {
  if (!hasNative) describe.skip('native (not built on this machine)', () => suite([]))
  if (webgpu) {
    suite([webgpu])
    return
  }
  suite([...sets.flatMap(machinesOf), ...(withWasm ? [wasm] : [])])
}
