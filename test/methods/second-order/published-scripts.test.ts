/**
 * @file The scripts of the Combinatorial Brain Surgeon and WoodFisher as docs/methods.md has them: every
 * command of that table, on a small network.
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pruneCommand } from '../../../src/cli/commands/prune.ts'
import { checkPruneFlags } from '../../../src/cli/prune/flags.ts'
import { methodFor, methodName, type PruneFlags, pruneTask } from '../../../src/cli/prune/settings.ts'
import { prepare } from '../../../src/cli/prune/work.ts'
import { readSafetensors, writeSafetensors } from '../../../src/formats/safetensors.ts'
import { weightsOf } from '../../../src/train/checkpoint.ts'
import { Network } from '../../../src/train/network.ts'
import { train } from '../../../src/train/train.ts'
import { smallConv, smallImages } from '../../support/small-conv.ts'
import { dataOf, machine, model } from '../../train/small.ts'

const page = readFileSync(join(import.meta.dirname, '../../../docs/methods.md'), 'utf8')
const table = page.slice(page.indexOf('| Scripts of CBS and WoodFisher | Here |')).split('\n\n')[0]
const commands = [...new Set([...table.matchAll(/`(--method [^`]+)`/g)].map(([, command]) => command))]
/** Convolutions have weights that cost more than others. */
const networks = {
  linear: { model, data: dataOf({ train: 200 }) },
  conv: { model: smallConv, data: smallImages({ train: 200 }) },
}

const folder = mkdtempSync(join(tmpdir(), 'espalier-'))
const weightsFile = (kind: string) => join(folder, `${kind}.safetensors`)
const masks = join(folder, 'masks.safetensors')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What a command leaves: weights by layer, and a digest of them all. */
async function run(command: string, into?: string) {
  const kind = command.includes('--flops-power') ? 'conv' : 'linear'
  const { model, data } = networks[kind]
  const weights = weightsFile(kind)
  const given = command.replace('MASKS', masks).split(' ')
  const parsed = pruneCommand().action(() => {})
  const parse = (more: string[]) =>
    parsed.parse([weights, ...given, '--data', 'synthetic', '--sparsity', '0.7', ...more], {
      from: 'user',
    })
  const flags = () => parsed.opts<PruneFlags>()
  parse([])
  const name = methodName(flags().method!)
  const usual: Record<string, string[]> = {
    samples: ['150'],
    judge: ['200'],
    candidates: ['3'],
    passes: ['40'],
    epsilon: ['1e-6'],
  }
  const { takes } = methodFor(name, flags())
  const faithful = takes.includes('faithful') || name === 'magnitude' ? ['--faithful'] : ['--refresh-bn', 'none']
  const numbers = Object.entries(usual).flatMap(([key, values]) => (takes.includes(key) ? [`--${key}`, ...values] : []))
  parse([...faithful, ...numbers])
  checkPruneFlags(parsed, flags())
  const task = pruneTask(flags(), model)
  const { network, run } = await prepare(readSafetensors(weights) as never, weights, {
    flags: flags(),
    task,
    inputs: { data, notes: [] },
  })
  const { stages } = run()
  if (into) writeSafetensors(into, weightsOf(network))
  const hash = createHash('sha256')
  for (const { name } of network.prunable) hash.update(Float32Array.from(network.values(name)))
  const counts = network.counts().map(({ kept }) => kept)
  return { counts, kept: counts.reduce((a, b) => a + b, 0), digest: hash.digest('hex'), stages }
}

beforeAll(async () => {
  for (const [kind, { model, data }] of Object.entries(networks)) {
    const network = new Network({ machine, model, data, batch: 50 })
    await train(network, { epochs: 8, optimizer: { momentum: 0.9 }, schedule: { kind: 'constant', base: 0.05 } })
    writeSafetensors(weightsFile(kind), weightsOf(network))
  }
  await run('--method cbs-select', masks)
})

describe('each of its commands', () => {
  const found = new Map<string, string>()

  it.each(commands)('%s', { timeout: 20_000 }, async (command) => {
    const { kept, counts, digest } = await run(command)
    found.set(command, digest)
    if (command.includes('--sparsities')) expect(counts).toEqual([300, 19, 6])
    else if (command.includes('--flops ')) expect(kept).toBeLessThan(30)
    else {
      // One less than asked for, of all or of each tensor, up to the surplus of random buckets.
      const size = command.includes('--flops-power') ? 153 : 428
      expect(kept).toBeGreaterThanOrEqual(Math.floor(0.3 * size) - 3)
      expect(kept).toBeLessThanOrEqual(Math.floor(0.3 * size) + 20)
    }
  })

  it('gives another network, but for what is the same there', () => {
    expect(commands.length).toBeGreaterThan(25)
    const same = (...some: string[]) => expect(new Set(some.map((command) => found.get(command))).size).toBe(1)
    // In this network all weights are those that published results prune.
    same('--method woodfisher', '--method woodfisher --prunable all')
    // Three steps are the method.
    same('--method cbs', '--method cbs-update --start MASKS')
    same('--method cbs-select', '--method woodfisher --start MASKS --update none')
    expect(new Set(found.values()).size).toBe(commands.length - 3)
  })
})
