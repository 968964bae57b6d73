/** @file What does no work loads nothing that work needs: everybody waits for the start of the program. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, it } from 'vitest'
import { compiled, root } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

beforeAll(compiled, 120_000)

/** Addresses of all modules that a program of node loads. */
async function loadedBy(...program: string[]): Promise<string[]> {
  const list = join(temporaryFolder(), 'modules')
  const args = ['--import', './test/cli/loaded-modules.mjs', ...program]
  const env = { ...process.env, LOADED_MODULES: list }
  // A refused flag fails, as it should.
  await promisify(execFile)(process.execPath, args, { cwd: root, env }).catch(() => {})
  return readFileSync(list, 'utf8').split('\n').slice(0, -1)
}

const packagesOf = (modules: readonly string[]) => [
  ...new Set(modules.flatMap((address) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(address)?.[1] ?? [])),
]

it.each(['--version', '--help', 'run --bogus', 'list cats'])(
  '%s: commander and two dozen files at most',
  async (command) => {
    const modules = await loadedBy('dist/cli/main.js', ...command.split(' '))
    expect(modules.some((address) => address.endsWith('dist/cli/cli.js'))).toBe(true)
    expect(packagesOf(modules)).toEqual(['commander'])
    expect(modules.length).toBeLessThan(24)
  },
)

// The flags of prune and sensitivity are those of methods.
it('the flags of every command but those two are defined without its work', async () => {
  const script = `
    const { commands } = await import('./dist/cli/commands/index.js')
    for (const [name, { define }] of Object.entries(commands)) if (name !== 'prune' && name !== 'sensitivity') await define()`
  const modules = await loadedBy('--input-type=module', '-e', script)
  expect(modules.filter((address) => address.includes('/cli/commands/')).length).toBeGreaterThan(10)
  expect(packagesOf(modules)).toEqual(['commander'])
})

it('a command that works is seen to load more', async () => {
  expect(packagesOf(await loadedBy('dist/cli/main.js', 'list', 'models'))).toContain('zod')
})
