/** @file Modules with relaxed SIMD, which Node 20 compiles where it is told to. */
import { readFile } from 'node:fs/promises'
import { setFlagsFromString } from 'node:v8'

export async function compiledRelaxed(path: string): Promise<WebAssembly.Module> {
  setFlagsFromString('--experimental-wasm-relaxed-simd')
  return WebAssembly.compile(await readFile(path))
}
