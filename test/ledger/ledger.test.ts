/** @file The page: records and runs from folders, sections that do not mix, figures with their sources. */
import { appendFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ledgerDocument } from '../../src/ledger/document.ts'
import { ledgerOf } from '../../src/ledger/ledger.ts'
import { Published, readPublished } from '../../src/ledger/published.ts'
import { sealed } from '../../src/ledger/sealed.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { tiny } from '../experiment/tiny.ts'
import { writeRun } from '../report/runs.ts'
import { type Changes, recordWith, writeRecordFile } from './records.ts'

/** The cells of the rows of tables, without their padding. */
const rowsIn = (text: string) =>
  text
    .split('\n')
    .filter((line) => /^\| +\d/.test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )

function writeRecords(folder: string, ...all: Changes[]): string {
  for (const [i, changes] of all.entries()) writeRecordFile(join(folder, `${i}.record.json`), recordWith(changes))
  return folder
}

const none = new Published([])

it('a row per setting, with n, the range of gradients and the published figure; other methods beside it', () => {
  const folder = writeRecords(
    temporaryFolder(),
    { correct: 9200, gradients: 300_000 },
    { correct: 9300, gradients: 340_000, seed: 1 },
    { method: 'magnitude', settings: {}, correct: 3225, gradients: 0, images: 0, seconds: 0.35, processorSeconds: 0.2 },
  )
  const text = ledgerDocument(ledgerOf([folder]), 'espalier ledger DIR')
  const head = text.split('\n').find((line) => line.startsWith('| sparsity'))!
  expect(head.split('|').map((cell) => cell.trim())).toEqual([
    '',
    'sparsity',
    'method',
    'accuracy, %',
    'published, %',
    'seeds',
    'kept',
    'sample gradients',
    'images',
    'instructions',
    'seconds',
    'of processors',
    'MB',
    '',
  ])
  expect(rowsIn(text)).toEqual([
    [
      '98 %',
      'obc',
      '92.50 ± 0.71',
      '',
      '2',
      '647',
      '300,000 to 340,000',
      '4,000',
      'native avx2',
      '50.0',
      '75.0',
      '690',
    ],
    ['98 %', 'cbs', '', '55.45 [3]', '', '', '', '', '', '', '', ''],
    ['98 %', 'woodfisher', '', '38.26 [2]', '', '', '', '', '', '', '', ''],
    ['98 %', 'magnitude', '32.25', '32.25 [1]', '1', '647', '0', '', 'native avx2', '0.3', '0.2', '690'],
  ])
  expect(text).toMatch(/^## mlpnet on mnist\n\n### After training, no epochs$/m)
  expect(text).toMatch(/^3\. CBS in Benbaki et al\. 2023, .*five seeds;$/m)
  expect(text).toContain('Rows of one seed have no deviation: magnitude at 98 %.')
  for (const line of text.split('\n')) if (!line.startsWith('|')) expect(line.length, line).toBeLessThanOrEqual(110)
})

it('the text over a table says how inputs were made, or the rows do where they differ', () => {
  const { data, dense } = recordWith()
  const plain = writeRecords(temporaryFolder(), {}, { seed: 1 })
  const text = ledgerDocument(ledgerOf([plain], none), 'espalier ledger DIR').replaceAll('\n', ' ')
  expect(text).toContain('before pruning 93.97 % are right. Inputs have mean 0.1307, std 0.3081.')
  const other = { data: { ...data, mean: [0.5] }, dense: { ...dense, correct: 8000 }, correct: 1 }
  const both = ledgerDocument(ledgerOf([writeRecords(plain, {}, other)], none), 'espalier ledger DIR')
  expect(both.replaceAll('\n', ' ')).toContain('before pruning 80.00 or 93.97 % are right.  |')
  expect(rowsIn(both).map(([, method]) => method)).toEqual(['obc, mean 0.1307', 'obc, mean 0.5'])
})

it('a run and its repetition that tells more of the same test are one; another accuracy is refused', () => {
  const folder = temporaryFolder()
  writeRun(join(folder, 'older'), { accuracy: 0.9 })
  writeRun(join(folder, 'newer'), { accuracy: 0.9, tests: [0.1, 0.2, 0.3] })
  expect(ledgerOf([folder], none).rows.map(({ seeds }) => seeds)).toEqual([[0]])
  writeRun(join(folder, 'other'), { accuracy: 0.8 })
  expect(() => ledgerOf([folder], none)).toThrow(/have the same settings, seed and instruction set, and other results/)
})

it('what was trained stands in a section of its own, with its epochs and no checkpoint', () => {
  const folder = temporaryFolder()
  writeRecords(folder, { network: 'mlpnet', data: { ...recordWith().data, name: 'synthetic' }, sparsity: 0.9 })
  for (const seed of [0, 1]) {
    const about = { paper: 'Doe 2020', published: [{ value: 90.5, where: { 'prune.method': 'magnitude' } }] }
    const run = writeRun(join(folder, 'runs', `${seed}`), { recipe: { seed, about }, accuracy: 0.9 + seed / 50 })
    const environment = { espalier: '0.1.0', engine: 'native avx2, 2 threads', peakMemory: 2e8 }
    writeFileSync(join(run, 'environment.json'), JSON.stringify(environment))
  }
  writeRun(join(folder, 'runs', 'begun'), { recipe: { seed: 2 } })
  const { rows, incomplete } = ledgerOf([folder], none)
  expect(rows.map(({ kind, method, seeds, epochs, sparsity }) => [kind, method, seeds, epochs, sparsity])).toEqual([
    ['pruned', 'obc', [0], 0, 0.9],
    ['trained', 'magnitude, cubic', [0, 1], 3, 0.9],
  ])
  expect(rows[1]).toMatchObject({ kept: [3236], size: 32_360, instructions: 'native avx2', peakMemory: 2e8 })
  expect(rows[1].accuracy.deviation).toBeCloseTo(Math.SQRT2, 10)
  expect(incomplete).toEqual([join(folder, 'runs', 'begun')])
  const text = ledgerDocument(ledgerOf([folder], none), 'espalier ledger DIR')
  const [pruned, trained] = text.split('### Trained')
  expect(rowsIn(pruned)).toHaveLength(1)
  expect(rowsIn(trained)[0].slice(0, 6)).toEqual([
    '90 %',
    'magnitude, cubic',
    '91.00 ± 1.41',
    '90.50 [1]',
    '2',
    '3,236',
  ])
  expect(trained).toContain('1. Doe 2020: those of the recipe tiny.')
  expect(trained).toMatch(/Runs that are not complete do not count: .*begun\./)
})

it('a run without epochs is not trained; its folder says the checkpoint, its events the gradients', () => {
  const folder = writeRun(join(temporaryFolder(), 'run'), {
    recipe: { train: { ...tiny.train, epochs: 0 } },
    epochs: 0,
    accuracy: 0.5,
  })
  writeFileSync(join(folder, 'environment.json'), JSON.stringify({ weights: 'd'.repeat(64), engine: 'wasm simd128' }))
  const [row] = ledgerOf([folder], none).rows
  expect(row).toMatchObject({ kind: 'pruned', epochs: 0, checkpoint: { sha256: 'd'.repeat(64) }, gradients: [0, 0] })
  const events = [
    { type: 'prune', gradients: 200, polished: { gradients: 3000 } },
    { type: 'prune', gradients: 50 },
  ]
  for (const event of events) appendFileSync(join(folder, 'metrics.jsonl'), `${JSON.stringify(event)}\n`)
  expect(ledgerOf([folder], none).rows[0].gradients).toEqual([3250, 3250])
  writeFileSync(join(folder, 'environment.json'), '{}')
  expect(ledgerOf([folder], none).rows[0]).toMatchObject({ kind: 'pruned', checkpoint: { sha256: 'unknown' } })
  writeFileSync(join(folder, 'environment.json'), '{"engine": "<script>"}')
  expect(() => ledgerOf([folder], none)).toThrow(/environment\.json: engine: expected at most 80 letters/)
  writeFileSync(join(folder, 'environment.json'), '{')
  expect(() => ledgerOf([folder], none)).toThrow(/environment\.json is damaged: expected JSON/)
})

it('verifications of records that were changed or are not here are told, and count for nothing', () => {
  const folder = writeRecords(temporaryFolder(), {})
  const { environment, digest } = recordWith()
  const verification = {
    format: 'espalier verification 1',
    by: 'Ada Lovelace',
    how: 'again',
    correct: 9259,
    count: 10_000,
    kept: 647,
    same: true,
    environment,
  }
  writeRecordFile(join(folder, 'ada.verification.json'), sealed({ ...verification, record: digest }))
  writeRecordFile(join(folder, 'bob.verification.json'), sealed({ ...verification, by: 'Bob', record: 'e'.repeat(64) }))
  const ledger = ledgerOf([folder], none)
  expect(ledger.rows[0].verified).toEqual(['Ada Lovelace'])
  expect(ledger.unfounded).toEqual([join(folder, 'bob.verification.json')])
  writeRecordFile(join(folder, 'eve.verification.json'), sealed({ ...verification, by: '|<b>', record: digest }))
  expect(() => ledgerOf([folder], none)).toThrow(/eve\.verification\.json: by: expected at most 40/)
})

it('folders without a row, and files that are none, are refused; links are not followed', () => {
  const folder = temporaryFolder()
  expect(() => ledgerOf([folder])).toThrow(/holds no row of a ledger/)
  expect(() => ledgerOf([join(folder, 'none')])).toThrow(/there is no file or folder/)
  const elsewhere = writeRecords(temporaryFolder(), {})
  mkdirSync(join(folder, 'in'))
  symlinkSync(join(elsewhere, '0.record.json'), join(folder, 'in', 'a.record.json'))
  symlinkSync(elsewhere, join(folder, 'in', 'b'))
  expect(() => ledgerOf([folder])).toThrow(/holds no row of a ledger/)
})

it('the published figures of the package are those of the documents', () => {
  const published = readPublished()
  const of = (method: string, sparsity: number, network = 'mlpnet', data = 'mnist') =>
    published.of({ network, data, method, sparsity }).map(({ accuracy }) => accuracy)
  expect([0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98].flatMap((sparsity) => of('magnitude', sparsity))).toEqual([
    93.93, 93.78, 93.62, 92.89, 90.3, 83.64, 32.25,
  ])
  expect([of('woodfisher', 0.98), of('cbs', 0.95), of('obc', 0.95)]).toEqual([[38.26], [88.92], []])
  expect(of('cbs', 0.8, 'resnet20', 'cifar10')).toEqual([51.28])
  expect(published.all.filter(({ network }) => network === 'resnet20').every(({ recalled }) => recalled)).toBe(true)
})
