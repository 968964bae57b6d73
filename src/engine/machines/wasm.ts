/**
 * @file The WebAssembly machine in Node: its module comes with the package.
 */
import { readFile } from 'node:fs/promises'
import { packageFile } from '../../util/package.ts'
import type { Machine } from '../machine.ts'
import { wasmMachine } from './wasm-module.ts'

export async function openWasm(): Promise<Machine> {
  const bytes = await readFile(packageFile('kernels/espalier.wasm'))
  return wasmMachine(await WebAssembly.compile(bytes))
}
