import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type * as compiling from '../../src/engine/compile.ts'
import type * as machines from '../../src/engine/machines/open.ts'
import { Graph } from '../../src/graph/graph.ts'
import { neg } from '../../src/graph/operators/elementwise.ts'

const repository = join(import.meta.dirname, '..', '..')
let copy = ''

beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'espalier-build-'))
  for (const name of ['kernels', 'scripts', 'src', 'package.json'])
    cpSync(join(repository, name), join(copy, name), { recursive: true })
  symlinkSync(join(repository, 'node_modules'), join(copy, 'node_modules'))
})
afterEach(() => {
  rmSync(copy, { recursive: true })
  vi.unstubAllEnvs()
})

/** CC is empty where the script looks for a compiler, which then finds nothing but what is in `copy`. */
const build = (compiler: string, ...flags: string[]) =>
  spawnSync(process.execPath, ['scripts/build-native.mjs', ...flags], {
    cwd: copy,
    env: { ...process.env, CC: compiler, ...(compiler === '' && { PATH: copy }) },
    encoding: 'utf8',
  })

/** An executable that complains as compilers do. */
function complaining(name = 'complaining', complaint = 'no vectors'): string {
  const path = join(copy, name)
  const script = `#!/bin/sh\necho "gemm.c: In function f:" >&2\necho "gemm.c:1:1: error: ${complaint}" >&2\nexit 1\n`
  writeFileSync(path, script, { mode: 0o755 })
  return path
}
const tooOld = 'implicit declaration of function __builtin_shufflevector'

describe.skipIf(process.platform === 'win32')('a compiler that', () => {
  it.each([
    ['fails without a word', () => 'false', 'false failed'],
    ['is missing', () => '/nowhere/cc', '/nowhere/cc was not found'],
    ['complains', complaining, 'gemm.c:1:1: error: no vectors'],
  ])('%s is reported in one line, and WebAssembly takes over', async (_name, compiler, reason) => {
    // What an earlier build has left must not be used.
    const addon = join(copy, 'build', 'native', 'espalier.node')
    mkdirSync(join(copy, 'build', 'native'), { recursive: true })
    writeFileSync(addon, 'from another version')

    const { status, stdout, stderr } = build(compiler())
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stdout: `espalier: the native engine was not built (${reason}); the slower WebAssembly engine will be used.\n`,
      stderr: '',
    })
    expect(existsSync(addon)).toBe(false)

    for (const name of ['ESPALIER_ENGINE', 'ESPALIER_ADDON', 'ESPALIER_THREADS']) vi.stubEnv(name, '')
    const { openMachine } = (await import(join(copy, 'src/engine/machines/open.ts'))) as typeof machines
    const { compile } = (await import(join(copy, 'src/engine/compile.ts'))) as typeof compiling
    const machine = await openMachine()
    expect(machine.engine).toBe('wasm')
    const graph = new Graph()
    graph.output('y', neg(graph, graph.input('x', [3])))
    const network = compile(machine, { graph })
    network.write('graph', 'x', [1, -2, 3])
    network.run('graph')
    expect([...network.read('graph', 'y')]).toEqual([-1, 2, -3])
  })
})

it.skipIf(process.platform === 'win32')('--progress counts the files that are compiled', () => {
  const path = join(copy, 'writing')
  // Makes the file that -o names.
  writeFileSync(path, '#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\ntouch "$2"\n', { mode: 0o755 })
  const { status, stdout, stderr } = build(path, '--progress')
  expect([status, stdout]).toEqual([0, ''])
  const lines = stderr.trim().split('\n')
  expect(lines.length).toBeGreaterThan(20)
  expect(lines).toEqual(lines.map((_, i) => `compiled ${i + 1} of ${lines.length}`))
  expect(build(path, '--force').stderr).toBe('')
})

describe.skipIf(process.platform === 'win32')('a compiler from before GCC 12', () => {
  const reasonOf = (compiler: string) => /\((.*)\)/.exec(build(compiler).stdout)?.[1]

  it('is named, with the version that is needed, where it was asked for', () => {
    const path = complaining('gcc-11', tooOld)
    expect(reasonOf(path)).toBe(`expected GCC 12 or later, or clang: ${path} is older`)
  })

  it('is passed over for clang', () => {
    complaining('cc', tooOld)
    complaining('clang', 'no luck either')
    expect(reasonOf('')).toBe('gemm.c:1:1: error: no luck either')
  })

  it('is named where there is no clang', () => {
    complaining('cc', tooOld)
    expect(reasonOf('')).toBe('expected GCC 12 or later, or clang: cc is older, clang was not found')
  })
})
