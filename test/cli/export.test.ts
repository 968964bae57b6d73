import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { FolderLock } from '../../src/util/folder-lock.ts'
import { readEvents } from '../export/event-reader.ts'
import { writeRun } from '../report/runs.ts'
import { espalier } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

/** All values of an event file, by tag: [step, value]. */
function scalarsIn(file: string): Record<string, [number, number][]> {
  const all: Record<string, [number, number][]> = {}
  for (const { step = 0, values } of readEvents(readFileSync(file)))
    for (const [tag, value] of values) all[tag] = [...(all[tag] ?? []), [step, value]]
  return all
}

const eventsIn = (folder: string) => readdirSync(folder).map((name) => join(folder, name))

it('writes an event file for each run of a folder, which holds what the run recorded', async () => {
  const folder = temporaryFolder()
  for (const seed of [0, 1]) writeRun(join(folder, 'runs', 'deep', `s${seed}`), { accuracy: 0.9 + seed / 50 })
  const time = 1_700_000_000.5
  for (const seed of [0, 1]) utimesSync(join(folder, 'runs/deep', `s${seed}`, 'metrics.jsonl'), time, time)
  const out = join(folder, 'out', 'tensorboard')
  const { stdout, stderr, code } = await espalier(['export', join(folder, 'runs'), '-o', out])
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toBe(`written: 2 runs in ${out}; tensorboard --logdir ${out} shows them\n`)
  expect(readdirSync(out)).toEqual(['s0', 's1'])
  const [file] = eventsIn(join(out, 's1'))
  expect(file).toBe(join(out, 's1', 'events.out.tfevents.1700000000.espalier'))
  const scalars = scalarsIn(file)
  expect(scalars['train/loss']).toEqual([15, 30, 45].map((step, i) => [step, Math.fround(1 / (i + 1))]))
  expect(scalars['test/accuracy']).toEqual([[45, Math.fround(0.92)]])
  expect(scalars['sparsity/fc1.weight']).toEqual([[45, Math.fround(0.9)]])
  expect(readEvents(readFileSync(file)).every(({ wallTime }) => wallTime === time)).toBe(true)
})

it('writes CSV of one run, under its name', async () => {
  const folder = temporaryFolder()
  writeRun(join(folder, 'a'), { accuracy: 0.9 })
  const out = join(folder, 'csv')
  const { stdout, code } = await espalier(['export', join(folder, 'a'), '--to', 'csv', '-o', out])
  const file = join(out, 'a', 'metrics.csv')
  expect([code, stdout]).toEqual([0, `written: ${file}\n`])
  const [head, ...rows] = readFileSync(file, 'utf8').trimEnd().split('\r\n')
  const [columns, last] = [head, rows[2]].map((line) => line.split(','))
  expect(rows).toHaveLength(3)
  const cell = (name: string) => last[columns.indexOf(name)]
  expect([cell('step'), cell('train/loss'), cell('test/accuracy')]).toEqual(['45', String(1 / 3), '0.9'])
})

it('runs of several folders keep the parts of their paths that differ; each is written once', async () => {
  const folder = temporaryFolder()
  for (const name of ['x/a', 'y/a']) writeRun(join(folder, name), { accuracy: 0.9 })
  const out = join(folder, 'out')
  const runs = [join(folder, 'x'), join(folder, 'y'), join(folder, 'x/../y/a')]
  const { stdout, code } = await espalier(['export', ...runs, '-o', out, '--json'])
  const files = ['x/a', 'y/a'].map((name) => join(out, name, readdirSync(join(out, name))[0]))
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toEqual(
    files.map((file, i) => ({ folder: join(folder, ['x/a', 'y/a'][i]), state: 'complete', file, values: 29 })),
  )
})

it('runs that go on or have stopped are exported as far as they are, and a note says so', async () => {
  const folder = temporaryFolder()
  const [going, stopped, begun] = ['going', 'stopped', 'begun'].map((name) => join(folder, 'runs', name))
  writeRun(going)
  writeRun(stopped, { epochs: 1 })
  mkdirSync(begun)
  writeFileSync(join(begun, 'metrics.jsonl'), '')
  appendFileSync(join(going, 'metrics.jsonl'), '{"type":"epo') // being written
  const lock = new FolderLock(going, 'run')
  const out = join(folder, 'out')
  const { stderr, code } = await espalier(['export', join(folder, 'runs'), '-o', out])
  lock.release()
  expect([code, stderr]).toEqual([
    0,
    `note: ${begun}: nothing is recorded yet, left out\n` +
      `note: ${going}: not at the end yet, exported as far as recorded\n` +
      `note: ${stopped}: stopped before the end, exported as far as recorded\n`,
  ])
  expect(scalarsIn(eventsIn(join(out, 'going'))[0]).epoch).toHaveLength(3)
  expect(readdirSync(out)).toEqual(['going', 'stopped'])
  // Nobody writes that line any more: the file is damaged.
  const again = await espalier(['export', join(folder, 'runs'), '-o', join(folder, 'again')])
  expect(again).toMatchObject({
    code: 1,
    stderr: `espalier: ${join(going, 'metrics.jsonl')}: line 4: expected JSON, found {"type":"epo\n`,
  })
  expect(existsSync(join(folder, 'again'))).toBe(false)
})

it('a folder with files in it is written into with --force alone, over what was exported there', async () => {
  const folder = temporaryFolder()
  const run = writeRun(join(folder, 'a'), { accuracy: 0.9 })
  const out = join(folder, 'out')
  const write = (...flags: string[]) => espalier(['export', run, '-o', out, ...flags])
  utimesSync(join(run, 'metrics.jsonl'), 100, 100)
  mkdirSync(out)
  expect((await write()).code).toBe(0)
  writeFileSync(join(out, 'a', 'events.out.tfevents.5.host'), 'mine')
  expect(await write()).toMatchObject({
    code: 1,
    stderr: `espalier: ${out} exists already and is not empty; --force writes into it\n`,
  })
  utimesSync(join(run, 'metrics.jsonl'), 200, 200)
  expect((await write('--force')).code).toBe(0)
  expect(readdirSync(join(out, 'a'))).toEqual(['events.out.tfevents.200.espalier', 'events.out.tfevents.5.host'])
})

it('refuses what it cannot export, in a sentence', async () => {
  const folder = temporaryFolder()
  const refused = async (...args: string[]) => {
    const { code, stderr, stdout } = await espalier(['export', ...args])
    expect([code, stdout]).toEqual([1, ''])
    return stderr
  }
  const out = join(folder, 'out')
  expect(await refused(folder, '-o', out)).toBe(
    `espalier: ${folder} holds no run: there is no metrics.jsonl in it or below\n`,
  )
  expect(await refused(folder)).toBe("error: required option '-o, --output <folder>' not specified\n")
  expect(await refused(folder, '-o', out, '--to', 'wandb')).toBe(
    "error: option '--to <format>' argument 'wandb' is invalid. Allowed choices are tensorboard, csv.\n",
  )
  const empty = join(folder, 'empty')
  mkdirSync(empty)
  writeFileSync(join(empty, 'metrics.jsonl'), '')
  expect(await refused(empty, '-o', out)).toBe(
    `espalier: ${empty}: expected metrics, found none yet: an epoch has to end before there are some\n`,
  )
  expect(await refused(empty, '-o', join(empty, 'metrics.jsonl'))).toBe(
    `espalier: cannot make the folder ${join(empty, 'metrics.jsonl')}: it exists already\n`,
  )
  expect(existsSync(out)).toBe(false)
})
