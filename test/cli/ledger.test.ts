/**
 * @file The way of a row: pruned and recorded here, verified by somebody else, refused where something is
 * other than the record says, shown on the page.
 */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { readSafetensors, storeFloats, toFloats, writeSafetensors } from '../../src/formats/safetensors.ts'
import { unpackSparse } from '../../src/formats/sparse.ts'
import { type PruneRecord, readRecord } from '../../src/ledger/record.ts'
import { sealed } from '../../src/ledger/sealed.ts'
import { findModel } from '../../src/models/index.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { train } from '../../src/train/train.ts'
import { sha256 } from '../../src/util/sha256.ts'
import { writeTiny } from '../experiment/tiny.ts'
import { writeRecordFile } from '../ledger/records.ts'
import { machine } from '../train/small.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

/** A trained MLPNet, pruned by CBS in two stages with a round of updates, and the record of that. */
let folder: string
const at = (name: string) => join(folder, name)
const FLAGS = '--data synthetic --method cbs --sparsity 0.9 --samples 100 --judge 300 --stages 2 --polish 1 --seed 3'

const prune = (flags: string, ...rest: string[]) =>
  espalier(['prune', at('mlp.safetensors'), ...flags.split(' '), ...rest])
const verify = (record: string, ...flags: string[]) => espalier(['verify', record, ...flags])

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-'))
  const network = new Network({ machine, model: findModel('mlpnet'), data: synthetic(), batch: 100 })
  await train(network, { epochs: 2, optimizer: { momentum: 0.9 }, schedule: { kind: 'constant', base: 0.05 } })
  writeSafetensors(at('mlp.safetensors'), weightsOf(network))
  const { code, stderr } = await prune(FLAGS, '-o', at('cbs.safetensors'), '--record', at('cbs.record.json'), '--json')
  expect([code, stderr]).toEqual([0, ''])
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The record with changes, sealed again: what a liar would send. */
function forged(changes: Partial<PruneRecord>): string {
  const { digest: _, ...record } = readRecord(at('cbs.record.json'))
  return writeRecordFile(join(temporaryFolder(), 'forged.record.json'), sealed({ ...record, ...changes }))
}

it('a record holds the settings in full, hashes, counts, both accuracies, cost and machine', async () => {
  const record = readRecord(at('cbs.record.json'))
  expect(record).toMatchObject({
    network: 'mlpnet',
    method: 'cbs',
    sparsity: 0.9,
    seed: 3,
    scope: 'global',
    data: { name: 'synthetic', train: 2000, test: 500 },
    checkpoint: { name: 'mlp.safetensors', sha256: sha256([readFileSync(at('mlp.safetensors'))]) },
    asked: { samples: 100, judge: 300, stages: 2, polish: 1 },
    settings: { samples: 100, judge: 300, stages: 2, polish: 1, blocks: 'full', miniBatch: 1, faithful: false },
    judged: 300,
    images: 0,
    // Two stages of 100, and a round of half of the training samples.
    gradients: 1200,
  })
  expect(record.stages!.map(({ kept }) => kept)).toEqual([expect.any(Number), 3236])
  // The loss chooses among these, stage by stage.
  for (const { damping } of record.stages!) expect([1e-3, 1e-2, 1e-1]).toContain(damping)
  expect(record.layers.reduce((sum, { kept }) => sum + kept, 0)).toBe(3236)
  expect(record.environment.instructions).toMatch(/^(native|wasm) \w+$/)
  expect(record.seconds).toBeGreaterThan(0)
  expect(record.processorSeconds).toBeGreaterThan(0)
  expect(record.peakMemory).toBeGreaterThan(5e7)
  for (const [state, file] of [
    ['dense', 'mlp'],
    ['final', 'cbs'],
  ] as const) {
    const [evaluated] = jsonLines(
      (await espalier(['eval', at(`${file}.safetensors`), '--data', 'synthetic', '--json'])).stdout,
    )
    expect(record[state].correct).toBe(evaluated.correct)
  }
})

it('the record is verified by pruning again, and the row says by whom', async () => {
  const ledger = join(temporaryFolder(), 'ledger')
  const flags = ['--checkpoint', at('mlp.safetensors'), '--add', ledger, '--by', 'Ada Lovelace']
  const { code, stdout, stderr } = await verify(at('cbs.record.json'), ...flags)
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^mlpnet pruned to 90 % by cbs, seed 3 \(.*cbs\.record\.json\)$/m)
  expect(stdout).toMatch(/^ {2}counts: 3,236 of 32,360 weights are left, in every layer as many as in the record$/m)
  expect(stdout).toMatch(/^ {2}accuracy: (\S+) % are right here, \1 % in the record: the same instructions allow no/m)
  expect(stdout).toMatch(/^ {2}weights: the tensors are those of the record, bit for bit$/m)
  expect(stdout).toMatch(/^ {2}cost: 1,200 sample gradients and 0 images were taken here, as in the record$/m)
  expect(stdout).toMatch(/^verified$/m)
  expect(readdirSync(ledger).sort()).toEqual([
    expect.stringMatching(/^mlpnet-cbs-90-3-[0-9a-f]{8}-Ada-Lovelace\.verification\.json$/),
    expect.stringMatching(/^mlpnet-cbs-90-3-[0-9a-f]{8}\.record\.json$/),
  ])

  const page = join(ledger, 'ledger.md')
  expect((await espalier(['ledger', ledger, '-o', page])).stdout).toBe(`written: ${page}\n`)
  const row = /^\| 90 % .*$/m.exec(readFileSync(page, 'utf8'))![0]
  expect(row).toMatch(/\| cbs, .*stages 2.*\| +1 \| 3,236 \| 1,200 +\|.*\| Ada Lovelace \|$/)
  expect((await espalier(['ledger', ledger, '-o', page])).stderr).toMatch(/exists already; --force writes over it/)
  const [rows] = jsonLines((await espalier(['ledger', ledger, '--json'])).stdout) as unknown as object[][]
  expect(rows).toHaveLength(1)
  expect(rows[0]).toMatchObject({ method: 'cbs', kind: 'pruned', seeds: [3], kept: [3236], verified: ['Ada Lovelace'] })
}, 60_000)

it('stages and damping that nobody asked for are in the record, in rows, and used again', async () => {
  const folder = temporaryFolder()
  const record = join(folder, 'wf.record.json')
  const flags = '--data synthetic --method woodfisher --sparsity 0.25 --samples 60 --judge 100 --polish 0'
  expect(await prune(flags, '-o', join(folder, 'wf.safetensors'), '--record', record)).toMatchObject({ code: 0 })
  const { settings, stages } = readRecord(record)
  // Each stage leaves 92 %.
  expect(settings).toMatchObject({ stages: 4, damp: 1e-3, polish: 0 })
  expect(stages).toHaveLength(4)
  const [rows] = jsonLines((await espalier(['ledger', folder, '--json'])).stdout) as unknown as object[][]
  expect(rows[0]).toMatchObject({ settings: { stages: '4', damp: '0.001', samples: '60', judge: '100' } })
  const { code, stdout } = await verify(record, '--checkpoint', at('mlp.safetensors'))
  expect(stdout).toMatch(/^ {2}weights: the tensors are those of the record, bit for bit$/m)
  expect(code).toBe(0)
}, 60_000)

it('a record goes into a folder that is not there yet', async () => {
  const folder = temporaryFolder()
  const flags = [
    '--data',
    'synthetic',
    '--method',
    'magnitude',
    '--sparsity',
    '0.5',
    '-o',
    join(folder, 'a.safetensors'),
  ]
  const record = join(folder, 'mine', 'all', 'a.record.json')
  const { code, stderr } = await espalier(['prune', at('mlp.safetensors'), ...flags, '--record', record])
  expect([code, stderr]).toEqual([0, ''])
  expect(readRecord(record).sparsity).toBe(0.5)
  const below = join(folder, 'a.safetensors', 'a.record.json')
  const refused = await espalier(['prune', at('mlp.safetensors'), ...flags, '--force', '--record', below])
  expect(refused.stderr).toMatch(/^espalier: cannot make the folder .*a\.safetensors: .+\n$/)
}, 60_000)

it('what is printed where there is no terminal is the page with all columns', async () => {
  const page = join(temporaryFolder(), 'ledger.md')
  await espalier(['ledger', at('cbs.record.json'), '-o', page])
  const rowsIn = (text: string) => text.split('\n').filter((line) => line.startsWith('|'))
  const all = rowsIn(readFileSync(page, 'utf8'))
  expect(all[0]).toMatch(/sparsity.*instructions.*of processors.*MB/)
  expect(rowsIn((await espalier(['ledger', at('cbs.record.json')])).stdout)).toEqual(all)
  const narrow = (await espalier(['ledger', at('cbs.record.json')], { columns: 80 })).stdout
  expect(rowsIn(narrow)[0]).not.toMatch(/instructions/)
  expect(narrow).toMatch(/not shown, for want of room: [^(]+\(--out\s+has\s+all\)/)
})

it('a budget of multiply-adds is recorded, used again by verify, and named in the row', async () => {
  const ledger = temporaryFolder()
  const flags = ['--data', 'synthetic', '--method', 'magnitude', '--sparsity', '0.5', '-o']
  const [record, file] = ['a.record.json', 'a.safetensors'].map((name) => join(ledger, name))
  const pruned = await espalier(['prune', at('mlp.safetensors'), ...flags, file, '--flops', '0.05', '--record', record])
  expect([pruned.code, pruned.stderr]).toEqual([0, ''])
  const { flops, layers } = readRecord(record)
  expect(flops).toBe(0.05)
  // Without the budget half of 32,360 would be left; every weight costs one multiply-add here.
  expect(layers.reduce((sum, { kept }) => sum + kept, 0)).toBe(1618)
  expect((await verify(record, '--checkpoint', at('mlp.safetensors'))).stdout).toMatch(
    /counts: 1,618 of .*verified\n$/s,
  )
  expect((await espalier(['ledger', ledger])).stdout).toMatch(/^\| 50 % +\| magnitude, flops 0\.05 +\|/m)
}, 60_000)

it('on another instruction set counts are equal and accuracies within the tolerance', async () => {
  const env = { ESPALIER_ENGINE: 'wasm' }
  const args = ['verify', at('cbs.record.json'), '--checkpoint', at('mlp.safetensors'), '--tolerance', '3']
  const { code, stdout } = await espalier(args, { env })
  expect(stdout).toMatch(/counts: 3,236 of .*\n {2}accuracy: .*: other instructions allow 3 points\nverified/)
  expect(stdout).not.toMatch(/weights:|cost:/)
  expect(code).toBe(0)
}, 60_000)

it('the pruned file is checked without pruning again: tensors, zeros, accuracy', async () => {
  const { code, stdout } = await verify(at('cbs.record.json'), '--pruned', at('cbs.safetensors'))
  expect(stdout).toMatch(/counts: 3,236 .*\n {2}accuracy: .*\n {2}weights: .* bit for bit\nverified\n$/)
  expect(code).toBe(0)

  const onnx = await espalier(['convert', at('cbs.safetensors'), at('cbs.h5')])
  expect(onnx.code, onnx.stderr).toBe(0)
  expect((await verify(at('cbs.record.json'), '--pruned', at('cbs.h5'))).stdout).toMatch(/verified\n$/)
})

it('a pruned file with another weight is not verified', async () => {
  const file = unpackSparse(readSafetensors(at('cbs.safetensors')), 'cbs')
  const values = toFloats(file.tensors.get('fc3.weight')!)
  const kept = values.findIndex((value) => value !== 0)
  for (const [value, message] of [
    [
      0,
      /counts: WRONG: fc3\.weight keeps \d+ weights here, \d+ in the record[\s\S]*not verified: counts, (accuracy, )?weights\n$/,
    ],
    [
      values[kept] * (1 + 1e-6),
      /counts: 3,236[\s\S]*weights: WRONG: the tensors are not those[\s\S]*not verified: weights\n$/,
    ],
  ] as const) {
    values[kept] = value
    file.tensors.set('fc3.weight', storeFloats(values, [10, 20]))
    const path = join(temporaryFolder(), 'other.safetensors')
    writeSafetensors(path, file)
    const { code, stdout } = await verify(at('cbs.record.json'), '--pruned', path)
    expect(stdout).toMatch(message)
    expect(code).toBe(1)
  }
})

it('a record that claims what is not so is not verified, and nothing is added', async () => {
  const { final, gradients } = readRecord(at('cbs.record.json'))
  const add = join(temporaryFolder(), 'ledger')
  const claims = { final: { ...final, correct: final.correct + 1 }, gradients: gradients - 1 }
  const flags = ['--checkpoint', at('mlp.safetensors'), '--add', add, '--by', 'Eve', '--json']
  const { code, stdout } = await verify(forged(claims), ...flags)
  expect(code).toBe(1)
  const [{ verified, findings }] = jsonLines(stdout) as [
    { verified: boolean; findings: { what: string; holds: boolean }[] },
  ]
  expect(verified).toBe(false)
  expect(findings.filter(({ holds }) => !holds).map(({ what }) => what)).toEqual(['accuracy', 'cost'])
  expect(existsSync(add)).toBe(false)
}, 60_000)

it.each<[string, () => string[], RegExp]>([
  ['no weights', () => [at('cbs.record.json')], /verify needs either --checkpoint with the weights .* or --pruned/],
  [
    'other weights',
    () => [at('cbs.record.json'), '--checkpoint', at('cbs.safetensors')],
    /cbs\.safetensors is not mlp\.safetensors of the record: expected SHA-256 [0-9a-f]{16}, found [0-9a-f]{16}/,
  ],
  [
    'data that only a folder here could be',
    () => [
      forged({ data: { ...readRecord(at('cbs.record.json')).data, name: 'secret' } }),
      '--checkpoint',
      at('mlp.safetensors'),
    ],
    /verify needs --data with the folder of secret, the data set of the record/,
  ],
  [
    'other data',
    () => [
      forged({ data: { ...readRecord(at('cbs.record.json')).data, sha256: 'a'.repeat(64) } }),
      '--checkpoint',
      at('mlp.safetensors'),
    ],
    /synthetic holds other images or labels than synthetic of the record/,
  ],
  [
    'a network of another shape',
    () => [forged({ network: 'lenet-5' }), '--pruned', at('cbs.safetensors')],
    /has no tensor conv1\.weight/,
  ],
  [
    'a file that is no record',
    () => [at('mlp.safetensors'), '--pruned', at('cbs.safetensors')],
    /holds no row of a ledger/,
  ],
  ['--by alone', () => [at('cbs.record.json'), '--by', 'Eve'], /--add and --by go together/],
  [
    'a name with markup',
    () => [at('cbs.record.json'), '--add', at('x'), '--by', '|<b>'],
    /--by: expected at most 40 letters, digits, spaces and \.@_-/,
  ],
])('verify says in a sentence what is wrong: %s', async (_, args, message) => {
  const { code, stdout, stderr } = await verify(...(args() as [string]))
  expect(stderr).toMatch(message)
  expect(stderr).toMatch(/^espalier: [^\n]+\n$/)
  expect([code, stdout]).toEqual([1, ''])
})

it.each([
  ['--compare magnitude,obc --data synthetic', /--record does not go with --compare/],
  ['--method magnitude', /--record needs --data/],
  ['--method magnitude --data synthetic --finetune x.yaml', /--record does not go with --finetune, since .* epochs/],
  ['--method obd --data synthetic --fisher-cache DIR', /--record does not go with --fisher-cache/],
  [
    '--method snows --data synthetic --dense /etc/hostname',
    /--record does not go with --dense, since a record names no files/,
  ],
  ['--method magnitude --data synthetic --record a.json', /--record: expected a name that ends in \.record\.json/],
])('prune %s: what cannot be recorded is refused before work begins', async (flags, message) => {
  const own = flags.includes('--record') ? [] : ['--record', join(temporaryFolder(), 'a.record.json')]
  const out = flags.includes('--compare') ? [] : ['-o', join(temporaryFolder(), 'a.safetensors')]
  const { code, stderr } = await prune(`${flags} --sparsity 0.5`, ...out, ...own)
  expect(stderr).toMatch(message)
  expect(code).toBe(1)
})

it('a run is verified by its recipe; one that was changed is not', async () => {
  const cwd = temporaryFolder()
  const run = join(cwd, 'run')
  expect((await espalier(['run', writeTiny(cwd), '--out', run, '--quiet'])).code).toBe(0)
  const environment = JSON.parse(readFileSync(join(run, 'environment.json'), 'utf8'))
  expect(environment.peakMemory).toBeGreaterThan(5e7)
  const { code, stdout } = await verify(run)
  expect(stdout).toMatch(/counts: 3,236 .*\n {2}accuracy: .*\nverified\n$/)
  expect(code).toBe(0)
  const page = (await espalier(['ledger', run], { columns: 200 })).stdout
  expect(page).toMatch(
    /### Trained[\s\S]*\| 90 % +\| magnitude, cubic \| +\d\d\.\d\d \| +1 \| 3,236 \| +4 \| native \w+ +\|/,
  )

  // Of another seed.
  const other = join(cwd, 'other')
  await espalier(['run', writeTiny(cwd), '--out', other, '--quiet', '--seed', '1'])
  copyFileSync(join(other, 'metrics.jsonl'), join(run, 'metrics.jsonl'))
  const changed = await verify(run)
  expect(changed.stdout).toMatch(/not verified: (counts|accuracy|counts, accuracy)\n$/)
  expect(changed.code).toBe(1)
  expect((await verify(run, '--pruned', at('cbs.safetensors'))).stderr).toMatch(/--pruned is for records/)

  const weights = join(cwd, 'weights')
  const args = ['run', writeTiny(cwd), '--set', `model.weights=${at('mlp.safetensors')}`, '--out', weights, '--quiet']
  expect((await espalier(args)).code).toBe(0)
  expect(JSON.parse(readFileSync(join(weights, 'environment.json'), 'utf8')).weights).toBe(
    sha256([readFileSync(at('mlp.safetensors'))]),
  )
  expect((await verify(weights)).stderr).toMatch(
    /its recipe needs a file, .*mlp\.safetensors: expected a run that begins/,
  )
}, 120_000)
