import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { writeTiny } from '../experiment/tiny.ts'
import { compiled, espalier, finish, jsonLines, spawned, start } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

beforeAll(compiled, 120_000)

it('a run in a fresh folder: a line per epoch, tables, and where it is', async () => {
  const cwd = temporaryFolder()
  writeTiny(cwd)
  const { code, stdout, stderr } = await espalier(['run', 'tiny.yaml', '--seed', '3'], { cwd })
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^32,360 prunable weights, 4 epochs, 60 steps; engine: /)
  expect(
    stdout.match(/^epoch +\d {2}loss [\d.]+ {2}accuracy [\d.]+ % {2}validation loss .* sparsity [\d.]+ %$/gm),
  ).toHaveLength(4)
  expect(stdout).toMatch(/\| all prunable \| +32,360 \| +3,236 \| +90\.00 % \|/)
  expect(stdout).toMatch(/The run is in runs\/tiny-1\n$/)
  expect(readFileSync(join(cwd, 'runs/tiny-1/recipe.yaml'), 'utf8')).toContain('seed: 3\n')
})

it('--quiet prints nothing', async () => {
  const out = join(temporaryFolder(), 'run')
  const { code, stdout, stderr } = await espalier(['run', writeTiny(temporaryFolder()), '--quiet', '--out', out])
  expect([code, stdout, stderr]).toEqual([0, '', ''])
  expect(existsSync(join(out, 'report.md'))).toBe(true)
})

it.each([
  ['--json', 0],
  ['--json-steps', 56],
])('%s prints one JSON object per line, %i of them about steps', async (flag, steps) => {
  const out = join(temporaryFolder(), 'run')
  const { code, stdout, stderr } = await espalier(['run', writeTiny(temporaryFolder()), flag, '--out', out])
  expect([code, stderr]).toEqual([0, ''])
  const lines = jsonLines(stdout)
  expect([lines[0].type, lines.at(-1)?.type]).toEqual(['start', 'end'])
  expect(lines.filter(({ type }) => type === 'progress')).toHaveLength(steps)
  expect(lines.filter(({ type }) => type === 'epoch' || type === 'prune')).toHaveLength(11)
})

it('--dry-run counts what is left at the first step, or says what decides it', async () => {
  const dry = async (prune: object) =>
    (await espalier(['run', writeTiny(temporaryFolder(), { prune }), '--dry-run'], { columns: 200 })).stdout
  expect(await dry({ method: 'random', scope: 'layerwise', sparsity: 0.9 })).toMatch(
    /^\| all prunable +\| +32,360 \| +3,236 \| +90\.00 % \|/m,
  )
  const scored = await dry({ method: 'snip', sparsity: 0.9 })
  expect(scored).toMatch(/^\| all prunable +\| +32,360 \| +3,236 \| +90\.00 % \|/m)
  expect(scored).toMatch(/^note: layers are counted as snip leaves them by 64 training samples; the run takes 1,000$/m)
  const searched = await dry({ method: 'cbs', sparsity: 0.9 })
  expect(searched).toMatch(/^\| all prunable +\| +32,360 \| +32,360 \|/m)
  expect(searched).toMatch(/^note: layers are counted with all their weights: cbs prunes them to 90\.00 % before/m)
})

it('--dry-run writes nothing', async () => {
  const cwd = temporaryFolder()
  const path = writeTiny(cwd)
  const { code, stdout, stderr } = await espalier(['run', path, '--dry-run'], { cwd })
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/all prunable \| +32,360/)
  expect(stdout).toMatch(/^60 steps: about \d+ s/m)
  const json = await espalier(['run', path, '--dry-run', '--json', '--out', join(cwd, 'run')], { cwd })
  expect(jsonLines(json.stdout)).toMatchObject([{ parameters: 32_360, steps: 60 }])
  expect(readdirSync(cwd)).toEqual(['tiny.yaml'])
})

it('--dry-run refuses what a run refuses, in the same words', async () => {
  const path = writeTiny(temporaryFolder())
  const out = join(temporaryFolder(), 'run')
  expect((await espalier(['run', path, '--quiet', '--out', out])).code).toBe(0)
  for (const flags of [
    ['--out', out],
    ['--out', out, '--resume'],
    ['--out', join(out, 'none'), '--resume'],
    ['--out', join(out, 'report.md')],
    ['--resume'],
    ['--force'],
    ['--quiet', '--json'],
    ['--on-collapse', 'floor', '--set', 'prune='],
    ['--out', out, '--resume', '--force'],
    ['--checkpoint-seconds', 'soon'],
    ['--until-pruning', '--set', 'prune.start=0ep'],
    ['--set', 'train.batch=1000000'],
    ['--set', 'data.name=/nowhere'],
  ]) {
    const dry = await espalier(['run', path, ...flags, '--dry-run'])
    const real = await espalier(['run', path, ...flags])
    expect([dry.code, dry.stderr]).toEqual([real.code, real.stderr])
    expect(real.stderr).toMatch(/^espalier: [^\n]+\n$/)
  }
})

it('the wasm engine has one thread, and says so once', async () => {
  const out = join(temporaryFolder(), 'run')
  const args = ['run', writeTiny(temporaryFolder()), '--out', out, '--set', 'train.epochs=3']
  const { code, stdout, stderr } = await spawned(args, { env: { ESPALIER_ENGINE: 'wasm', ESPALIER_THREADS: '2' } })
  expect(code).toBe(0)
  expect(stderr).toMatch(/^espalier: the wasm engine has one thread; 2 threads were asked for\.\n$/)
  expect(stdout).toContain('engine: wasm simd128, 1 thread')
})

it('a second run in the same folder is refused while the first one lives', async () => {
  const out = join(temporaryFolder(), 'run')
  const args = ['run', writeTiny(temporaryFolder()), '--out', out, '--set', 'train.epochs=100000']
  const first = start(args)
  try {
    await once(first.stdout!, 'data')
    for (const mode of [[], ['--force'], ['--resume']]) {
      const { code, stderr } = await espalier([...args, ...mode])
      expect(stderr).toBe(
        `espalier: ${out} is in use by another run (process ${first.pid}); wait for it or choose another --out\n`,
      )
      expect(code).toBe(1)
    }
    first.kill('SIGKILL')
    await once(first, 'close')
    const { code, stderr } = await espalier(args)
    expect([code, stderr]).toMatchObject([1, expect.stringMatching(/already holds a run: use --resume .*\n$/)])
  } finally {
    first.kill('SIGKILL')
  }
})

it('a reader that goes away is no error: the run goes on to its end', async () => {
  const out = join(temporaryFolder(), 'run')
  const args = ['run', writeTiny(temporaryFolder()), '--out', out, '--set', 'train.epochs=40']
  const child = start([...args, '--json'])
  child.stdout!.once('data', () => child.stdout!.destroy())
  const { code, stderr } = await finish(child)
  expect([code, stderr]).toEqual([0, ''])
  expect(existsSync(join(out, 'report.md'))).toBe(true)
  expect(jsonLines(readFileSync(join(out, 'metrics.jsonl'), 'utf8')).at(-1)).toMatchObject({ type: 'final' })
})

it('both readers that go away are none either', async () => {
  const out = join(temporaryFolder(), 'run')
  const child = start(['run', writeTiny(temporaryFolder()), '--out', out])
  child.stdout!.destroy()
  child.stderr!.destroy()
  const [code] = await once(child, 'exit')
  expect([code, existsSync(join(out, 'report.md'))]).toEqual([0, true])
})

it('the end of the process that holds its channel interrupts a run, which is not said to be finished', async () => {
  const out = join(temporaryFolder(), 'run')
  const args = ['run', writeTiny(temporaryFolder()), '--out', out, '--json', '--set', 'train.epochs=100000']
  const child = start(args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  await once(child.stdout!, 'data')
  child.stdout!.resume()
  const ended = once(child, 'exit')
  child.disconnect()
  expect(await ended).toEqual([143, null])
  expect(existsSync(join(out, 'checkpoint.safetensors'))).toBe(true)
  expect(existsSync(join(out, 'report.md'))).toBe(false)
})

it('Ctrl-C while a network is measured ends at once, and the run can be resumed', { timeout: 60_000 }, async () => {
  const out = join(temporaryFolder(), 'run')
  const prune = { method: 'hutch-diag', sparsity: 0.5, start: '1ep', scoring: { samples: 1800, probes: 4000 } }
  const path = writeTiny(temporaryFolder(), { prune })
  const args = ['run', path, '--out', out, '--json']
  const child = start([...args, '--checkpoint-seconds', '0'])
  const ended = finish(child)
  child.stdout!.on('data', (text) => {
    // Whether it came at once or after a while.
    if (String(text).includes('"pruning"')) child.kill('SIGINT')
  })
  const interrupted = `\nespalier: interrupted: go on with: espalier run ${join(out, 'recipe.yaml')} --resume --out ${out}\n`
  expect(await ended).toMatchObject({ code: null, signal: 'SIGINT', stderr: interrupted })
  expect(existsSync(join(out, 'report.md'))).toBe(false)
  // It goes on from its last checkpoint.
  const again = start([...args, '--resume'])
  await once(again.stdout!, 'data')
  again.kill('SIGKILL')
  const { stderr } = await finish(again)
  expect(stderr).toBe('')
})
