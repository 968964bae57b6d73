/** @file What a command does with the streams, statuses and signals that it is given. */
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { runCli } from '../../src/cli/cli.ts'
import { commands } from '../../src/cli/commands/index.ts'
import { print } from '../../src/cli/display/output.ts'
import { UserError } from '../../src/util/errors.ts'
import { version } from '../../src/util/version.ts'
import { writeTiny } from '../experiment/tiny.ts'
import { Captured, compiled, espalier, root, spawned } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** `espalier list` does this instead. */
function listDoes(work: () => unknown): void {
  vi.spyOn(commands.list, 'define').mockImplementation(async () =>
    new Command('list').action(async () => void (await work())),
  )
}

it('a mistake that a person can mend is one sentence; where it came from is shown when asked for', async () => {
  listDoes(() => {
    throw new UserError('a: expected b,\nfound c')
  })
  expect(await espalier(['list'])).toMatchObject({ code: 1, stdout: '', stderr: 'espalier: a: expected b, found c\n' })
  const { stderr } = await espalier(['list'], { env: { ESPALIER_DEBUG: '1' } })
  expect(stderr).toMatch(/^espalier: a: .*\nUserError: a: expected b,\nfound c\n +at .*io\.test\.ts/)
})

it('so is what the operating system refuses', async () => {
  listDoes(() => readFileSync('/none'))
  expect((await espalier(['list'])).stderr).toBe('espalier: cannot open /none: there is no such file or folder\n')
  listDoes(() => {
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' })
  })
  expect((await espalier(['list'])).stderr).toBe('espalier: ENOSPC: no space left on device, write\n')
})

it.each<[string, () => unknown, RegExp]>([
  ['TypeError', () => (undefined as unknown as { name: string }).name, /^TypeError: Cannot read .*'name'\)\n +at /],
  ['Error', () => new Map().set('a', 1).get('b') ?? fail('malformed program'), /^Error: malformed program\n +at /],
  ['no Error at all', () => Promise.reject('odd'), /^odd\n/],
])('a fault of the program is called a bug, with its stack: %s', async (_, work, beginning) => {
  listDoes(work)
  const { code, stdout, stderr } = await espalier(['list'])
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(beginning)
  const last = stderr.trimEnd().split('\n').at(-1)
  expect(last).toBe(
    `espalier: this is a bug in espalier ${version()}, no mistake of yours: please report it with the lines above (npm bugs espalier says where)`,
  )
})

const fail = (message: string): never => {
  throw new Error(message)
}

it('two commands at a time write to their own streams', async () => {
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  listDoes(async () => {
    await released
    print('late')
  })
  const [one, other] = [new Captured(), new Captured()]
  const io = (stdout: Captured) => ({ stdout, stderr: new Captured(), env: {} })
  const first = runCli(['list'], io(one))
  expect(await runCli(['--version'], io(other))).toBe(0)
  release()
  expect([await first, one.text, other.text]).toEqual([0, 'late\n', `${version()}\n`])
})

it('a signal that is aborted interrupts a run as Ctrl-C does', async () => {
  const out = join(temporaryFolder(), 'run')
  const controller = new AbortController()
  const [stdout, stderr] = [new Captured(), new Captured()]
  const listeners = process.listenerCount('SIGINT')
  const args = ['run', writeTiny(temporaryFolder()), '--out', out, '--set', 'train.epochs=100000']
  const ended = runCli(args, { stdout, stderr, env: {}, signal: controller.signal })
  await expect.poll(() => stdout.text, { timeout: 20_000 }).toContain('epoch   1 ')
  controller.abort()
  expect([await ended, stderr.text]).toEqual([130, ''])
  expect(stdout.text).toMatch(/^interrupted; go on with: espalier run .*\n$/m)
  expect([existsSync(join(out, 'checkpoint.safetensors')), existsSync(join(out, 'report.md'))]).toEqual([true, false])
  expect(process.listenerCount('SIGINT')).toBe(listeners)
})

it('nothing in src/cli but its ends writes to the streams of the process, or sets its status', () => {
  const folder = join(root, 'src/cli')
  const direct = /\bprocess\.(stdout|stderr|exitCode|exit\b)|\bconsole\./
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && direct.test(readFileSync(join(folder, file), 'utf8')),
  )
  expect(found.sort()).toEqual(['bench/contender-process.ts', 'main.ts'])
})

it.skipIf(!existsSync('/dev/full'))(
  'output that finds no room is said once, and is the exit status',
  async () => {
    await compiled()
    const full = openSync('/dev/full', 'w')
    onTestFinished(() => closeSync(full))
    const lost = 'espalier: cannot write to standard output: the disk is full\n'
    for (const args of [['--version'], ['list', 'recipes'], ['inspect', '--program', '--model', 'mlpnet']])
      expect(await spawned(args, { stdio: ['ignore', full, 'pipe'] })).toMatchObject({ code: 1, stderr: lost })
    expect(await spawned(['run', '--bogus'], { stdio: ['ignore', 'pipe', full] })).toMatchObject({
      code: 1,
      stdout: '',
    })
    const out = join(temporaryFolder(), 'run')
    const run = ['run', writeTiny(temporaryFolder()), '--out', out, '--json-steps']
    expect(await spawned(run, { stdio: ['ignore', full, 'pipe'] })).toMatchObject({ code: 1, stderr: lost })
    expect(existsSync(join(out, 'report.md'))).toBe(true)
  },
  120_000,
)

it('the program ends with the status of its command', async () => {
  await compiled()
  expect(await spawned(['--version'])).toMatchObject({ code: 0, stdout: `${version()}\n`, stderr: '' })
  expect(await spawned(['inspect', '/none'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: 'espalier: cannot read /none: there is no such file or folder\n',
  })
  expect(await spawned(['run', '--bogus'])).toMatchObject({ code: 1, stderr: "error: unknown option '--bogus'\n" })
}, 120_000)
