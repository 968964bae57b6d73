import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Declaration, kernelNumbers } from '../../src/engine/machines/declarations.ts'
import { openNative } from '../../src/engine/machines/native.ts'
import { wasmMachine } from '../../src/engine/machines/wasm-module.ts'
import { UserError } from '../../src/util/errors.ts'
import { sets } from '../support/engines.ts'

const source = new URL('../../kernels/kernels.def', import.meta.url)
const builtAddon = new URL('../../build/native/espalier.node', import.meta.url)
const wasmBytes = readFileSync(new URL('../../kernels/espalier.wasm', import.meta.url))

/** kernels.def as C has it, read by other means than the engines' own. */
const definitions = readFileSync(source, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
const macros = new Map([...definitions.matchAll(/^#define (\w+) (.+)$/gm)].map(([, name, list]) => [name, list]))
const declared: Declaration[] = [...definitions.matchAll(/^(KERNEL|LIMIT|CODES)\((\w+), (.+)\)$/gm)].map(
  ([, kind, name, rest]) => {
    const list = rest.replace(/\w+_SIZES/g, (macro) => macros.get(macro)!)
    const value = rest.split('*').reduce((product, factor) => product * Number(factor), 1)
    return {
      kind: kind.toLowerCase(),
      name,
      list: kind === 'LIMIT' ? '' : list,
      value: kind === 'LIMIT' ? value : 0,
    }
  },
)

/** The declarations with one of them changed, or without it. */
const but = (name: string, change: Partial<Declaration> | undefined) =>
  declared.flatMap((d) => (d.name !== name ? [d] : change ? [{ ...d, ...change }] : []))
const plus = (kind: string, name: string) => [...declared, { kind, name, list: 'n', value: 0 }]
const complaint = (engine: string, difference: string) =>
  `the ${engine} engine is another build than this code: ${difference}; run npm run build`

const { list: gemm } = declared.find(({ name }) => name === 'gemm')!
const { list: conv } = declared.find(({ name }) => name === 'conv')!

describe('what C and TypeScript declare', () => {
  it('agrees, and numbers kernels in the order of the tables', () => {
    const numbers = kernelNumbers(declared, 'native')
    expect([...numbers].slice(0, 2).flat()).toEqual(['gemm', 0, 'conv', 1])
    expect(numbers.size).toBe(declared.filter(({ kind }) => kind === 'kernel').length)
  })

  it.each<[Declaration[], string]>([
    [
      but('gemm', { list: gemm.replace('bias_kind', 'bias_type') }),
      'kernel gemm: argument 11 is bias_type, expected biasKind',
    ],
    [but('conv', { list: conv.replace(', relu', '') }), 'kernel conv: argument 21 is missing, expected relu'],
    [but('zero', { list: 'n, y, value' }), 'kernel zero: argument 2 is value, expected no further one'],
    [but('unary', { list: 'op, n, y, x' }), 'kernel unary: argument 2 is y, expected x'],
    [but('copy', { list: 'd[4], x, sx[3], out' }), 'kernel copy: argument 8 is out, expected sx3'],
    [but('select_top', { list: 'keep, count' }), 'kernel select_top: argument 2 is missing, expected ...'],
    [but('peak', undefined), 'it lacks the kernel peak'],
    [plus('kernel', 'lstm'), 'it has the kernel lstm, which is unknown here'],
    [but('STRIP_FLOATS', { value: 64 * 1024 }), 'limit STRIP_FLOATS is 65536, expected 98304'],
    [but('MOST_TAPS', undefined), 'it lacks the limit MOST_TAPS'],
    [plus('limit', 'MOST_ROWS'), 'it has the limit MOST_ROWS, which is unknown here'],
    [but('MODE', { list: 'MODE_ADD, MODE_SET, MODE_SUBTRACT' }), 'code MODE 0 is ADD, expected set'],
    [but('BIAS', { list: 'BIAS_NONE, BIAS_ROW' }), 'code BIAS 2 is missing, expected column'],
    [but('HYPER', undefined), 'it lacks the codes HYPER'],
    [plus('codes', 'PAD'), 'it has the codes PAD, which is unknown here'],
    // A build from before there were declarations.
    [[], 'it lacks the kernel gemm'],
  ])('does not, and the difference is named (%#)', (declarations, difference) => {
    expect(() => kernelNumbers(declarations, 'native')).toThrow(new UserError(complaint('native', difference)))
  })
})

describe('an engine of which one argument was renamed', () => {
  const tampered = (bytes: Buffer) => {
    const at = bytes.indexOf('op, n, x, y\0')
    expect(at).toBeGreaterThan(0)
    const copy = Buffer.from(bytes)
    copy.write('op, n, z, y\0', at)
    return copy
  }
  const folders: string[] = []
  afterEach(() => {
    vi.unstubAllEnvs()
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
  })

  it('is refused when the WebAssembly module is loaded', () => {
    expect(() => wasmMachine(new WebAssembly.Module(wasmBytes))).not.toThrow()
    expect(() => wasmMachine(new WebAssembly.Module(tampered(wasmBytes)))).toThrow(
      complaint('wasm', 'kernel unary: argument 2 is z, expected x'),
    )
  })

  it.skipIf(sets.length === 0)('is refused when the addon is loaded', () => {
    const folder = mkdtempSync(join(tmpdir(), 'espalier-tampered-'))
    folders.push(folder)
    const path = join(folder, 'espalier.node')
    writeFileSync(path, tampered(readFileSync(process.env.ESPALIER_ADDON ?? builtAddon)))
    vi.stubEnv('ESPALIER_ADDON', path)
    expect(() => openNative(1)).toThrow(complaint('native', 'kernel unary: argument 2 is z, expected x'))
    vi.unstubAllEnvs()
    expect(() => openNative(1)).not.toThrow()
  })
})
