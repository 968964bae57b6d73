import { appendFileSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { encodeSafetensors, storeFloats } from '../../src/formats/safetensors.ts'
import type { Change } from '../../src/studio/api.ts'
import { checkpointHead, checkpointLayers } from '../../src/studio/checkpoint.ts'
import { detailOf } from '../../src/studio/detail.ts'
import { Lists, type Query, querySchema } from '../../src/studio/query.ts'
import type { RunIndex } from '../../src/studio/run-index.ts'
import { Sweeps } from '../../src/studio/sweeps.ts'
import { FolderLock } from '../../src/util/folder-lock.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { tiny } from '../experiment/tiny.ts'
import { writeRun } from '../report/runs.ts'
import { indexOf, writeDone, writeSweep } from './folders.ts'

const summaryOf = (index: RunIndex, folder: string) => index.summary(index.entries.get(folder)!)
/** The next change that says more than that all is read. */
const changed = (index: RunIndex, of: string) =>
  new Promise<Change>((resolve) => {
    const end = index.listen((change) => {
      if (!change.ids?.includes(of)) return
      end()
      resolve(change)
    })
  })

it('a run is done with its report, running while a process has it, and else has stopped', async () => {
  const folder = temporaryFolder()
  const done = writeDone(join(folder, 'done'), 0.91)
  const running = writeRun(join(folder, 'running'))
  const stopped = writeRun(join(folder, 'deep', 'er', 'stopped'))
  const lock = new FolderLock(running, 'run')
  const index = await indexOf(folder)
  expect(index.entries.size).toBe(3)
  expect(summaryOf(index, done)).toMatchObject({
    state: 'done',
    test: 0.91,
    sparsity: 0.9,
    method: 'magnitude',
    asked: 0.9,
  })
  expect(summaryOf(index, running)).toMatchObject({ state: 'running', epoch: 3, epochs: 4, accuracy: 0.8, loss: 1 / 3 })
  expect(summaryOf(index, stopped)).toMatchObject({ state: 'stopped', model: 'mlpnet', data: 'synthetic', seed: 0 })

  // It is killed: nothing in its folder changes but who has it.
  const told = changed(index, running)
  lock.release()
  expect((await told).counts).toMatchObject({ running: 0, stopped: 2, done: 1 })
  expect(summaryOf(index, running).state).toBe('stopped')

  // It goes on from a checkpoint of before its last epoch.
  const again = changed(index, running)
  truncateSync(join(running, 'metrics.jsonl'), 200)
  const next = new FolderLock(running, 'run')
  await again
  expect(summaryOf(index, running)).toMatchObject({ state: 'running', epoch: 1 })
  next.release()
})

it('runs that come and go are told, links and hidden folders are not followed', async () => {
  const [folder, outside] = [temporaryFolder(), temporaryFolder()]
  writeDone(join(outside, 'secret'))
  symlinkSync(outside, join(folder, 'link'))
  writeDone(join(folder, '.hidden', 'run'))
  writeDone(join(folder, 'node_modules', 'run'))
  const index = await indexOf(join(folder, 'not-yet'), folder)
  expect(index.entries.size).toBe(0)
  const made = join(folder, 'not-yet', 'run')
  const told = changed(index, made)
  writeDone(made)
  await told
  expect([...index.entries.keys()]).toEqual([made])
  const gone = changed(index, made)
  rmSync(made, { recursive: true })
  await gone
  expect(index.entries.size).toBe(0)
})

it('what cannot be read is said of the run, and the others are as they are', async () => {
  const folder = temporaryFolder()
  const cut = writeRun(join(folder, 'cut'))
  appendFileSync(join(cut, 'metrics.jsonl'), '{"type":"epoch","epo')
  const other = writeRun(join(folder, 'other'))
  writeFileSync(join(other, 'recipe.yaml'), 'name: [')
  const strange = writeRun(join(folder, 'strange'))
  writeFileSync(join(strange, 'recipe.yaml'), 'name: strange\n')
  const index = await indexOf(folder)
  expect([summaryOf(index, cut).epoch, summaryOf(index, cut).problem]).toEqual([3, undefined])
  expect(summaryOf(index, other).problem).toMatch(/recipe\.yaml is not valid YAML/)
  expect(summaryOf(index, strange).problem).toBe(`${join(strange, 'recipe.yaml')} is no recipe`)
  expect(detailOf(summaryOf(index, other), false)).toMatchObject({ settings: [], epochs: [{ epoch: 1 }, {}, {}] })
})

it('lists are filtered, sorted and cut into pages', async () => {
  const folder = temporaryFolder()
  const methods = ['snip', 'magnitude', 'random']
  for (let i = 0; i < 12; i++)
    writeDone(join(folder, `run-${i}`), i / 20, { seed: i, prune: { ...tiny.prune, method: methods[i % 3] } })
  writeRun(join(folder, 'stopped'))
  const lists = new Lists(await indexOf(folder))
  const names = (query: Partial<Query>) =>
    lists.page(querySchema.parse(query)).rows.map(({ id }) => id.slice(folder.length + 1))
  expect(names({ sort: 'id', order: 'up', limit: 4 })).toEqual(['run-0', 'run-1', 'run-2', 'run-3'])
  expect(names({ sort: 'id', order: 'up', offset: 9 })).toEqual(['run-9', 'run-10', 'run-11', 'stopped'])
  expect(names({ sort: 'test', order: 'down', limit: 2 })).toEqual(['run-11', 'run-10'])
  // What has no value is last in either order.
  expect(names({ sort: 'test', order: 'up' }).at(-1)).toBe('stopped')
  expect(names({ text: 'SNIP mlp', sort: 'id', order: 'up' })).toEqual(['run-0', 'run-3', 'run-6', 'run-9'])
  expect(names({ state: 'stopped' })).toEqual(['stopped'])
  expect(lists.page(querySchema.parse({ text: 'nothing' }))).toEqual({ total: 0, offset: 0, rows: [] })
})

it('a sweep says how many runs there are to be, are done, and failed last', async () => {
  const folder = writeSweep(join(temporaryFolder(), 'sweep'), 6)
  const failure = (run: string, attempt: number) => `${JSON.stringify({ run, attempt, reason: `reason ${attempt}` })}\n`
  // One is done by now, one has failed twice.
  writeFileSync(
    join(folder, 'failures.jsonl'),
    failure('magnitude-0.9-0', 1) + failure('random-0.95-1', 1) + failure('random-0.95-1', 2),
  )
  writeRun(join(folder, 'trunks', 'shared'))
  const index = await indexOf(folder)
  expect(index.entries.size).toBe(8)
  const sweeps = new Sweeps(index)
  expect(sweeps.detail(folder)).toMatchObject({
    name: 'two-methods',
    summary: 'A & B',
    total: 8,
    running: false,
    counts: { running: 0, done: 6, stopped: 2 },
    failures: [{ run: 'random-0.95-1', attempt: 2, reason: 'reason 2' }],
  })
  expect(sweeps.detail(join(folder, 'runs'))).toBeUndefined()
})

it('a checkpoint says how far a run is and what its masks keep, a damaged one nothing', () => {
  const folder = temporaryFolder()
  const mask = { dtype: 'U8' as const, shape: [2, 3], data: Uint8Array.from([1, 0, 0, 1, 0, 0]) }
  const tensors = new Map([
    ['fc.weight', storeFloats(Float32Array.from([1, 0, 0, 2, 0, 0]), [2, 3])],
    ['fc.weight.mask', mask],
  ])
  const progress = JSON.stringify({ step: 30, seconds: 6 })
  const bytes = encodeSafetensors({ tensors, metadata: { progress } })
  const file = join(folder, 'checkpoint.safetensors')
  expect(checkpointHead(folder)).toBeUndefined()
  writeFileSync(file, bytes)
  expect(checkpointHead(folder)).toMatchObject({ step: 30, seconds: 6 })
  expect(checkpointLayers(folder)).toEqual([{ name: 'fc.weight', size: 6, kept: 2 }])
  for (const damaged of [bytes.subarray(0, 20), Buffer.from('no such file'), Buffer.alloc(64, 255)]) {
    writeFileSync(file, damaged)
    expect([checkpointHead(folder), checkpointLayers(folder)]).toEqual([undefined, undefined])
  }
})

it('the time left is known before an epoch is over, from a checkpoint that says how many steps there are', async () => {
  const folder = writeRun(join(temporaryFolder(), 'run'), { epochs: 0 })
  const metadata = { progress: JSON.stringify({ step: 5, steps: 60, seconds: 10 }) }
  writeFileSync(join(folder, 'checkpoint.safetensors'), encodeSafetensors({ tensors: new Map(), metadata }))
  const lock = new FolderLock(folder, 'run')
  const { ends, epoch } = summaryOf(await indexOf(folder), folder)
  expect(epoch).toBe(0)
  expect(ends! - Date.now()).toBeGreaterThan(105_000)
  expect(ends! - Date.now()).toBeLessThan(111_000)
  lock.release()
})

it('the time left goes by the speed until the last checkpoint', async () => {
  const folder = writeRun(join(temporaryFolder(), 'run'))
  mkdirSync(folder, { recursive: true })
  const metadata = { progress: JSON.stringify({ step: 45, seconds: 90 }) }
  writeFileSync(join(folder, 'checkpoint.safetensors'), encodeSafetensors({ tensors: new Map(), metadata }))
  const lock = new FolderLock(folder, 'run')
  const index = await indexOf(folder)
  // Three of four epochs of 15 steps are over: 15 steps of two seconds each are left.
  const { ends } = summaryOf(index, folder)
  expect(ends! - Date.now()).toBeGreaterThan(25_000)
  expect(ends! - Date.now()).toBeLessThan(31_000)
  expect(detailOf(summaryOf(index, folder), false)).toMatchObject({ step: 45, steps: 60, seconds: 90 })
  lock.release()
})
