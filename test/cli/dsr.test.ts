/** @file Command lines and experiment lists of the published program of DSR, run. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { readSafetensors, toFloats } from '../../src/formats/safetensors.ts'
import { scheduleText } from '../experiment/dsr/files.ts'
import { compiled, espalier, spawned } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

beforeAll(compiled, 120_000)

const schedule = scheduleText([{ 0: 0, 1: 0.1 }, { 0: 5 }, { 0: 0 }])
const line = (options: string, job: number) => `python main.py --epochs 2 --batch-size 250 ${options} --job-idx ${job}`
const small = ['--set', 'data.name=synthetic']

function folderWith(files: Record<string, string>): string {
  const cwd = temporaryFolder()
  for (const [name, text] of Object.entries({ 'schedule.yaml': schedule, ...files }))
    writeFileSync(join(cwd, name), text)
  return cwd
}

const values = (file: string, name = 'fc1.weight') => Array.from(toFloats(readSafetensors(file).tensors.get(name)!))

it('a line runs, in a folder named as the program names its files, from which others go on', async () => {
  const cwd = folderWith({})
  const dense = line('--initial-sparsity-fc 0', 0)
  const first = await espalier(['run', '--from', dense, '--json', ...small], { cwd })
  expect([first.code, first.stderr]).toEqual([0, ''])
  const epochs = first.stdout.split('\n').filter((text) => text.includes('"type":"epoch"'))
  expect(epochs.map((text) => JSON.parse(text).learningRate)).toEqual([0, 0.1])
  const pruned = line(
    '--resume ./runs/mnist_mlp_0 --prune --start-pruning-after-epoch 0 --prune-iterations 2 --prune-epoch-frequency 1 --post-prune-epochs 1 --prune-target-sparsity-fc .5',
    1,
  )
  const second = await espalier(['run', '--from', pruned, '--quiet', ...small], { cwd })
  expect([second.code, second.stderr]).toEqual([0, ''])
  const zeros = values(join(cwd, 'runs/mnist_mlp_1/checkpoint.safetensors')).filter((w) => w === 0).length
  expect(zeros).toBe(117_600)
  const again = await espalier(['run', '--from', dense, ...small], { cwd })
  expect(again).toMatchObject({ code: 1, stderr: expect.stringMatching(/runs\/mnist_mlp_0 already holds a run/) })
})

it.each([
  [['run', '--from', 'python main.py --epoch 1 --rewirer'], '--from: unknown option --rewirer'],
  [['run'], 'expected a recipe, or --from with a command line, found neither'],
  [
    ['run', 'mnist-dsr', '--from', 'python main.py'],
    '--from is in the place of a recipe: expected no mnist-dsr beside it',
  ],
])('%j is refused in one sentence', async (args, message) => {
  const { code, stderr } = await espalier(args, { cwd: folderWith({}) })
  expect([code, stderr.trim().split('\n').length]).toEqual([1, 1])
  expect(stderr).toContain(message)
})

it('a list is a sweep: a run with a mask of another comes after that one', { timeout: 60_000 }, async () => {
  const moving = '--rewire --threshold-prune --rewire-scaling --n-prune-params 50 --initial-sparsity-fc .9'
  const jobs = [line('--copy-mask-from ./runs/mnist_mlp_2 --resume ./runs/mnist_mlp_2_initial', 3), line(moving, 2)]
  const cwd = folderWith({ 'mnist_experiments.yaml': `jobs:\n${jobs.map((job) => `  - ${job}\n`).join('')}` })
  const { code, stdout } = await spawned(['sweep', 'mnist_experiments.yaml', '--jobs', '2', ...small], { cwd })
  expect(code).toBe(0)
  expect(stdout.match(/^mnist_mlp_\d(?=: )/gm)).toEqual(['mnist_mlp_2', 'mnist_mlp_3'])
  const [own, taken] = ['2', '3'].map((job) => join(cwd, `sweeps/mnist_experiments/runs/mnist_mlp_${job}`))
  const [held, kept] = [own, taken].map((folder) => values(join(folder, 'checkpoint.safetensors')).map((w) => w !== 0))
  expect(kept.filter(Boolean).length).toBeGreaterThan(20_000)
  // A weight that grew at the last event may still be zero in one of the two.
  expect(kept.filter((nonzero, i) => nonzero !== held[i]).length).toBeLessThan(100)
})

it('a broken line of a list is named', async () => {
  const cwd = folderWith({ 'list.yaml': `jobs:\n  - ${line('', 0)}\n  - ${line('--rewire-every 3', 1)}\n` })
  const { code, stderr } = await espalier(['sweep', 'list.yaml', '--dry-run'], { cwd })
  expect([code, stderr.trim().split('\n').length]).toEqual([1, 1])
  expect(stderr).toContain('list.yaml: line 3: unknown option --rewire-every')
})
