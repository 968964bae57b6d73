import type { ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { writeTiny } from '../experiment/tiny.ts'
import { breadth, isFull } from '../support/breadth.ts'
import { compiled, espalier, finish, jsonLines, spawned, start } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

beforeAll(compiled, 120_000)

function writeSweep(grid: object, set: object = { 'train.epochs': 3 }): { path: string; out: string } {
  const folder = temporaryFolder()
  writeTiny(folder)
  const path = join(folder, 'sweep.yaml')
  writeFileSync(path, stringify({ name: 'tiny-sweep', recipe: 'tiny.yaml', set, grid }))
  return { path, out: join(folder, 'sweep') }
}

/** The first line of progress. */
const stepTrained = (sweep: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    sweep.stdout!.on('data', (text) => {
      if (String(text).includes('"progress"')) resolve()
    })
  })

/** The process that has a folder. */
const ownerOf = (folder: string): number => JSON.parse(readFileSync(join(folder, 'lock.json'), 'utf8')).pid

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

it('all runs, two at a time, with a table; again with --resume there is nothing to do', {
  timeout: 60_000,
}, async () => {
  const { path, out } = writeSweep({ 'prune.sparsity': [0.5, 0.9], seed: [0, 1] })
  const { code, stdout, stderr } = await spawned(['sweep', path, '--out', out, '--jobs', '2'])
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^0\.9-1: [\d.]+ %, sparsity 90\.00 %, \d+ s$/m)
  expect(stdout).toMatch(/^\| accuracy \| +\d+\.\d\d ± \d+\.\d\d \|/m)
  expect(readFileSync(join(out, 'report.md'), 'utf8')).toContain('4 runs.')
  const alone = join(temporaryFolder(), 'alone')
  const changes = ['--set', 'train.epochs=3', '--set', 'prune.sparsity=0.9', '--seed', '1', '--quiet', '--out', alone]
  expect((await espalier(['run', join(out, '../tiny.yaml'), ...changes])).code).toBe(0)
  const [one, other] = [alone, join(out, 'runs/0.9-1')].map((folder) => readFileSync(join(folder, 'model.safetensors')))
  expect(one.equals(other)).toBe(true)

  expect(await espalier(['sweep', path, '--out', out])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/already holds a sweep: use --resume/),
  })
  const again = await espalier(['sweep', path, '--out', out, '--resume', '--json'])
  expect([again.code, again.stdout]).toEqual([0, ''])
  const changed = await espalier(['sweep', path, '--out', out, '--resume', '--set', 'train.batch=64'])
  expect(changed).toMatchObject({ code: 1, stderr: expect.stringMatching(/differs from the sweep given/) })
  writeFileSync(join(out, 'sweep.yaml'), 'name: [')
  const damaged = await espalier(['sweep', path, '--out', out, '--resume'])
  expect(damaged).toMatchObject({ code: 1, stderr: expect.stringMatching(/sweep\.yaml is not valid YAML: /) })
})

it('a run that fails is tried three times and recorded; the others are not harmed', { timeout: 60_000 }, async () => {
  const { path, out } = writeSweep({ 'train.learningRate': [1e30, 0.05] })
  const { code, stdout } = await spawned(['sweep', path, '--out', out, '--json'])
  expect(code).toBe(1)
  const ends = jsonLines(stdout).filter(({ type }) => type === 'failed' || type === 'done')
  expect(ends.map(({ type, run, again }) => [type, run, again])).toEqual([
    ['failed', '1e+30', true],
    ['done', '0.05', undefined],
    ['failed', '1e+30', true],
    ['failed', '1e+30', false],
  ])
  expect(jsonLines(readFileSync(join(out, 'failures.jsonl'), 'utf8'))).toMatchObject([
    { run: '1e+30', attempt: 1, reason: expect.stringMatching(/^espalier: the loss became NaN/) },
    { attempt: 2 },
    { attempt: 3 },
  ])
})

it('a second coordinator is refused; Ctrl-C leaves a sweep that goes on where it was', {
  timeout: 60_000,
}, async () => {
  const { path, out } = writeSweep({ seed: [0, 1] }, { 'train.epochs': 60 })
  const first = start(['sweep', path, '--out', out, '--json-steps'])
  await stepTrained(first)
  const ended = finish(first)
  const second = await espalier(['sweep', path, '--out', out, '--resume'])
  first.kill('SIGINT')
  expect(second).toMatchObject({ code: 1, stderr: expect.stringMatching(/is in use by another sweep \(process \d+\)/) })
  expect((await ended).code).toBe(130)
  expect(existsSync(join(out, 'runs/0/report.md'))).toBe(false)
  expect(existsSync(join(out, 'runs/0/checkpoint.safetensors'))).toBe(true)
  expect(readdirSync(join(out, 'runs'))).toEqual(['0'])
  const resumed = await spawned(['sweep', path, '--out', out, '--resume', '--json'])
  expect(resumed.code).toBe(0)
  expect(
    jsonLines(resumed.stdout)
      .filter(({ type }) => type === 'done')
      .map(({ run }) => run),
  ).toEqual(['0', '1'])
})

it.runIf(isFull)('a reader that goes away is no error: the sweep goes on to its end', async () => {
  const { path, out } = writeSweep({ seed: [0, 1] })
  const child = start(['sweep', path, '--out', out, '--json-steps'])
  child.stdout!.once('data', () => child.stdout!.destroy())
  expect(await finish(child)).toMatchObject({ code: 0, stderr: '' })
  expect([0, 1].map((run) => existsSync(join(out, `runs/${run}/report.md`)))).toEqual([true, true])
})

it.runIf(isFull)(
  'a run that is killed goes on from its checkpoint; a sweep that is killed leaves no run behind',
  {
    timeout: 60_000,
  },
  async () => {
    const { path, out } = writeSweep({ seed: [0, 1] }, { 'train.epochs': 60 })
    const first = start(['sweep', path, '--out', out, '--json-steps'])
    const ended = finish(first)
    await stepTrained(first)
    const started = ownerOf(join(out, 'runs/0'))
    process.kill(started, 'SIGKILL')
    await expect.poll(() => existsSync(join(out, 'failures.jsonl')), { timeout: 20_000 }).toBe(true)
    expect(jsonLines(readFileSync(join(out, 'failures.jsonl'), 'utf8'))).toEqual([
      { run: '0', attempt: 1, reason: 'ended by SIGKILL' },
    ])
    await expect.poll(() => existsSync(join(out, 'runs/1/lock.json')), { timeout: 20_000 }).toBe(true)
    const other = ownerOf(join(out, 'runs/1'))
    first.kill('SIGKILL')
    await ended
    await expect.poll(() => isAlive(other), { timeout: 20_000 }).toBe(false)
    const resumed = await spawned(['sweep', path, '--out', out, '--resume', '--json'])
    expect(resumed.code).toBe(0)
    const done = jsonLines(resumed.stdout).filter(({ type }) => type === 'done')
    expect(done.map(({ run }) => run).sort()).toEqual(['0', '1'])
  },
)

it('runs that train the same until they prune share that training, and end as if alone', {
  timeout: 60_000,
}, async () => {
  const set = { 'train.epochs': 3, 'prune.start': '1ep', 'prune.schedule': 'one-shot' }
  const grid = { 'prune.method': ['magnitude', 'snip'], 'prune.sparsity': breadth([0.9], [0.5, 0.9]) }
  const { path, out } = writeSweep(grid, set)
  const { code, stdout } = await spawned(['sweep', path, '--out', out, '--json-steps'])
  expect([code, existsSync(join(out, 'trunks'))]).toEqual([0, false])
  const inFirstEpoch = jsonLines(stdout).filter(({ type, share }) => type === 'progress' && Number(share) < 1 / 3)
  expect(new Set(inFirstEpoch.map(({ run }) => run))).toEqual(new Set([breadth('magnitude-0.9', 'magnitude-0.5')]))
  const alone = join(temporaryFolder(), 'alone')
  const recipe = join(out, 'recipes/snip-0.9.yaml')
  expect((await espalier(['run', recipe, '--quiet', '--out', alone])).code).toBe(0)
  for (const file of ['model.safetensors', 'dense.safetensors', 'recipe.yaml']) {
    const [one, other] = [alone, join(out, 'runs/snip-0.9')].map((folder) => readFileSync(join(folder, file)))
    expect(one.equals(other)).toBe(true)
  }
  const metrics = [alone, join(out, 'runs/snip-0.9')].map((folder) =>
    jsonLines(readFileSync(join(folder, 'metrics.jsonl'), 'utf8')).map(({ seconds, time, ...line }) => line),
  )
  expect(metrics[1]).toEqual(metrics[0])
})
