/**
 * @file Command lines of the published program of DSR, run on small data: every way to be sparse ends as it
 * says.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { synthetic } from '../../../src/data/synthetic.ts'
import { readCommand } from '../../../src/experiment/dsr/read.ts'
import type { RunEvent } from '../../../src/experiment/run/events.ts'
import { runRecipe } from '../../../src/experiment/run/run.ts'
import { rows } from '../../support/breadth.ts'
import { best } from '../../support/engines.ts'
import { scheduleText } from './files.ts'

const folder = mkdtempSync(join(tmpdir(), 'espalier-'))
const schedule = join(folder, 'schedule.yaml')
writeFileSync(schedule, scheduleText([{ 0: 0.05 }, { 0: 2, 1: 3 }, { 0: 1e-5 }]))
afterAll(() => rmSync(folder, { recursive: true }))

const shapes = {
  mnist_mlp: { image: [1, 28, 28], classes: 10 },
  cifar10_WideResNet: { image: [3, 32, 32], classes: 10 },
} as const

/** What a line ends with: prunable weights, those that are left, and its events of rewiring. */
async function run(model: keyof typeof shapes, options: string, job: number) {
  const line = `python main.py --model ${model} --epochs 2 -b 25 --schedule-file ${schedule} ${options} --job-idx ${job}`
  const { recipe } = readCommand(line, [], { source: '--from' })
  const data = synthetic({ ...shapes[model], train: 250, test: 20 })
  const events: RunEvent[] = []
  const out = join(folder, `${model}_${job}`)
  await runRecipe(recipe, { machine: best, data, out, checkpointSeconds: 1e9, onEvent: (event) => events.push(event) })
  const { result } = events.find((event) => event.type === 'end')!
  const sum = (key: 'size' | 'kept') => result.layers.reduce((total, layer) => total + layer[key], 0)
  const moved = events.filter((event) => event.type === 'rewire')
  return { size: sum('size'), kept: sum('kept'), moved }
}

const options: [string, number, number][] = [
  ['--initial-sparsity-fc 0', 266_200, 0],
  ['--initial-sparsity-fc .95', 13_310, 0],
  ['--rewire --rewire-fraction .2', 5324, 7],
  ['--rewire --rewire-fraction .2 --rewire-scaling', 5324, 7],
  ['--rewire --threshold-prune --n-prune-params 100', 5324, 7],
  ['--rewire --threshold-prune --n-prune-params 100 --rewire-scaling --big-new-weights', 5324, 7],
  ['--rewire --rewire-fraction .2 --stop-rewire-epoch 1 --no-batch-norm', 5324, 4],
  ['--tied --initial-sparsity-fc .9', 266_200, 0],
]
it.each(rows(options, (_, i) => i % 2 === 1))('mnist_mlp %s', async (options, kept, events) => {
  const job = 100 + events + options.length
  const found = await run('mnist_mlp', options, job)
  expect(found.size).toBe(266_200)
  // As coded, growth can exceed what went by a few; a weight that has just grown may be zero.
  expect(Math.abs(found.kept - kept)).toBeLessThanOrEqual(options.includes('--rewire') ? 30 : 0)
  expect(found.moved).toHaveLength(events)
  for (const { pruned, grown } of found.moved) expect(Math.abs(grown - pruned)).toBeLessThanOrEqual(3)
  expect(found.moved.every(({ grown }) => grown > 0)).toBe(true)
})

it.each([
  ['--DeepR --L1-loss-coeff 1e-4', 5324],
  ['--DeepR --big-new-weights --DeepR_eta .1', 5324],
])('mnist_mlp %s', async (options, kept) => {
  const found = await run('mnist_mlp', options, options.length)
  expect(Math.abs(found.kept - kept)).toBeLessThan(300)
})

it.each([
  ['--sub-kernel-granularity 2 --rewire --threshold-prune --rewire-scaling --n-prune-params 5', 9],
  ['--sub-kernel-granularity 3 --rewire --rewire-scaling --conv-group-lasso --L1-loss-coeff 1e-4', 3],
])('cifar10_WideResNet %s: whole runs of weights', async (options, length) => {
  const wide = '--layers 10 --widen-factor .25 --initial-sparsity-conv .5'
  const { size, kept, moved } = await run('cifar10_WideResNet', `${wide} ${options}`, length)
  expect(size).toBe(9 * (16 * 4 + 4 * 4 + 4 * 8 + 8 * 8 + 8 * 16 + 16 * 16))
  expect(moved).toHaveLength(7)
  for (const { pruned, grown } of moved) expect([pruned % length, grown % length]).toEqual([0, 0])
  expect(Math.abs(kept - size / 2)).toBeLessThan(0.1 * size)
})
